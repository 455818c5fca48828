"""What is measured while a run goes on."""

import time

import pytorch_lightning as pl
from torch import Tensor

from transliconet import keys


class Throughput(pl.Callback):
    """Logs ``pairs_per_s`` and ``tokens_per_s`` (real tokens of the views read, padding not counted), all devices
    together, over the steps since the last log."""

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
        self._pairs += len(batch[keys.PAIR_INDEX]) * trainer.world_size
        read = 0 if getattr(pl_module, "reads_native", True) else len(batch[keys.PAIR_INDEX])
        self._tokens += int(batch[keys.ATTENTION_MASK][read:].sum()) * trainer.world_size
        if (batch_idx + 1) % trainer.log_every_n_steps:  # type: ignore[attr-defined]
            return
        elapsed = time.monotonic() - self._since
        pl_module.log("pairs_per_s", self._pairs / elapsed, prog_bar=True)
        pl_module.log("tokens_per_s", self._tokens / elapsed)
        self._pairs = self._tokens = 0
        self._since = time.monotonic()
