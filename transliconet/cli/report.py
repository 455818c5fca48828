"""``transliconet report``: results files → tables as Markdown, HTML, CSV or LaTeX."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from omegaconf import DictConfig

from transliconet.errors import ConfigError, Option, require_choice, section
from transliconet.output_file import output_file
from transliconet.report.documents import side_by_side, without_documents
from transliconet.report.figure_files import FIGURE_BEGINNINGS, require_replaceable, write_figures
from transliconet.report.figures import FigureOptions, report_figures, sweep_figures
from transliconet.report.formats import LATEX_BEGINNING, csv_text
from transliconet.report.frames import column_rows, job_rows
from transliconet.report.html import BEGINNING
from transliconet.report.latex import report_latex, sweep_latex
from transliconet.report.load import ReportColumn, load_results
from transliconet.report.page import page
from transliconet.report.projection import PROJECTIONS
from transliconet.report.ranking import RANKING_HEADING, ranking_markdown
from transliconet.report.sweep import sweep_markdown, sweep_page
from transliconet.report.sweep_ranking import Ranking
from transliconet.report.tables import before_after_tables, language_of, probe_tables
from transliconet.report.transfer import load_transfer, transfer_markdown, transfer_rows
from transliconet.report.typed import romanizer_of
from transliconet.storage import atomic_write
from transliconet.sweep.job import Job, read_sweep
from transliconet.sweep.plan import SweepPlan

MARKDOWN_BEGINNING = "<!-- a transliconet report -->"
"""What the Markdown begins with."""
FORMATS = {
    "html": ((".html", BEGINNING), (".md", MARKDOWN_BEGINNING)),
    "csv": ((".csv", "results,stage,language,"),),
    "latex": ((".tex", LATEX_BEGINNING),),
}
"""Format → suffixes of its files, and what they begin with. Those of figures have others."""
SWEEP_CSV_BEGINNING = "job,state,"


def report(
    results: Sequence[str],
    out: str,
    title: str,
    force: bool = False,
    formats: Sequence[str] = ("html",),
    figures: FigureOptions | None = None,
) -> tuple[Path, str]:
    """Write ``out.html`` and ``out.md``, or the files of other formats. A figure has a file of its
    own, such as ``out_map.pdf``.

    Args:
        results: run folders or results files.
        out: the files without their suffix.
        title: of the page.
        force: also show results on different sentences.
        formats: ``html``, ``csv``, ``latex``, ``pdf`` and ``svg``.
        figures: how they are drawn; None takes the defaults.

    Returns:
        The path of the first file, and the report as Markdown.

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
    files = _output_files(out, formats)  # before anything is computed
    options = figures or FigureOptions()
    transfer, others = load_transfer(results)
    columns = load_results(others, force) if others else []
    parts = [transfer_markdown(transfer), _markdown(columns) if columns else ""]
    markdown = "\n\n".join(filter(None, parts))
    make: dict[str, Callable[[], str]] = {
        ".html": lambda: page(columns, title, transfer, options.projection),
        ".md": lambda: _titled(title, markdown),
        ".csv": lambda: csv_text([*column_rows(columns), *transfer_rows(transfer)]),
        ".tex": lambda: report_latex(columns, transfer),
    }
    written = _write(files, make)
    if of_figures := _figure_formats(formats):
        drawn = report_figures(columns, options.projection) if columns else {}
        written += write_figures(drawn, out, of_figures, options)
    return written[0], markdown


def _markdown(columns: Sequence[ReportColumn]) -> str:
    by_name = {column.name: column.records for column in columns}
    romanizer = romanizer_of(columns[0].content.get("data", {}))
    of_pairs = without_documents(by_name)
    if set(of_pairs) == {"before", "after"}:
        parts = [before_after_tables(of_pairs, language_of)]
    else:
        parts = [f"## {name}\n\n{probe_tables(rs)}" for name, rs in of_pairs.items()]
    if views := side_by_side(by_name, romanizer):
        parts.insert(0, views)
    for name, records in of_pairs.items():
        if ranking := ranking_markdown(records):
            parts.append(f"## {RANKING_HEADING}: {name}\n\n{ranking}")
    left_out = dict.fromkeys(line for column in columns for line in column.passed_over.lines())
    if left_out:
        items = "\n".join(f"- {line}" for line in left_out)
        parts.append(f"## Not measured\n\n{items}")
    return "\n\n".join(parts)


def report_sweep(
    folder: str,
    out: str,
    title: str,
    formats: Sequence[str] = ("html",),
    by: str | None = None,
    figures: FigureOptions | None = None,
) -> tuple[Path, str]:
    """:func:`report` of the jobs of a sweep.

    Args:
        folder: of the sweep.
        out, title, formats, figures: see :func:`report`.
        by: the task that orders the jobs; None takes the one that ``jobs.maximize`` names, if it
            names one, or leaves them in the order of their numbers.

    Raises:
        ConfigError: no job has the task ``by``.
        DataError: there are no jobs in ``folder``.
    """
    files = _output_files(out, formats, SWEEP_CSV_BEGINNING)
    jobs = read_sweep(folder)
    ranking = _ranking(Path(folder), jobs, by)
    markdown = sweep_markdown(jobs, ranking)
    make: dict[str, Callable[[], str]] = {
        ".html": lambda: sweep_page(jobs, title, ranking),
        ".md": lambda: _titled(title, markdown),
        ".csv": lambda: csv_text(job_rows(jobs if ranking is None else ranking.jobs)),
        ".tex": lambda: sweep_latex(jobs, ranking),
    }
    written = _write(files, make)
    if of_figures := _figure_formats(formats):
        task = None if ranking is None else ranking.task
        drawn = sweep_figures(jobs, task)
        written += write_figures(drawn, out, of_figures, figures or FigureOptions())
    return written[0], markdown


def _figure_formats(formats: Sequence[str]) -> list[str]:
    return [name for name in formats if name in FIGURE_BEGINNINGS]


def _ranking(folder: Path, jobs: Sequence[Job], by: str | None) -> Ranking | None:
    """The ranking by a task, or by the one that the sweep maximizes."""
    maximized = SweepPlan.read(folder.expanduser()).maximize
    if by is None and len(maximized) == 1 and any(maximized[0] in j.accuracies for j in jobs):
        by = maximized[0]
    return None if by is None else Ranking.from_jobs(jobs, by)


def _output_files(out: str, formats: Sequence[str], csv_beginning: str = "") -> list[Path]:
    """The files of the formats; a report that is there is replaced, nothing else."""
    files = []
    for name in formats:
        require_choice("format", name, [*FORMATS, *FIGURE_BEGINNINGS])
        if name in FIGURE_BEGINNINGS:
            require_replaceable(out, name)
        for suffix, beginning in FORMATS.get(name, ()):
            if suffix == ".csv" and csv_beginning:
                beginning = csv_beginning
            files.append(output_file(f"{out}{suffix}", "report", beginning, overwrite=True))
    if not formats:
        raise ConfigError(
            Option("format", list(formats)),
            "no format",
            f"Give one or several of: {', '.join([*FORMATS, *FIGURE_BEGINNINGS])}",
            code="TLN-CONFIG-957",
        )
    return files


def _titled(title: str, markdown: str) -> str:
    return f"{MARKDOWN_BEGINNING}\n# {title}\n\n{markdown}\n"


def _write(files: Sequence[Path], make: Mapping[str, Callable[[], str]]) -> list[Path]:
    """Write each file with what its suffix stands for; returns them."""
    for file in files:
        atomic_write(file, make[file.suffix]())
    return list(files)


def main(cfg: DictConfig) -> None:
    results = [cfg.results] if isinstance(cfg.results, str) else list(cfg.results)
    formats = [cfg.format] if isinstance(cfg.format, str) else list(cfg.format)
    require_choice("projection", cfg.projection, PROJECTIONS)
    with section("figure"):
        figures = FigureOptions(cfg.projection, **cfg.figure)
    if cfg.sweep is not None and results:
        raise ConfigError(
            f"sweep={cfg.sweep}",
            "not together with results=",
            "Give one of them",
            code="TLN-CONFIG-953",
        )
    if cfg.sweep is not None:
        _, markdown = report_sweep(
            cfg.sweep, cfg.out, cfg.title, formats, by=cfg.by, figures=figures
        )
    else:
        _, markdown = report(
            results, cfg.out, cfg.title, cfg.force, formats=formats, figures=figures
        )
    suffixes = [suffix for name in formats for suffix, _ in FORMATS.get(name, ())]
    suffixes += [f"_*.{name}" for name in _figure_formats(formats)]
    written = " and ".join(f"{cfg.out}{suffix}" for suffix in suffixes)
    print(f"{markdown}\n\nwritten: {written}")
