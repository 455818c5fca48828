"""``transliconet probe``: encoder and pairs folder → retrieval records."""

from pathlib import Path

from omegaconf import DictConfig

from transliconet.cli.app import build, hydra_command, plain
from transliconet.cli.train import build_encoder
from transliconet.errors import ConfigError, require_choice
from transliconet.pairs import PairsFolder
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import write_results
from transliconet.report.tables import language_of, probe_tables, script_of

BY = {"language": language_of, "script": script_of}


def probe(cfg: DictConfig) -> list[RetrievalRecord]:
    """Measure what ``cfg`` describes and write it to ``cfg.out``."""
    require_choice("by", cfg.by, BY)
    out = Path(cfg.out).expanduser()
    if out.exists() and not cfg.overwrite:
        raise ConfigError(
            f"out={out}",
            "already there",
            "Choose another file, or overwrite=true",
            code="TLN-CONFIG-951",
        )
    pairs = PairsFolder.open(cfg.pairs)
    what = build(cfg.probe)
    records = what.run(build_encoder(cfg.encoder, pairs), pairs)
    write_results(out, {"probe": records}, pairs, plain(cfg))
    return records


@hydra_command("probe")
def main(cfg: DictConfig) -> None:
    print(f"{probe_tables(probe(cfg), BY[cfg.by])}\n\nrecords: {cfg.out}")
