"""Languages sorted by how near their sentences are to those of a pivot (Language Ranker)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from transliconet.probe.record import RetrievalRecord
from transliconet.probe.views import NATIVE, ROMANIZED
from transliconet.report.tables import markdown_table

RANKING_HEADING = "Language Ranker"
VIEWS = (NATIVE, ROMANIZED)


@dataclass(frozen=True)
class LanguageScore:
    """The score of a language in one view.

    Args:
        language, view: of the sentences.
        pivot: tag of their translations.
        score: mean cosine of the translations.
        random: mean cosine of all other combinations, the baseline: where all vectors lie in a
            narrow cone, it is high, too.
        sentences: number of pairs.
    """

    language: str
    view: str
    pivot: str
    score: float
    random: float
    sentences: int

    @property
    def above_random(self) -> float:
        return self.score - self.random


def language_scores(records: Iterable[RetrievalRecord]) -> list[LanguageScore]:
    """Language Ranker's score of each language (arXiv 2404.11553), the highest first.

    The score is the mean cosine of a language's sentences and their English translations; over
    several layers, the mean of these. The paper takes the last token's state of decoders; pooling
    and layers are those of the records here.

    Args:
        records: of a probe with pivots and the standard metrics; others are passed over.

    Returns:
        One for each language, view (native, romanized) and pivot, sorted by pivot, view, and score.
    """
    found: defaultdict[tuple[str, str, str], list[RetrievalRecord]] = defaultdict(list)
    for record in records:
        across = record.source == record.language != record.target
        plain = record.task == f"{record.source_view}→{record.target}"
        if across and plain and "matched" in record.metrics and record.source_view in VIEWS:
            found[record.target, record.source_view, record.language].append(record)
    scores = []
    for (pivot, view, language), of_layers in found.items():
        scores.append(
            LanguageScore(
                language=language,
                view=view,
                pivot=pivot,
                score=fmean(record.metrics["matched"] for record in of_layers),
                random=fmean(record.metrics["random"] for record in of_layers),
                sentences=of_layers[0].n,
            )
        )
    return sorted(scores, key=_order)


def _order(score: LanguageScore) -> tuple[str, int, float, str]:
    return score.pivot, VIEWS.index(score.view), -score.score, score.language


RANKING_HEADINGS = ["", "language", "sentences", "score", "random pairs", "above random"]


def ranking_tables(records: Sequence[RetrievalRecord]) -> dict[str, list[list[str]]]:
    """Title → rows under :data:`RANKING_HEADINGS`, a table for each view and pivot. The layers and
    the pooling are in the title.
    """
    tables: defaultdict[str, list[list[str]]] = defaultdict(list)
    layers = ", ".join(dict.fromkeys(str(record.layer) for record in records))
    for score in language_scores(records):
        title = f"{score.view}→{score.pivot} (layer {layers}, {records[0].pooling}; cosine)"
        rows = tables[title]
        cells = [f"{value:.3f}" for value in (score.score, score.random, score.above_random)]
        rows.append([str(len(rows) + 1), score.language, str(score.sentences), *cells])
    return dict(tables)


def ranking_markdown(records: Sequence[RetrievalRecord]) -> str:
    """:func:`ranking_tables` as Markdown; empty where no probe had translations."""
    parts = []
    for title, rows in ranking_tables(records).items():
        parts.append(f"### {RANKING_HEADING} {title}\n\n{markdown_table(rows, RANKING_HEADINGS)}")
    return "\n\n".join(parts)
