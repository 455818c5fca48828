"""Callbacks for optimizer steps, where Lightning's own are for batches."""

import pytorch_lightning as pl
from torch import Tensor


class AfterStep(pl.Callback):
    """Calls :meth:`after_step` when an optimizer step is done: once, however many batches are accumulated for it."""

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
