"""Callbacks that measure or show the progress of a run."""

import logging
import math
import sys
import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import TQDMProgressBar
from pytorch_lightning.callbacks.progress.tqdm_progress import Tqdm
from torch import Tensor

from transliconet import progress
from transliconet.batch import ATTENTION_MASK, PAIR_INDEX
from transliconet.objectives.encode import num_native_rows

log = logging.getLogger(__name__)

FEW_STEPS, ENOUGH_STEPS = 100, 300
"""Optimizer steps below which an encoder hardly changes, and those that a short run should have."""


def is_logged(trainer: pl.Trainer, batch_idx: int) -> bool:
    """Whether Lightning logs after a batch of this number within its epoch."""
    return (batch_idx + 1) % trainer.log_every_n_steps == 0  # type: ignore[attr-defined,no-any-return]


class AfterStep(pl.Callback):
    """Calls :meth:`after_step` after each optimizer step, however many batches it accumulates."""

    _step = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._step = trainer.global_step

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: dict[str, Tensor],
        batch_idx: int,
    ) -> None:
        if trainer.global_step != self._step:
            self._step = trainer.global_step
            self.after_step(trainer, pl_module)

    def after_step(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """To be overridden."""
        raise NotImplementedError


class Throughput(pl.Callback):
    """Logs ``pairs_per_s`` and ``tokens_per_s`` over the steps since the last log, summed over all
    devices. Tokens are those of rows that are encoded, without padding.
    """

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._pairs = self._tokens = 0
        self._since = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: dict[str, Tensor],
        batch_idx: int,
    ) -> None:
        self._pairs += len(batch[PAIR_INDEX]) * trainer.world_size
        pairs = len(batch[PAIR_INDEX])
        native = num_native_rows(pairs, getattr(pl_module, "native_share", 1.0))
        attention = batch[ATTENTION_MASK]
        self._tokens += int(attention[:native].sum() + attention[pairs:].sum()) * trainer.world_size
        if not is_logged(trainer, batch_idx):
            return
        elapsed = time.monotonic() - self._since
        pl_module.log("pairs_per_s", self._pairs / elapsed, prog_bar=True)
        pl_module.log("tokens_per_s", self._tokens / elapsed)
        self._pairs = self._tokens = 0
        self._since = time.monotonic()


class FewSteps(pl.Callback):
    """Says before training that a run has few optimizer steps, and how many epochs have more.

    It says nothing where the run ends by a number of steps or by time, which somebody chose.
    """

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        epochs, steps = trainer.max_epochs, trainer.estimated_stepping_batches
        by_epochs = trainer.max_steps == -1 and epochs is not None and epochs > 0
        if not by_epochs or steps >= FEW_STEPS:
            return
        assert epochs is not None
        wanted = math.ceil(ENOUGH_STEPS * epochs / max(steps, 1))
        log.warning("%d optimizer steps: expect little; trainer.max_epochs=%d", steps, wanted)


class Progress(TQDMProgressBar):
    """Lightning's progress bar, on stderr, with the time of day at which the run will end. Where
    stderr is no terminal, it is a line every few seconds.
    """

    def init_train_tqdm(self) -> Tqdm:
        return Tqdm(
            desc=self.train_description,
            position=2 * self.process_position,
            disable=self.is_disabled or not sys.stderr.isatty(),
            leave=True,
            dynamic_ncols=True,
            file=sys.stderr,
            smoothing=0,
            bar_format=self.BAR_FORMAT,
        )

    def on_train_start(self, *args: Any) -> None:
        super().on_train_start(*args)
        self._since, self._first_step = time.time(), self.trainer.global_step
        self._last_line = time.monotonic()

    def on_train_epoch_start(self, trainer: pl.Trainer, *args: Any) -> None:
        super().on_train_epoch_start(trainer, *args)
        batches = trainer.estimated_stepping_batches * trainer.accumulate_grad_batches
        description = f"epoch {trainer.current_epoch + 1}"
        if math.isfinite(batches):
            description += f"/{math.ceil(batches / self.total_train_batches)}"
        self._description = description
        self.train_progress_bar.set_description(description)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *of_batch: Any
    ) -> None:
        super().on_train_batch_end(trainer, pl_module, *of_batch)
        quiet = self.is_disabled or sys.stderr.isatty()
        if quiet or time.monotonic() - self._last_line < progress.LINE_SECONDS:
            return
        self._last_line = time.monotonic()
        parts = [f"train: {self._description}", f"step {trainer.global_step}"]
        for name, value in self.get_metrics(trainer, pl_module).items():
            shown = f"{value:.4g}" if isinstance(value, float) else value
            parts.append(f"{name} {shown}")
        print(", ".join(parts), file=sys.stderr, flush=True)

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        items = super().get_metrics(trainer, pl_module)
        items.pop("v_num", None)
        steps_done = trainer.global_step - self._first_step
        steps_left = trainer.estimated_stepping_batches - trainer.global_step
        if steps_done and math.isfinite(steps_left):
            now = time.time()
            seconds_a_step = (now - self._since) / steps_done
            end = time.localtime(now + steps_left * seconds_a_step)
            items["ends"] = time.strftime("%H:%M", end)
        return items
