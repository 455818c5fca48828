"""``transliconet probe``: encoder and pairs folder → retrieval records."""

from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from transliconet.cli.app import build, recorded_settings
from transliconet.cli.train import build_encoder
from transliconet.errors import ConfigError, require_choice, section
from transliconet.pairs import PairsFolder
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import write_results
from transliconet.probe.retrieval import RetrievalProbe
from transliconet.probe.tasks import PassedOver
from transliconet.report.tables import language_of, probe_tables, script_of

TABLE_ROWS = {"language": language_of, "script": script_of}


@dataclass(frozen=True)
class ProbeResult:
    """The records of a probe, and what it did not measure."""

    records: list[RetrievalRecord]
    passed_over: PassedOver


def probe(cfg: DictConfig) -> ProbeResult:
    """Run the probe that ``cfg`` describes and write its records to ``cfg.out``."""
    require_choice("by", cfg.by, TABLE_ROWS)
    out = Path(cfg.out).expanduser()
    if out.exists() and not cfg.overwrite:
        raise ConfigError(
            f"out={out}",
            "already there",
            "Choose another file, or overwrite=true",
            code="TLN-CONFIG-951",
        )
    if "_target_" not in cfg.probe:
        raise ConfigError(
            "probe=none",
            "nothing to do",
            "Choose one of: heldout, sr_b, sr_t",
            code="TLN-CONFIG-964",
        )
    pairs = PairsFolder.open(cfg.pairs)
    retrieval: RetrievalProbe = build(cfg.probe)
    encoder = build_encoder(cfg.encoder, pairs)
    with section("probe"):
        records = retrieval.run(encoder, pairs)
        passed_over = retrieval.passed_over(pairs)
    settings = recorded_settings(cfg)
    write_results(out, {"probe": records}, pairs, settings, passed_over=passed_over.as_dict())
    return ProbeResult(records, passed_over)


def main(cfg: DictConfig) -> None:
    result = probe(cfg)
    print(probe_tables(result.records, TABLE_ROWS[cfg.by]))
    for line in result.passed_over.lines():
        print(f"\nnot measured: {line}", end="")
    print(f"\n\nrecords: {cfg.out}")
