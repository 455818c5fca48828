"""What each language contributed to a run: how many pairs were read."""

import logging
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl

from transliconet.data.datamodule import PairsDataModule

log = logging.getLogger(__name__)


class LanguagesRead(pl.Callback):
    """Says at the end of training how many pairs of each language were read, over all processes
    and since the first step, and warns of languages of which none was.

    Args:
        data: the batches that are trained on.
    """

    def __init__(self, data: PairsDataModule) -> None:
        self.data = data
        self.pairs: Mapping[str, int] = {}
        """Language → pairs; empty until training has ended."""
        self._done: tuple[int, int] | None = None  # epoch, and batches of it

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *of_batch: Any
    ) -> None:
        # after the last batch Lightning counts an epoch that a limit has ended as a whole one
        progress: Any = trainer.fit_loop.epoch_loop.batch_progress.current
        self._done = (trainer.current_epoch, progress.processed)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._done is None:
            return  # the run had come to its end before
        self.pairs = self.data.languages_read(*self._done)
        if not trainer.is_global_zero:
            return
        numbers = [f"{language} {number}" for language, number in self.pairs.items()]
        log.info("pairs read: %s", ", ".join(numbers))
        unread = [language for language, number in self.pairs.items() if not number]
        if unread:
            log.warning("no pair was read of %s: the run is too short", ", ".join(unread))
