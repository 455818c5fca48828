"""``transliconet report``: results files → Markdown tables and one HTML page."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from transliconet.errors import ConfigError
from transliconet.output_file import output_file
from transliconet.report.html import BEGINNING
from transliconet.report.load import ReportColumn, load_results
from transliconet.report.page import page
from transliconet.report.sweep import sweep_markdown, sweep_page
from transliconet.report.tables import before_after_tables, language_of, probe_tables
from transliconet.report.typed import romanizer_of, typed_markdown
from transliconet.storage import atomic_write
from transliconet.sweep.job import read_sweep

MARKDOWN_BEGINNING = "<!-- a transliconet report -->"
"""What the Markdown begins with."""


def report(results: Sequence[str], out: str, title: str, force: bool = False) -> tuple[Path, str]:
    """Write ``out.html`` and ``out.md``.

    Returns:
        The page's path and the Markdown.

    Raises:
        ConfigError: no results file is named, or ``out`` would replace a file that is no report.
        DataError: see :func:`transliconet.report.load.load_results`.
    """
    if not results:
        raise ConfigError(
            "results=[]",
            "nothing to report on",
            "Name run folders or results files, or sweep=FOLDER",
            code="TLN-CONFIG-952",
        )
    _output_files(out)  # before anything is computed
    columns = load_results(results, force)
    return _write(out, title, page(columns, title), _markdown(columns))


def _markdown(columns: Sequence[ReportColumn]) -> str:
    by_name = {column.name: column.records for column in columns}
    side_by_side = typed_markdown(by_name, romanizer_of(columns[0].content.get("data", {})))
    if set(by_name) == {"before", "after"}:
        parts = [before_after_tables(by_name, language_of)]
    else:
        parts = [f"## {name}\n\n{probe_tables(rs)}" for name, rs in by_name.items()]
    if side_by_side:
        parts.insert(0, side_by_side)
    left_out = dict.fromkeys(line for column in columns for line in column.passed_over.lines())
    if left_out:
        items = "\n".join(f"- {line}" for line in left_out)
        parts.append(f"## Not measured\n\n{items}")
    return "\n\n".join(parts)


def report_sweep(folder: str, out: str, title: str) -> tuple[Path, str]:
    """:func:`report` of the jobs of a sweep.

    Raises:
        DataError: there are none in ``folder``.
    """
    _output_files(out)
    jobs = read_sweep(folder)
    return _write(out, title, sweep_page(jobs, title), sweep_markdown(jobs))


def _output_files(out: str) -> tuple[Path, Path]:
    """The page and the Markdown; a report that is there is replaced, nothing else."""
    html = output_file(f"{out}.html", "report", BEGINNING, overwrite=True)
    return html, output_file(f"{out}.md", "report", MARKDOWN_BEGINNING, overwrite=True)


def _write(out: str, title: str, page: str, markdown: str) -> tuple[Path, str]:
    html, text = _output_files(out)
    atomic_write(html, page)
    atomic_write(text, f"{MARKDOWN_BEGINNING}\n# {title}\n\n{markdown}\n")
    return html, markdown


def main(cfg: DictConfig) -> None:
    results = [cfg.results] if isinstance(cfg.results, str) else list(cfg.results)
    if cfg.sweep is not None and results:
        raise ConfigError(
            f"sweep={cfg.sweep}",
            "not together with results=",
            "Give one of them",
            code="TLN-CONFIG-953",
        )
    if cfg.sweep is not None:
        html, markdown = report_sweep(cfg.sweep, cfg.out, cfg.title)
    else:
        html, markdown = report(results, cfg.out, cfg.title, cfg.force)
    print(f"{markdown}\n\nwritten: {html} and {html.with_suffix('.md')}")
