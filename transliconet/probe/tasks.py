"""The tasks of a probe: which sentences are searched for which."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, NamedTuple

from transliconet.pairs import PairsFolder, id_fraction
from transliconet.probe.passed_over import PassedOver, TooFew
from transliconet.probe.settings import Candidates
from transliconet.probe.views import HUMAN, NATIVE, NOISY, ROMANIZED, Side

WITH_IDENTICAL = ", with identical pairs"
"""End of the name of a task that keeps pairs whose romanization equals the text."""
COLUMNS = ["id", "lang", "text", "romanized", "identical"]

Row = dict[str, Any]
Sentences = Mapping[str, Mapping[str, Row]]
"""Language tag → id → row, with the columns of the pairs folder; typed text also has ``human``."""


class Task(NamedTuple):
    """A retrieval task: each sentence of ``source`` is a query, and its answer is the sentence of
    ``target`` with the same id.
    """

    language: str
    name: str
    source: Side
    target: Side
    ids: list[str]


@dataclass(frozen=True)
class TaskPlan:
    """The tasks of a probe, made by :meth:`transliconet.probe.base.Probe.plan`."""

    sentences: Sentences
    tasks: list[Task]
    passed_over: PassedOver


def read_sentences(
    pairs: PairsFolder, split: str, languages: list[str] | None
) -> tuple[Sentences, dict[str, int]]:
    """Language → id → row, the first row of each id; and how many rows repeat an id, by language.

    Raises:
        ConfigError: no such split, or a language that the folder does not have.
    """
    sentences: dict[str, dict[str, Row]] = {}
    repeated: Counter[str] = Counter()
    rows = pairs.split(split, languages=languages).select(COLUMNS)
    for row in rows.to_pylist():
        by_id = sentences.setdefault(row["lang"], {})
        if row["id"] in by_id:
            repeated[row["lang"]] += 1
        else:
            by_id[row["id"]] = row
    return dict(sorted(sentences.items())), dict(sorted(repeated.items()))


def identical_shares(sentences: Sentences) -> dict[str, float]:
    """Language → share of its pairs that romanization leaves as they are."""
    shares = {}
    for tag, rows in sentences.items():
        shares[tag] = fmean(row["identical"] for row in rows.values())
    return shares


class TaskPlanner:
    """Makes the tasks of a probe.

    Args:
        candidates: which sentences are searched.
        pivots: tags whose sentences are translations of those with the same id.
        seed: of the choice among more than ``candidates.max`` ids.
        human: whether the sentences have what people typed, too.
    """

    def __init__(
        self, candidates: Candidates, pivots: Iterable[str], seed: int, human: bool = False
    ) -> None:
        self.candidates, self.pivots, self.seed = candidates, list(pivots), seed
        self.too_few: list[TooFew] = []
        self.romanized_views = [ROMANIZED]
        if candidates.noisy:
            self.romanized_views.append(NOISY)
        if human:
            self.romanized_views.append(HUMAN)

    def tasks(self, sentences: Sentences) -> Iterator[Task]:
        """All tasks with enough candidates. The others are noted in :attr:`too_few`."""
        for lang, rows in sentences.items():
            yield from self.within_language(lang, rows)
            for pivot in self.pivots:
                if lang not in self.pivots:
                    yield from self.across(lang, pivot, sentences)

    def within_language(self, lang: str, rows: Mapping[str, Row]) -> Iterator[Task]:
        """Native ↔ romanized, and native ↔ the other romanized views, on the same ids."""
        native = Side(lang, NATIVE)
        others = ", ".join(self.romanized_views)
        for ids, ending in self._id_sets(rows):
            if not ids:
                continue  # Latin-script text that romanization never changes has no such task
            chosen = self._choose(ids, lang, f"native ↔ {others}{ending}")
            if not chosen:
                continue
            for view in self.romanized_views:
                other = Side(lang, view)
                names = f"native→{view}{ending}", f"{view}→native{ending}"
                yield from _both_directions(lang, names, (native, other), chosen)

    def across(
        self, lang: str, pivot: str, sentences: Sentences, views: Sequence[str] | None = None
    ) -> Iterator[Task]:
        """Every view of a language ↔ the pivot.

        Args:
            lang, pivot: tags.
            sentences: of both.
            views: of the language; None takes all.
        """
        shared = sentences[lang].keys() & sentences[pivot].keys()
        chosen = self._choose(shared, lang, f"↔ {pivot}")
        if not chosen:
            return
        pivot_sides = self._pivot_sides(pivot, sentences[pivot])
        for view in views or (NATIVE, *self.romanized_views):
            side = Side(lang, view)
            for pivot_side in pivot_sides:
                name = pivot if pivot_side.view == NATIVE else f"{pivot}, romanized"
                names = f"{view}→{name}", f"{name}→{view}"
                yield from _both_directions(lang, names, (side, pivot_side), chosen)

    def _pivot_sides(self, pivot: str, rows: Mapping[str, Row]) -> list[Side]:
        """The views of a pivot; one where romanization leaves all its text as it is."""
        if all(row["identical"] for row in rows.values()):
            return [Side(pivot, NATIVE)]
        return [Side(pivot, view) for view in self.candidates.pivot_views]

    def _id_sets(self, rows: Mapping[str, Row]) -> list[tuple[list[str], str]]:
        """The ids of native ↔ romanized tasks, with what ends the names of the tasks."""
        every = list(rows)
        changed = [id_ for id_, row in rows.items() if not row["identical"]]
        if self.candidates.unchanged == "keep":
            return [(every, "")]
        if self.candidates.unchanged == "both" and len(changed) < len(every):
            return [(changed, ""), (every, WITH_IDENTICAL)]
        return [(changed, "")]

    def _choose(self, ids: Iterable[str], lang: str, kind: str) -> list[str]:
        """At most ``candidates.max`` ids, chosen by a hash, so that all languages have the same."""
        ordered = sorted(ids, key=lambda id_: (id_fraction(id_, self.seed + 2), id_))
        chosen = ordered[: self.candidates.max]
        if len(chosen) >= self.candidates.min:
            return chosen
        self.too_few.append(TooFew(lang, kind, len(chosen), self.candidates.min))
        return []


def _both_directions(
    lang: str, names: tuple[str, str], sides: tuple[Side, Side], ids: list[str]
) -> Iterator[Task]:
    """The task from one side to the other, and back."""
    one, other = sides
    yield Task(lang, names[0], source=one, target=other, ids=ids)
    yield Task(lang, names[1], source=other, target=one, ids=ids)
