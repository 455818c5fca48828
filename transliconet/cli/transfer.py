"""``transliconet transfer``: an encoder and a labelled task → accuracy by language and view."""

from omegaconf import DictConfig
from tabulate import tabulate

from transliconet.cli.build import build, recorded_settings
from transliconet.cli.train import build_encoder
from transliconet.downstream.record import TransferRecord
from transliconet.downstream.transfer import TransferResult, transfer
from transliconet.errors import section
from transliconet.output_file import output_file
from transliconet.probe.results import BEGINNING, write_results

HEADINGS = ["language", "view", "n", "accuracy", "95 % interval", "macro-F1", "chance"]


def run_transfer(cfg: DictConfig) -> TransferResult:
    """Run the task that ``cfg`` describes and write its records to ``cfg.out``."""
    out = output_file(cfg.out, "results file", BEGINNING, cfg.overwrite)
    task = build(cfg.task)
    settings = build(cfg.transfer)
    encoder = build_encoder(cfg.encoder, None)
    with section("transfer"):
        result = transfer(encoder, task, settings)
    write_results(
        out,
        {},
        {"sources": result.sources},
        recorded_settings(cfg),
        transfer=[record.as_dict() for record in result.records],
        head={"strength": result.strength, "dev_accuracy": result.dev_accuracy},
        left_out=result.left_out,
    )
    return result


def main(cfg: DictConfig) -> None:
    result = run_transfer(cfg)
    rows = [_row(record) for record in result.records]
    print(tabulate(rows, HEADINGS, "github", disable_numparse=True))
    print(f"\naccuracy and macro-F1 in percent; trained on {', '.join(_trained_on(result))}")
    for tag, reasons in result.left_out.items():
        counts = ", ".join(f"{reason} {number}" for reason, number in reasons.items())
        print(f"left out of {tag}: {counts}")
    print(f"\nrecords: {cfg.out}")


def _row(record: TransferRecord) -> list[str]:
    low, high = record.ci95
    return [
        record.language,
        record.view,
        str(record.n),
        f"{100 * record.accuracy:.1f}",
        f"{100 * low:.1f}–{100 * high:.1f}",
        f"{100 * record.macro_f1:.1f}",
        f"{100 * record.chance:.1f}",
    ]


def _trained_on(result: TransferResult) -> tuple[str, ...]:
    return result.records[0].train_languages if result.records else ()
