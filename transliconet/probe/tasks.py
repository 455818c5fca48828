"""The tasks of a probe: which sentences are searched for which, and what is left out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, NamedTuple

from transliconet.pairs import PairsFolder, id_fraction
from transliconet.probe.settings import Candidates
from transliconet.probe.views import NATIVE, NOISY, ROMANIZED, Side

WITH_IDENTICAL = ", with identical pairs"
"""End of the name of a task that keeps pairs whose romanization equals the text."""
COLUMNS = ["id", "lang", "text", "romanized", "identical"]

Row = dict[str, Any]
Sentences = Mapping[str, Mapping[str, Row]]
"""Language tag → id → row of the pairs folder."""


class Task(NamedTuple):
    """A retrieval task: each sentence of ``source`` is a query, and its answer is the sentence of
    ``target`` with the same id.
    """

    language: str
    name: str
    source: Side
    target: Side
    ids: list[str]


class TooFew(NamedTuple):
    """A language that a kind of task leaves out, because it has fewer ids than ``needed``."""

    language: str
    kind: str
    candidates: int
    needed: int

    def __str__(self) -> str:
        return (
            f"{self.language}: no {self.kind} task, "
            f"{self.candidates} candidates where {self.needed} are needed"
        )


@dataclass(frozen=True)
class PassedOver:
    """What a probe did not measure.

    Args:
        too_few: languages without enough candidates, by kind of task.
        duplicate_ids: language → rows whose id an earlier row of the language has.
    """

    too_few: list[TooFew] = field(default_factory=list)
    duplicate_ids: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """The entry of a results file."""
        too_few = [left_out._asdict() for left_out in self.too_few]
        return {"too_few": too_few, "duplicate_ids": self.duplicate_ids}

    @classmethod
    def from_dict(cls, content: Mapping) -> "PassedOver":
        """Read the entry of a results file."""
        too_few = [
            TooFew(str(c["language"]), str(c["kind"]), int(c["candidates"]), int(c["needed"]))
            for c in content.get("too_few", [])
        ]
        duplicate_ids = {
            str(tag): int(number) for tag, number in content.get("duplicate_ids", {}).items()
        }
        return cls(too_few, duplicate_ids)

    def lines(self) -> list[str]:
        """Lines of text with remedies; empty if nothing was left out."""
        lines = [str(left_out) for left_out in self.too_few]
        if lines:
            lines.append("To measure them, hold out more text in prepare, or lower candidates.min.")
        for tag, number in self.duplicate_ids.items():
            lines.append(f"{tag}: {number} rows repeat an id; the first row of each id is used.")
        return lines


@dataclass(frozen=True)
class TaskPlan:
    """The tasks of a probe on a pairs folder, made by :func:`plan_tasks`."""

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
    """

    def __init__(self, candidates: Candidates, pivots: Iterable[str], seed: int) -> None:
        self.candidates, self.pivots, self.seed = candidates, list(pivots), seed
        self.too_few: list[TooFew] = []
        self.romanized_views = [ROMANIZED, NOISY] if candidates.noisy else [ROMANIZED]

    def tasks(self, sentences: Sentences) -> Iterator[Task]:
        """All tasks with enough candidates. The others are noted in :attr:`too_few`."""
        for lang, rows in sentences.items():
            yield from self._within_language(lang, rows)
            for pivot in self.pivots:
                if lang not in self.pivots:
                    yield from self._across(lang, pivot, sentences)

    def _within_language(self, lang: str, rows: Mapping[str, Row]) -> Iterator[Task]:
        """Native ↔ romanized, and native ↔ noisy."""
        native = Side(lang, NATIVE)
        for ids, ending in self._id_sets(rows):
            if not ids:
                continue  # Latin-script text that romanization never changes has no such task
            chosen = self._choose(ids, lang, f"native ↔ romanized{ending}")
            if not chosen:
                continue
            for view in self.romanized_views:
                other = Side(lang, view)
                names = f"native→{view}{ending}", f"{view}→native{ending}"
                yield from _both_directions(lang, names, (native, other), chosen)

    def _across(self, lang: str, pivot: str, sentences: Sentences) -> Iterator[Task]:
        """Every view of a language ↔ the pivot."""
        shared = sentences[lang].keys() & sentences[pivot].keys()
        chosen = self._choose(shared, lang, f"↔ {pivot}")
        if not chosen:
            return
        pivot_sides = self._pivot_sides(pivot, sentences[pivot])
        for view in (NATIVE, *self.romanized_views):
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
