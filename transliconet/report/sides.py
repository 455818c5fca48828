"""The sides of a comparison: what results files hold of each, and which languages and tasks both
have.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from transliconet.errors import DataError
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import ResultsFile, read_results_file
from transliconet.report.effects import Record, by_language, other_candidates
from transliconet.report.transfer_runs import METRICS as OF_TRANSFER
from transliconet.report.transfer_runs import (
    choose_stage,
    has_transfer,
    transfer_runs,
    usual_metric,
)

RESULTS = "results.json"
Paths = str | Path | Sequence[str | Path]
"""Run folders or results files of one side: one, or one for each seed."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    Args:
        name: how tables call it.
        runs: records of each run.
    """

    name: str
    runs: Sequence[Sequence[Record]]

    @classmethod
    def read(cls, paths: Paths, stage: str | None = None, metric: str | None = None) -> "Side":
        """Read one stage of one or several results.

        Args:
            paths: run folders or results files; several are runs with different seeds.
            stage: ``before``, ``after`` or ``probe``; None takes the last one of each file.
            metric: what will be compared; None: retrieval, or transfer where a file has no other
                records. Several seeds of a head are several runs.

        Raises:
            DataError: a file is no results file, or has no outcome of each query.
            ConfigError: a file has no such stage.
        """
        files = [paths] if isinstance(paths, str | Path) else list(paths)
        name = ", ".join(map(side_name, files))
        if stage is not None:
            name = f"{name}: {stage}"
        runs: list[Sequence[Record]] = []
        for file in files:
            runs += _runs(Path(file).expanduser(), stage, metric)
        return cls(name, runs)

    @property
    def usual_metric(self) -> str:
        """What is compared if nobody says otherwise."""
        records = list(chain(*self.runs))
        if all(isinstance(record, RetrievalRecord) for record in records):
            return "acc@1"
        return usual_metric(records)

    @property
    def layers(self) -> set[int]:
        """Hidden layers of all records."""
        return {record.layer for record in chain(*self.runs)}


def side_name(path: str | Path) -> str:
    """What tables call a results file.

    >>> side_name("runs/first"), side_name("runs/first/results.json"), side_name("probed.json")
    ('first', 'first', 'probed')
    """
    path = Path(path)
    if path.name == RESULTS and path.parent.name:
        return path.parent.name
    return path.stem if path.suffix == ".json" else path.name


def _runs(path: Path, stage: str | None, metric: str | None) -> Sequence[Sequence[Record]]:
    """The records of a file, for each seed of a head."""
    file = path / RESULTS if path.is_dir() else path
    results = read_results_file(file)
    wanted = metric in OF_TRANSFER or (metric is None and not results.records)
    if wanted and has_transfer(results.content):
        return transfer_runs(file, results.content, stage)
    return [_records(path, results, stage)]


def _records(path: Path, results: ResultsFile, stage: str | None) -> Sequence[Record]:
    stages = list(results.records)
    if not stages:
        raise DataError(
            path,
            "no records",
            "Give results of a probe or of transfer, or of train with one",
            code="TLN-DATA-904",
        )
    if results.without_outcomes:
        raise DataError(
            path,
            f"it cannot be compared query by query: {results.without_outcomes}",
            "Probe again, and keep the files that probe and train write together",
            code="TLN-DATA-905",
        )
    return results.records[choose_stage(path, stage, stages)]


ByLanguage = dict[str, list[Record]]
"""Language → its record in each run of a side."""


class SharedTask(NamedTuple):
    """A task that both sides have.

    Args:
        name: of the task.
        layers: hidden layer of each side.
        baseline, other: language → its record in each run; only languages that can be compared.
    """

    name: str
    layers: tuple[int, int]
    baseline: ByLanguage
    other: ByLanguage


@dataclass(frozen=True)
class Matching:
    """What two sides share, and what they do not.

    Args:
        tasks: that both have, with the languages that both have.
        not_compared: a line for each task and reason, with the languages.
        other_candidates: a line for each task and language with other queries or candidates on
            each side.
    """

    tasks: list[SharedTask]
    not_compared: list[str]
    other_candidates: list[str]


def match_sides(baseline: Side, other: Side) -> Matching:
    """Match the records of two sides by task, layer and language.

    Where each side has a single layer, these two are compared, whatever their numbers.
    """
    sides = (baseline, other)
    single = len(baseline.layers) == len(other.layers) == 1
    tasks, not_compared, candidates = [], [], []
    for task, layer in _tasks(sides, single):
        picked = [_pick(side, task, None if single else layer) for side in sides]
        found = list(map(by_language, picked))
        not_compared += _missing(task, sides, picked)
        shared = found[0].keys() & found[1].keys()
        if not shared:
            continue
        for language in sorted(shared):
            if difference := other_candidates([*found[0][language], *found[1][language]]):
                candidates.append(f"{language}, {task}: {difference}")
        kept: tuple[ByLanguage, ByLanguage] = ({}, {})
        for language in sorted(shared):
            kept[0][language], kept[1][language] = found[0][language], found[1][language]
        one, two = next(iter(kept[0].values()))[0], next(iter(kept[1].values()))[0]
        tasks.append(SharedTask(task, (one.layer, two.layer), *kept))
    return Matching(tasks, not_compared, candidates)


def _tasks(sides: Iterable[Side], single: bool) -> list[tuple[str, int]]:
    """Every (task, layer) of any side, in order; layer -1 for sides of a single layer."""
    found: dict[tuple[str, int], None] = {}
    for side in sides:
        for record in chain(*side.runs):
            found[record.task, -1 if single else record.layer] = None
    return list(found)


def _pick(side: Side, task: str, layer: int | None) -> list[list[Record]]:
    """The records of a task in each run of a side."""
    runs = []
    for run in side.runs:
        of_task = []
        for record in run:
            if record.task == task and layer in (None, record.layer):
                of_task.append(record)
        runs.append(of_task)
    return runs


def _missing(
    task: str, sides: Sequence[Side], picked: Sequence[Sequence[Sequence[Record]]]
) -> list[str]:
    """A line for each reason why languages of a task are not compared."""
    counts = []  # of each side: language → how many of its runs have it
    for runs in picked:
        of_side: Counter[str] = Counter()
        for run in runs:
            of_side.update({record.language for record in run})
        counts.append(of_side)
    languages = sorted({*counts[0], *counts[1]})
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for language in languages:
        for side, of_side in zip(sides, counts, strict=True):
            total, has = len(side.runs), of_side[language]
            if has == 0:
                reasons[f"not measured in {side.name}"].append(language)
            elif has < total:
                reasons[f"measured in {has} of {total} runs of {side.name}"].append(language)
    lines = []
    for reason, named in reasons.items():
        plural = "language" if len(named) == 1 else "languages"
        lines.append(f"{task}: {len(named)} {plural} {reason}: {', '.join(named)}")
    return lines
