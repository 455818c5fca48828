"""Documents searched by queries in several views: one small table for each metric."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean

from transliconet.documents.plan import VIEWS
from transliconet.probe.record import NDCG, RECALL, RetrievalRecord
from transliconet.probe.views import NATIVE, ROMANIZED
from transliconet.report.tables import ALL, markdown_table, percent
from transliconet.report.typed import VIEW_NAMES, TypedTable, typed_markdown

DOCUMENTS_HEADING = "Documents, by how the query is typed"

Cell = tuple[str, str, str]
"""Language, view of the queries, name of the results."""


def document_tables(
    columns: Mapping[str, Sequence[RetrievalRecord]], romanizer: str
) -> list[TypedTable]:
    """nDCG@10, MRR and recall@100 of each view of the queries, side by side. In brackets, a score
    as a share of that of native queries.

    Args:
        columns: name of each results → its records.
        romanizer: name of the one that made the romanized view.

    Returns:
        A table for each metric and layer; none where no record is of documents.
    """
    found: defaultdict[int, dict[Cell, RetrievalRecord]] = defaultdict(dict)
    for name, records in columns.items():
        for record in records:
            if record.documents is not None:
                found[record.layer][record.language, record.source_view, name] = record
    tables = []
    for layer, cells in found.items():
        for metric in (NDCG, "mrr", RECALL):
            tables.append(_table(metric, layer, cells, romanizer))
    return tables


def _table(
    metric: str, layer: int, cells: Mapping[Cell, RetrievalRecord], romanizer: str
) -> TypedTable:
    found, present, names = (list(dict.fromkeys(part)) for part in zip(*cells, strict=True))
    languages = sorted(found)
    shown = []
    for view in VIEWS:
        shown += [(view, name) for name in names if view in present]
    rows = []
    for language in languages:
        of_language = [cells.get((language, view, name)) for view, name in shown]
        first = next(record for record in of_language if record is not None)
        row = [language, str(first.n), str(first.candidates)]
        for record in of_language:
            row.append(_cell(record, metric))
        rows.append(row)
    if len(languages) > 1:
        mean_row = [ALL, f"{len(languages)} languages", ""]
        for view, name in shown:
            of_column = [cells.get((language, view, name)) for language in languages]
            mean_row.append(_mean(of_column, metric))
        rows.append(mean_row)
    headings = ["", "queries", "documents"]
    for view, name in shown:
        view_name = romanizer if view == ROMANIZED else VIEW_NAMES.get(view, view)
        headings.append(view_name if len(names) == 1 else f"{view_name}, {name}")
    any_record = next(iter(cells.values()))
    title = {NDCG: "nDCG@10", RECALL: "recall@100"}.get(metric, f"MRR@{any_record.depth}")
    how = f"layer {layer}, {any_record.pooling}, {any_record.similarity}; percent, and of native"
    return TypedTable(f"{title} ({how})", layer, headings, rows)


def _mean(records: Sequence[RetrievalRecord | None], metric: str) -> str:
    """The mean of a column in which every language has a score; empty for other columns."""
    scores = []
    for record in records:
        if record is None:
            return ""
        scores.append(_score(record, metric))
    return percent(fmean(scores))


def _score(record: RetrievalRecord, metric: str) -> float:
    return record.mrr if metric == "mrr" else record.metrics[metric]


def _cell(record: RetrievalRecord | None, metric: str) -> str:
    """A score, and its share of that of native queries."""
    if record is None:
        return ""
    score = percent(_score(record, metric))
    share = record.metrics.get(f"{metric}_of_native")
    if record.source_view == NATIVE or share is None:
        return score
    return f"{score} ({100 * share:.0f} %)"


def side_by_side(columns: Mapping[str, Sequence[RetrievalRecord]], romanizer: str) -> str:
    """Views of the same sentences or queries beside each other, as Markdown; empty where no probe
    has several.
    """
    parts = [typed_markdown(columns, romanizer)]
    for found in document_tables(columns, romanizer):
        table = markdown_table(found.rows, found.headings)
        parts.append(f"### {DOCUMENTS_HEADING}: {found.title}\n\n{table}")
    return "\n\n".join(part for part in parts if part)


def without_documents(
    columns: Mapping[str, Sequence[RetrievalRecord]],
) -> dict[str, list[RetrievalRecord]]:
    """The records that have tables of their own for each task; results without any are left
    out.
    """
    kept = {}
    for name, records in columns.items():
        if of_pairs := [record for record in records if record.documents is None]:
            kept[name] = of_pairs
    return kept
