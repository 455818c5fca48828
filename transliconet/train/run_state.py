"""Facts about the run in each checkpoint: its identity, settings, training time, logged rows, and
the weights that it began with.
"""

import time
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl

from transliconet.model.interpolation import StartingWeights
from transliconet.train.loggers import MetricsCsvLogger, metrics_of_this_step


class RunState(pl.Callback):
    """Saves and restores the training time and the number of rows in ``metrics.csv``.

    Args:
        run_id: identifies the run.
        settings: the settings that the run records, as plain containers.
        start: saved if the trained encoder keeps a share of it, for exports of the checkpoint.
    """

    def __init__(self, run_id: str, settings: Mapping[str, Any], start: StartingWeights) -> None:
        self.run_id, self.settings, self.start = run_id, dict(settings), start
        self._seconds_before = 0.0
        self._started: float | None = None
        self._rows = 0
        self._unlogged: dict[str, Any] = {}
        self._trainer: pl.Trainer | None = None
        self.has_begun = False
        """Whether the training loop was entered in this process."""

    @property
    def seconds(self) -> float:
        """Training time, summed over all processes that the run has had."""
        here = 0.0 if self._started is None else time.monotonic() - self._started
        return self._seconds_before + here

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        self._trainer = trainer

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # rows behind the checkpoint are of steps that are trained again
        for logger in trainer.loggers:
            if isinstance(logger, MetricsCsvLogger) and trainer.is_global_zero:
                logger.keep_rows(self._rows)
            if self._unlogged:
                logger.log_metrics(self._unlogged["metrics"], step=self._unlogged["step"])
        self._started = time.monotonic()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.has_begun = True

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = {"run": self.run_id, "settings": self.settings}
        if self.start.share:
            state["start"] = {"share": self.start.share, "weights": dict(self.start.weights)}
        rows = 0
        trainer = self._trainer
        for logger in trainer.loggers if trainer else []:
            if isinstance(logger, MetricsCsvLogger) and trainer and trainer.is_global_zero:
                rows = logger.flushed_rows()
        # Lightning logs a step's metrics after the checkpoint of that step is written
        unlogged = metrics_of_this_step(trainer) if trainer else {}
        return {**state, "seconds": self.seconds, "rows": rows, "unlogged": unlogged}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._seconds_before = state_dict["seconds"]
        same_run = state_dict["run"] == self.run_id
        if same_run:
            self._rows, self._unlogged = state_dict["rows"], state_dict["unlogged"]
