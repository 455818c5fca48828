"""The retrieval probe at intervals during training."""

import time
from collections.abc import Callable, Sequence
from typing import cast

import pytorch_lightning as pl

from transliconet.errors import require_range, section
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.probe.base import Probe
from transliconet.probe.results import mean_accuracies, task_name
from transliconet.train.callbacks import AfterStep

PROBE_PREFIX = "probe/"
"""What the name of each metric of :class:`ProbeWhileTraining` begins with."""
MakeScores = Callable[[Encoder], dict[str, float]]
"""Measures an encoder, which it does not change: name → score."""


class ProbeWhileTraining(AfterStep):
    """Runs a probe every ``every_n_steps`` steps.

    It logs ``probe/TASK`` for each task, the mean Acc@1 over languages, and
    ``probe/train_seconds``, the training time so far without the probes.

    Args:
        probe: runs in the first process; the others wait.
        pairs: the pairs folder to probe with.
        every_n_steps: optimizer steps between two probes.
        more: further scores of the encoder, and their names; they are logged as ``probe/NAME``.
    """

    def __init__(
        self,
        probe: Probe,
        pairs: PairsFolder,
        every_n_steps: int,
        more: tuple[MakeScores, Sequence[str]] | None = None,
    ) -> None:
        require_range("probe_every_n_steps", every_n_steps, least=1)
        with section("probe"):
            self.probe = probe.without_metrics()  # only accuracies are logged
        self.pairs, self.every_n_steps = pairs, every_n_steps
        self.more = more

        self._seconds_before = 0.0
        self._started = time.monotonic()
        self._seconds_probing = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        self._started, self._seconds_probing = time.monotonic(), 0.0

    @property
    def train_seconds(self) -> float:
        """Training time without the probes, summed over all processes that the run has had."""
        here = time.monotonic() - self._started - self._seconds_probing
        return self._seconds_before + here

    def state_dict(self) -> dict[str, float]:
        return {"train_seconds": self.train_seconds}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        self._seconds_before = state_dict["train_seconds"]

    def after_step(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        step = trainer.global_step
        if step % self.every_n_steps:
            return
        started = time.monotonic()
        means: dict[str, float] = {}
        if trainer.is_global_zero:
            encoder = cast(Encoder, pl_module.encoder)
            means = mean_accuracies(self.probe.run(encoder, self.pairs))
            if self.more is not None:
                means.update(self.more[0](encoder))
        self._seconds_probing += time.monotonic() - started
        means["train_seconds"] = self.train_seconds
        shared = trainer.strategy.broadcast(means)
        metrics = {f"{PROBE_PREFIX}{name}": value for name, value in shared.items()}
        # for callbacks; loggers get them directly, since Lightning skips steps that it does not log
        pl_module.log_dict(metrics, logger=False)
        for logger in trainer.loggers:
            logger.log_metrics(metrics, step=step)

    def metrics(self, encoder: Encoder) -> list[str]:
        """Names of the metrics that it will log."""
        layers, tasks = self.probe.layers(encoder), self.probe.tasks(self.pairs)
        several = len(layers) > 1
        names = []
        for layer in layers:
            names += [f"{PROBE_PREFIX}{task_name(task, layer, several)}" for task in tasks]
        if self.more is not None:
            names += [f"{PROBE_PREFIX}{name}" for name in self.more[1]]
        return names
