"""``transliconet probe``: encoder and pairs folder, or file of typed text → retrieval records."""

from dataclasses import dataclass

from omegaconf import DictConfig, OmegaConf

from transliconet.cli.build import build, recorded_settings
from transliconet.cli.train import build_encoder
from transliconet.errors import ConfigError, require_choice, section
from transliconet.output_file import output_file
from transliconet.pairs import PairsFolder
from transliconet.probe.base import Probe
from transliconet.probe.outcomes import outcomes_path
from transliconet.probe.passed_over import PassedOver
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import BEGINNING, write_results
from transliconet.probe.retrieval import RetrievalProbe
from transliconet.report.card import revision_of
from transliconet.report.documents import side_by_side, without_documents
from transliconet.report.ranking import ranking_markdown
from transliconet.report.tables import GROUPINGS, probe_tables
from transliconet.report.typed import romanizer_of


@dataclass(frozen=True)
class ProbeResult:
    """The records of a probe, what it did not measure, and the name of the romanizer."""

    records: list[RetrievalRecord]
    passed_over: PassedOver
    romanizer: str


def probe(cfg: DictConfig) -> ProbeResult:
    """Run the probe that ``cfg`` describes and write its records to ``cfg.out``."""
    require_choice("by", cfg.by, GROUPINGS)
    out = output_file(cfg.out, "results file", BEGINNING, cfg.overwrite)
    outcomes_path(out)  # before anything is computed
    if "_target_" not in cfg.probe:
        raise ConfigError(
            "probe=none",
            "nothing to do",
            "Choose one of: heldout, sr_b, sr_t, typed, documents",
            code="TLN-CONFIG-964",
        )
    chosen: Probe = build(cfg.probe)
    pairs = None
    if isinstance(chosen, RetrievalProbe) or not OmegaConf.is_missing(cfg, "pairs"):
        pairs = PairsFolder.open(cfg.pairs)
    encoder = build_encoder(cfg.encoder, pairs)
    with section("probe"):
        records = chosen.run(encoder, pairs)
        passed_over = chosen.passed_over(pairs)
        data = chosen.data(pairs)
    settings = {key: value for key, value in recorded_settings(cfg).items() if value != "???"}
    more: dict[str, object] = {"passed_over": passed_over.as_dict(), "prompt": encoder.prompt}
    if revision := revision_of(encoder.name):
        more["revision"] = revision
    write_results(out, {"probe": records}, data, settings, **more)
    return ProbeResult(records, passed_over, romanizer_of(data))


def main(cfg: DictConfig) -> None:
    result = probe(cfg)
    columns = {"probe": result.records}
    tables = [side_by_side(columns, result.romanizer)]
    for records in without_documents(columns).values():
        tables += [probe_tables(records, GROUPINGS[cfg.by]), ranking_markdown(records)]
    print("\n\n".join(table for table in tables if table))
    for line in result.passed_over.lines():
        print(f"\nnot measured: {line}", end="")
    print(f"\n\nrecords: {cfg.out}")
