"""``transliconet mteb``: an encoder on tasks of MTEB → scores by language, native and romanized."""

from collections import defaultdict

from omegaconf import DictConfig
from tabulate import tabulate

from transliconet.benchmark.run import MtebResult, run_mteb
from transliconet.cli.build import build, recorded_settings
from transliconet.cli.train import build_encoder
from transliconet.errors import section
from transliconet.output_file import output_file
from transliconet.probe.results import BEGINNING, write_results

FOLDER = "mteb"
"""Beside the results file, with MTEB's own files."""


def measure(cfg: DictConfig) -> MtebResult:
    """Run the tasks that ``cfg`` describes and write their scores to ``cfg.out``."""
    out = output_file(cfg.out, "results file", BEGINNING, cfg.overwrite)
    settings = build(cfg.mteb)
    local = None
    if not settings.tasks:
        task = build(cfg.task)
        with section("task"):
            local = cfg.name, task.read().without_leaks()
    encoder = build_encoder(cfg.encoder, None)
    with section("mteb"):
        result = run_mteb(encoder, settings, out.parent / FOLDER, local)
    write_results(
        out,
        {},
        {"sources": local[1].sources if local else []},
        recorded_settings(cfg),
        mteb=[score.as_dict() for score in result.scores],
        left_out=result.left_out,
        prompt=encoder.prompt,
    )
    return result


def main(cfg: DictConfig) -> None:
    result = measure(cfg)
    views = list(dict.fromkeys(score.view for score in result.scores))
    cells: defaultdict[tuple[str, str, str, str], dict[str, str]] = defaultdict(dict)
    for score in result.scores:
        row = (score.task, score.subset, score.split, score.metric)
        cells[row][score.view] = f"{100 * score.score:.1f}"
    rows = []
    for names, by_view in cells.items():
        rows.append([*names, *map(by_view.get, views)])
    headings = ["task", "subset", "split", "main score (percent)", *views]
    print(tabulate(rows, headings, "github", disable_numparse=True))
    for tag, reasons in result.left_out.items():
        counts = ", ".join(f"{reason} {number}" for reason, number in reasons.items())
        print(f"left out of {tag}: {counts}")
    print(f"\nrecords: {cfg.out}; MTEB's own files are in {FOLDER}/ beside it")
