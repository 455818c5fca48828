"""``transliconet compare``: results files → differences with intervals and tests."""

from collections.abc import Callable, Sequence
from typing import Any

from omegaconf import DictConfig

from transliconet.cli.build import plain
from transliconet.errors import ConfigError, Option, require_choice
from transliconet.output_file import output_file
from transliconet.report.compare import compare
from transliconet.report.comparison import Comparison
from transliconet.report.formats import LATEX_BEGINNING, csv_text, latex_document, latex_table
from transliconet.storage import atomic_write

MARKDOWN_BEGINNING = "<!-- a transliconet comparison -->"


def markdown(comparisons: Sequence[Comparison]) -> str:
    """All comparisons, one after the other."""
    return "\n\n".join(map(str, comparisons)) + "\n"


def as_csv(comparisons: Sequence[Comparison]) -> str:
    """All rows in one table, numbers in 0 … 1."""
    return csv_text(row for comparison in comparisons for row in comparison.rows())


def latex(comparisons: Sequence[Comparison]) -> str:
    """Every table of every comparison."""
    tables = []
    for found in comparisons:
        for title, rows in found.tables():
            caption = f"{found.title}: {title}. {found.note}"
            tables.append(latex_table(caption, found.headings, rows))
    return latex_document(tables)


FORMATS: dict[str, tuple[Callable[[Sequence[Comparison]], str], str]] = {
    "markdown": (markdown, MARKDOWN_BEGINNING),
    "csv": (as_csv, "baseline,other,metric,task,"),
    "latex": (latex, LATEX_BEGINNING),
}
"""Format → its function, and what its files begin with."""


def sides_of(results: Any) -> list[Any]:
    """The sides that ``results`` names, each a path or a list of paths.

    Raises:
        ConfigError: it names none, or something else than paths.
    """
    sides = [results] if isinstance(results, str) else list(results or ())
    for side in sides:
        paths = side if isinstance(side, list) else [side]
        if not paths or not all(isinstance(path, str) for path in paths):
            raise ConfigError(
                Option("results", results),
                "not a list of paths",
                "Give results=[a,b], or results=[[a0,a1],[b0,b1]] for several runs a side",
                code="TLN-CONFIG-955",
            )
    if not sides:
        raise ConfigError(
            "results=[]",
            "nothing to compare",
            "Name run folders or results files: transliconet compare A B",
            code="TLN-CONFIG-956",
        )
    return sides


def main(cfg: DictConfig) -> None:
    require_choice("format", cfg.format, FORMATS)
    write, beginning = FORMATS[cfg.format]
    if cfg.out is not None:
        output_file(cfg.out, "comparison", beginning, overwrite=True)  # before the computation
    baseline, *others = sides_of(plain(cfg.results))
    options = {
        "metric": cfg.metric,
        "by": cfg.by,
        "stage": cfg.stage,
        "samples": cfg.samples,
        "seed": cfg.seed,
        "force": cfg.force,
    }
    found = [compare(baseline, other, **options) for other in others or [None]]
    text = write(found)
    print(text, end="")
    if cfg.out is not None:
        head = f"{MARKDOWN_BEGINNING}\n" if cfg.format == "markdown" else ""
        atomic_write(output_file(cfg.out, "comparison", beginning, overwrite=True), head + text)
