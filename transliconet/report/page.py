"""The page of a report: the answer, figures, and folded tables, of a run or of several results side
by side.
"""

import json
from collections.abc import Sequence
from html import escape

from transliconet.probe.sample import Sample
from transliconet.report.against import against_first
from transliconet.report.answer import answer_lines
from transliconet.report.coverage import COVERAGE_HEADINGS, COVERAGE_STYLES, REMEDY, coverage_rows
from transliconet.report.documents import DOCUMENTS_HEADING
from transliconet.report.facts import facts_table
from transliconet.report.figures import MAP_HEADING, run_figures
from transliconet.report.html import chart, document, folded, section, table
from transliconet.report.intervals import files_of, pairings, with_short_names
from transliconet.report.load import ReportColumn
from transliconet.report.page_tables import (
    document_views,
    metrics_table,
    mexa_tables,
    rankings,
    score_tables,
    summary_table,
    table_differences,
    typed_views,
)
from transliconet.report.ranking import RANKING_HEADING
from transliconet.report.script_charts import script_charts
from transliconet.report.tables import language_of, script_of
from transliconet.report.transfer import Content, transfer_tables
from transliconet.report.typed import TYPED_HEADING
from transliconet.report.view_charts import VIEWS_HEADING, view_charts

MAP_NOTES = {
    "pca": "Principal components. Directions mean nothing, distances between groups do.",
    "tsne": "t-SNE: neighbours mean something, distances between groups and directions do not.",
    "umap": "UMAP: neighbours mean something, distances between groups and directions do not.",
}
"""Projection → how to read the map."""
POINTER_NOTE = "Point at a sentence to read it and to see its pair at each stage; click a script."


def page(
    columns: Sequence[ReportColumn],
    title: str,
    transfer: Sequence[Content] = (),
    projection: str = "pca",
) -> str:
    """The HTML of a report: its answer and what it is of, the figures, and the tables, folded.

    Args:
        columns: of the report.
        title: of the page.
        transfer: records of transfer; alone, their tables are open.
        projection: of the map, see :func:`transliconet.report.projection.project`.
    """
    of_transfer = []
    for caption, headings, rows in transfer_tables(transfer):
        fold = folded if columns else section
        of_transfer.append(fold(f"Transfer: {caption}", table(headings, rows)))
    if not columns:
        return document(title, of_transfer)
    columns = with_short_names(columns)
    sections = [_beginning(columns), *_figures(columns, projection)]
    return document(title, [*sections, *of_transfer, *_tables(columns)])


def _beginning(columns: Sequence[ReportColumn]) -> str:
    """The answer, and what it was measured on."""
    lines = [f'<p class="answer">{escape(line)}</p>' for line in answer_lines(columns)]
    return "\n".join([*lines, facts_table(columns)])


def _figures(columns: Sequence[ReportColumn], projection: str) -> list[str]:
    """The sections of figures."""
    sections = []
    if any(column.records for column in columns):
        sections.append(section("By script", script_charts(columns)))
    if views := view_charts(columns):
        sections.append(section(VIEWS_HEADING, views))
    compared = pairings(columns)
    if len(files_of(columns)) > 1:
        heading = f"Each against {compared[0].baseline.name}"
        sections.append(section(heading, against_first(compared)))
    for heading, figure in run_figures(columns, projection).items():
        note = ""
        if heading == MAP_HEADING:
            note = f"{MAP_NOTES[projection]} {POINTER_NOTE}"
        sections.append(section(heading, chart(figure.description, figure, note)))
    return sections


def _tables(columns: Sequence[ReportColumn]) -> list[str]:
    """The sections of tables, folded; those without content are left out."""
    differences = table_differences(columns)
    coverage = table(COVERAGE_HEADINGS, coverage_rows(columns), COVERAGE_STYLES)
    if any(column.passed_over.too_few for column in columns):
        coverage += f"<p>{escape(REMEDY)}</p>"
    sample = Sample.load(columns[0].folder)
    settings = [_settings(column) for column in _one_per_file(columns)]
    contents = {
        "Means over languages": summary_table(columns, differences),
        "Scores by script": score_tables(columns, script_of, differences),
        "Scores by language": score_tables(columns, language_of, differences),
        TYPED_HEADING: typed_views(columns),
        DOCUMENTS_HEADING: document_views(columns),
        "Coverage: what was measured, and what was left out": coverage,
        "MEXA over layers": mexa_tables(columns),
        RANKING_HEADING: rankings(columns),
        "Metrics of paired vectors": metrics_table(columns),
        "Sentences of the map": _sentences(sample) if sample is not None and sample.texts else "",
        "Settings and versions": "".join(settings),
    }
    return [folded(heading, content) for heading, content in contents.items() if content]


def _sentences(sample: Sample) -> str:
    """One sentence of each language, in its script and direction of writing."""
    first: dict[str, tuple[str, str]] = {}
    for tag, text, romanized in zip(sample.languages, sample.texts, sample.romanized, strict=True):
        first.setdefault(tag, (text, romanized))
    rows = []
    for tag, (text, romanized) in sorted(first.items()):
        native_tag = escape(tag.replace("_", "-"))
        roman_tag = escape(tag.split("_")[0]) + "-Latn"
        native = f'<td class="text" lang="{native_tag}" dir="auto">{escape(text)}</td>'
        roman = f'<td class="text" lang="{roman_tag}">{escape(romanized)}</td>'
        rows.append(f"<tr><td>{escape(tag)}</td>{native}{roman}</tr>")
    headings = "".join(f'<th scope="col">{h}</th>' for h in ("language", "sentence", "romanized"))
    body = f"<thead><tr>{headings}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="wide" tabindex="0"><table>{body}</table></div>'


def _one_per_file(columns: Sequence[ReportColumn]) -> list[ReportColumn]:
    by_content = {json.dumps(column.content, default=str): column for column in columns}
    return list(by_content.values())


def _settings(column: ReportColumn) -> str:
    parts = [f"<h3>{escape(column.folder.name)}</h3>"]
    for name, section_ in (("configuration", "config"), ("versions", "versions"), ("data", "data")):
        content = column.content.get(section_, {})
        text = escape(json.dumps(content, indent=1, ensure_ascii=False, default=str))
        parts.append(f"<details><summary>{name}</summary><pre>{text}</pre></details>")
    return "".join(parts)
