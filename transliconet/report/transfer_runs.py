"""Transfer results as the sides of a comparison."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from transliconet.downstream.outcomes import read_transfer
from transliconet.downstream.record import ItemOutcomes, TransferRecord
from transliconet.errors import ConfigError, DataError, Option, first_line

METRICS = ("accuracy", "entity_f1")
"""Figures of transfer that are compared item by item."""


@dataclass(frozen=True)
class ComparedTransfer:
    """A record of transfer with what a comparison asks a record for.

    Args:
        record: with outcomes.
    """

    record: TransferRecord
    depth: int = 1

    @property
    def language(self) -> str:
        return self.record.language

    @property
    def task(self) -> str:
        """Task and view: the sides of a view are compared with each other."""
        return f"{self.record.task}, {self.record.view}"

    @property
    def layer(self) -> int:
        return self.record.layer

    @property
    def pooling(self) -> str:
        return self.record.pooling or "first subwords"

    @property
    def similarity(self) -> str:
        """The head, in place of what compares vectors."""
        shots = f", {self.record.shots} shots" if self.record.shots else ""
        return f"{self.record.head} head{shots}"

    @property
    def candidates(self) -> int:
        """Number of tested items, which both sides share."""
        return self.record.n

    @property
    def sentences(self) -> str:
        return self.record.texts

    @property
    def outcomes(self) -> ItemOutcomes | None:
        return self.record.outcomes

    def parts(self, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """(N,) float64 of each item, twice: the metric is the sum of the first by that of the
        second.

        Raises:
            ConfigError: the labels are not of entities.
        """
        outcomes = self.record.outcomes
        assert outcomes is not None, "records without outcomes are refused before"
        if metric == "accuracy":
            return outcomes.right.astype(np.float64), outcomes.total.astype(np.float64)
        if outcomes.entities is None:
            raise ConfigError(
                Option("metric", metric),
                f"{self.task} has no entities",
                "Use metric=accuracy",
                code="TLN-CONFIG-915",
            )
        pairs = outcomes.entities.astype(np.float64)  # (N, 2)
        return pairs[:, 0], pairs[:, 1]


def has_transfer(content: dict[str, Any]) -> bool:
    """Whether a results file holds records of transfer."""
    return bool(content.get("transfer"))


def transfer_runs(
    path: Path, content: dict[str, Any], stage: str | None
) -> list[list[ComparedTransfer]]:
    """The records of a results file in one stage, for each seed of the head.

    Args:
        path: the results file.
        content: what it holds.
        stage: ``before`` or ``after``; None takes the last one.

    Raises:
        DataError: the records are damaged, or have no outcome of each item.
        ConfigError: there is no such stage.
    """
    try:
        staged, problem = read_transfer(path, content)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            path,
            f"its records of transfer are damaged ({type(error).__name__}: {first_line(error)})",
            "Run transfer again",
            code="TLN-DATA-912",
        ) from error
    if problem:
        raise DataError(
            path,
            f"its transfer cannot be compared item by item: {problem}",
            "Run transfer again, and keep the files that it writes together",
            code="TLN-DATA-913",
        )
    stages = list(dict.fromkeys(name for name, _ in staged))
    wanted = choose_stage(path, stage, stages)
    by_seed: defaultdict[int, list[ComparedTransfer]] = defaultdict(list)
    for name, record in staged:
        if name == wanted:
            by_seed[record.seed].append(ComparedTransfer(record))
    return list(by_seed.values())


def choose_stage(path: Path, stage: str | None, stages: Sequence[str]) -> str:
    """The stage to compare.

    Args:
        path: the results file.
        stage: that is asked for; None: the last one.
        stages: of the file.

    Raises:
        ConfigError: the file has no such stage.
    """
    if stage is None:
        return stages[-1]
    if stage not in stages:
        raise ConfigError(
            Option("stage", stage),
            f"not in {path}",
            f"It has: {', '.join(filter(None, stages)) or 'a single measurement'}",
            code="TLN-CONFIG-906",
        )
    return stage


def usual_metric(records: Sequence[Any]) -> str:
    """What is compared by default: the F1 of entities where labels are of entities."""
    if all(getattr(each.record, "entity_f1", None) is not None for each in records):
        return "entity_f1"
    return "accuracy"
