"""``transliconet transfer``: an encoder and a labelled task → figures by language and view."""

from omegaconf import DictConfig

from transliconet.cli.build import build, recorded_settings
from transliconet.cli.train import build_encoder
from transliconet.downstream.outcomes import write_item_outcomes
from transliconet.downstream.transfer import TransferResult, transfer
from transliconet.errors import section
from transliconet.output_file import output_file
from transliconet.probe.results import BEGINNING, write_results
from transliconet.report.transfer import transfer_markdown


def run_transfer(cfg: DictConfig) -> TransferResult:
    """Run the task that ``cfg`` describes and write its records to ``cfg.out``."""
    out = output_file(cfg.out, "results file", BEGINNING, cfg.overwrite)
    task = build(cfg.task)
    settings = build(cfg.transfer, head=build(cfg.head))
    encoder = build_encoder(cfg.encoder, None)
    with section("transfer"):
        result = transfer(encoder, task, settings)
    write_results(
        out,
        {},
        {"sources": result.sources},
        recorded_settings(cfg),
        **result.as_content(),
        transfer_outcomes=write_item_outcomes(out, [("", record) for record in result.records]),
    )
    return result


def main(cfg: DictConfig) -> None:
    result = run_transfer(cfg)
    print(transfer_markdown([record.as_dict() for record in result.records]))
    print("\nfigures in percent")
    for tag, reasons in result.left_out.items():
        counts = ", ".join(f"{reason} {number}" for reason, number in reasons.items())
        print(f"left out of {tag}: {counts}")
    print(f"\nrecords: {cfg.out}")
