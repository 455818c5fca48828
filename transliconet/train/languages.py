"""What each language contributes to a run: how many pairs were read, and with which loss."""

import logging
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from transliconet.batch import PAIR_INDEX
from transliconet.data.batch_order import languages_read
from transliconet.data.datamodule import PairsDataModule
from transliconet.objectives.base import weighted_pair_losses
from transliconet.objectives.encode import EncodedPairs
from transliconet.train.callbacks import is_logged
from transliconet.train.module import PairModule

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
        assert self.data.sampler is not None, "training has begun"
        assert self.data.pairs is not None, "setup() has run"
        epoch, batches = self._done
        self.pairs = languages_read(self.data.sampler, self.data.pairs, epoch, batches)
        if not trainer.is_global_zero:
            return
        numbers = [f"{language} {number}" for language, number in self.pairs.items()]
        log.info("pairs read: %s", ", ".join(numbers))
        unread = [language for language, number in self.pairs.items() if not number]
        if unread:
            log.warning("no pair was read of %s: the run is too short", ", ".join(unread))


class LossByLanguage(pl.Callback):
    """Logs ``loss/hin_Deva``, the mean loss of a language's pairs over the steps since the last
    log, of all processes. A language of which no pair was read has none.

    The loss of a pair is :meth:`transliconet.objectives.base.Objective.pair_losses`, summed with
    the weights of the objectives.

    Args:
        data: the batches that are trained on.
    """

    def __init__(self, data: PairsDataModule) -> None:
        self.data = data

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, PairModule)
        assert self.data.pairs is not None, "setup() has run"
        self._tags = list(self.data.pairs.tags)
        # (L, 2): sum of the losses, number of pairs
        self._sums = torch.zeros(len(self._tags), 2, device=pl_module.device)
        self._languages = torch.from_numpy(self.data.pairs.languages).long()  # (N,)
        self._objectives = pl_module.objectives
        pl_module.watchers.append(self.add)

    def add(self, encoded: EncodedPairs) -> None:
        """Count the losses of a batch."""
        losses = weighted_pair_losses(self._objectives, encoded)  # (B,)
        positions = encoded.batch[PAIR_INDEX].cpu()
        languages = self._languages[positions].to(losses.device)  # (B,)
        known = ~losses.isnan()
        counted = torch.stack([losses.nan_to_num(), known.float()], 1)  # (B, 2)
        self._sums.index_add_(0, languages, counted)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: dict[str, Tensor],
        batch_idx: int,
    ) -> None:
        if not is_logged(trainer, batch_idx):
            return
        sums = trainer.strategy.reduce(self._sums, reduce_op="sum")
        assert isinstance(sums, Tensor)
        for tag, (total, number) in zip(self._tags, sums.tolist(), strict=True):
            if number:
                pl_module.log(f"loss/{tag}", total / number)
        self._sums.zero_()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, PairModule)
        pl_module.watchers.remove(self.add)
