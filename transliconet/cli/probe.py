"""``transliconet probe``: encoder and pairs folder → retrieval records."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from transliconet.cli.app import build, hydra_command
from transliconet.cli.train import build_encoder
from transliconet.corpus.pairs import PairsFolder
from transliconet.errors import ConfigError, require_choice
from transliconet.probe.record import RetrievalRecord
from transliconet.report.records import write_results
from transliconet.report.tables import language_of, probe_tables, script_of

BY = {"language": language_of, "script": script_of}


def probe(cfg: DictConfig) -> list[RetrievalRecord]:
    """Measure what ``cfg`` describes and write it to ``cfg.out``."""
    require_choice("by", cfg.by, BY)
    out = Path(cfg.out).expanduser()
    if out.exists() and not cfg.overwrite:
        raise ConfigError(f"out={out}", "already there", "Choose another file, or overwrite=true")
    pairs = PairsFolder.open(cfg.pairs)
    what = build(cfg.probe)
    records = what.run(build_encoder(cfg.encoder, pairs), pairs)
    write_results(out, {"probe": records}, pairs, OmegaConf.to_container(cfg, resolve=True))  # type: ignore[arg-type]
    return records


@hydra_command("probe")
def main(cfg: DictConfig) -> None:
    print(f"{probe_tables(probe(cfg), BY[cfg.by])}\n\nrecords: {cfg.out}")
