"""What watches a metric: it must exist, and stopping early looks at it when a probe has run."""

import logging
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping

from transliconet.errors import ConfigError, require_range
from transliconet.train.callbacks import AfterStep
from transliconet.train.probing import PROBED

log = logging.getLogger(__name__)

ALWAYS = ("step", "epoch")
"""What Lightning's checkpoints can be chosen by without anyone logging it."""


class EarlyStop(AfterStep, EarlyStopping):
    """Lightning's early stopping, which waits for validation, looking every so many optimizer steps
    instead.

    Args:
        monitor: name of the metric, ``probe/romanized→eng_Latn`` or ``loss``.
        every_n_steps: optimizer steps between two looks: those between two probes, or some are
            counted twice.
        mode: ``max`` or ``min``: what is better.
        patience: looks without improvement after which the run ends.
        min_delta: less than this is no improvement.

    Raises:
        ConfigError: a number that is none.
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
        super().__init__(monitor, min_delta, patience, mode=mode, check_on_train_epoch_end=False)
        self.every = every_n_steps

    def after_step(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.global_step % self.every:
            return
        self.on_validation_end(trainer, pl_module)
        if trainer.should_stop and trainer.is_global_zero:
            log.info(
                "stopped early at step %d. %s", trainer.global_step, self.stopping_reason_message
            )


class RequireMetrics(AfterStep):
    """Ends a run at its first step where a metric that is watched is not there: Lightning would
    wait for it.

    Args:
        watched: option → name of the metric.
        promised: names that come later.

    Raises:
        ConfigError: from the training loop.
    """

    def __init__(self, watched: Mapping[str, str], promised: Iterable[str] = ()) -> None:
        self.watched, self.promised = dict(watched), tuple(promised)

    def after_step(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        require_metrics(self.watched, [*trainer.callback_metrics, *self.promised])
        self.watched = {}


def require_metrics(watched: Mapping[str, str], available: Iterable[str]) -> None:
    """Raise :class:`ConfigError` unless every metric of ``watched`` (option → name) is among
    ``available``.
    """
    names = sorted({*ALWAYS, *available})
    for option, name in watched.items():
        if name in names:
            continue
        close = get_close_matches(name, names, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        probes = (
            ""
            if any(n.startswith(PROBED) for n in names)
            else "; with probe_every_n_steps also those of the probe"
        )
        raise ConfigError(
            f"{option}={name}",
            "no such metric",
            f"{hint}There are {', '.join(names)}{probes}",
            code="TLN-CONFIG-800",
        )
