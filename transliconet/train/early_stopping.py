"""Stopping early by a metric, and the check that a monitored metric exists."""

import logging
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.callbacks.early_stopping import EarlyStoppingReason

from transliconet.errors import (
    ConfigError,
    Option,
    TransliconetError,
    require_choice,
    require_range,
)
from transliconet.train.callbacks import AfterStep
from transliconet.train.probing import PROBE_PREFIX

log = logging.getLogger(__name__)

UNLOGGED = ("step", "epoch")
"""Values by which Lightning can choose checkpoints although they are not logged."""


class EarlyStop(AfterStep, EarlyStopping):
    """Lightning's early stopping, checked every ``every_n_steps`` optimizer steps instead of after
    validation.

    Checkpoints record whether the run has stopped. So a run that is killed after it has stopped
    ends at the same step when it is resumed.

    Args:
        monitor: name of the metric, ``probe/romanized→eng_Latn`` or ``loss``.
        every_n_steps: optimizer steps between two checks. Use the probe's interval: with a shorter
            one, the same value would be checked twice.
        mode: ``max`` or ``min``, whether higher or lower values are better.
        patience: number of checks without improvement after which the run ends.
        min_delta: smallest change that counts as an improvement.

    Raises:
        ConfigError: a number is out of its range.
    """

    def __init__(
        self,
        monitor: str,
        every_n_steps: int,
        mode: str = "max",
        patience: int = 3,
        min_delta: float = 0.0,
    ) -> None:
        require_range("every_n_steps", every_n_steps, least=1)
        require_range("patience", patience, least=1)
        require_range("min_delta", min_delta, least=0)
        require_choice("mode", mode, ("max", "min"))
        super().__init__(monitor, min_delta, patience, mode=mode, check_on_train_epoch_end=False)
        self.every_n_steps = every_n_steps

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        not_finite = self.stopping_reason == EarlyStoppingReason.NON_FINITE_METRIC
        if self.wait_count >= self.patience or not_finite:
            trainer.should_stop = True  # the checkpoint is of a run that had stopped

    def after_step(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        step = trainer.global_step
        if step % self.every_n_steps:
            return
        self.on_validation_end(trainer, pl_module)
        if trainer.should_stop and trainer.is_global_zero:
            log.info("stopped early at step %d. %s", step, self.stopping_reason_message)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        # Lightning would put the checkpoint's patience in the place of this run's
        super().load_state_dict({**state_dict, "patience": self.patience})


class RequireMetrics(AfterStep):
    """Ends a run after its first step if a monitored metric is not logged. Lightning would wait
    for it.

    Args:
        monitored: section of the option ``monitor`` → name of the metric.
        logged_later: names that are not logged at the first step.

    Raises:
        ConfigError: from the training loop.
    """

    def __init__(self, monitored: Mapping[str, str], logged_later: Iterable[str] = ()) -> None:
        self.monitored, self.logged_later = dict(monitored), tuple(logged_later)

    def after_step(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        require_metrics(self.monitored, [*trainer.callback_metrics, *self.logged_later])
        self.monitored = {}


def require_metrics(monitored: Mapping[str, str], available: Iterable[str]) -> None:
    """Raise :class:`ConfigError` unless every metric of ``monitored`` (section → name) is
    available.
    """
    names = sorted({*UNLOGGED, *available})
    for section, name in monitored.items():
        if name not in names:
            raise _no_such_metric(name, names).in_section(section)


def _no_such_metric(name: str, names: list[str]) -> TransliconetError:
    close = get_close_matches(name, names, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    remedy = f"{hint}There are {', '.join(names)}"
    if not any(known.startswith(PROBE_PREFIX) for known in names):
        remedy += "; with probe_every_n_steps also those of the probe"
    return ConfigError(Option("monitor", name), "no such metric", remedy, code="TLN-CONFIG-800")
