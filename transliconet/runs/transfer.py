"""A task before, during and after training."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transliconet.downstream.outcomes import Staged
from transliconet.downstream.transfer import Task, TransferResult, TransferSettings, transfer
from transliconet.errors import section
from transliconet.model.encoder import Encoder
from transliconet.probe.views import HUMAN, NATIVE, ROMANIZED

log = logging.getLogger(__name__)

METRIC = "transfer"
"""Metrics of training are ``probe/transfer/VIEW``, and ``probe/transfer/dev``."""
DEV = "dev"

Results = Mapping[str, TransferResult]
"""Stage → what the task has shown."""


@dataclass(frozen=True)
class TransferSpec:
    """A task that the encoder is measured by before and after training, and during training at the
    interval of the probe.

    Args:
        task: its texts.
        settings: how it is trained and tested.
    """

    task: Task
    settings: TransferSettings

    def run(self, encoder: Encoder) -> TransferResult:
        """Measure an encoder, which is not changed.

        Raises:
            ConfigError, DataError: see :func:`transliconet.downstream.transfer.transfer`.
        """
        with section(METRIC):
            return transfer(encoder, self.task, self.settings)

    def scores(self, encoder: Encoder) -> dict[str, float]:
        """The means over languages of each view, and the best score on the dev split of the
        training languages, by the names of their metrics.
        """
        result = self.run(encoder)
        found = {}
        for view in (NATIVE, ROMANIZED, HUMAN):
            mean = result.mean(view)
            if mean is not None:
                found[f"{METRIC}/{view}"] = mean
        dev_score = result.heads[0].get("dev_score")
        if dev_score is not None:
            found[f"{METRIC}/{DEV}"] = float(dev_score)
        return found

    @property
    def metrics(self) -> list[str]:
        """Names of :meth:`scores`, if the task has all views and a dev split."""
        return [f"{METRIC}/{name}" for name in (NATIVE, ROMANIZED, HUMAN, DEV)]


def results_content(results: Results) -> dict[str, Any]:
    """What a results file holds of the task, but for the outcome of each item."""
    records: list[dict[str, Any]] = []
    heads: list[dict[str, Any]] = []
    for stage, result in results.items():
        heads += [{"stage": stage, **head} for head in result.heads]
        records += [{"stage": stage, **record.as_dict()} for record in result.records]
    last = list(results.values())[-1]
    return {"transfer": records, "heads": heads, "left_out": last.left_out}


def staged_records(results: Results) -> Staged:
    """Stage and record of all results, in their order."""
    staged = []
    for stage, result in results.items():
        staged += [(stage, record) for record in result.records]
    return staged
