"""The LightningDataModule over a pairs folder."""

import logging
from collections.abc import Callable

import numpy as np
import pytorch_lightning as pl
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from transformers import PreTrainedTokenizerBase

from transliconet.corpus.pairs import PairsFolder
from transliconet.data.cache import cached_pairs
from transliconet.data.collate import Vocabulary, collate
from transliconet.data.masking import Masking
from transliconet.data.sampler import BatchPlan, PairBatchSampler
from transliconet.data.tokenize import TokenizedPairs
from transliconet.errors import ConfigError, DataError, require_range

log = logging.getLogger(__name__)


class PairBatches(Dataset):
    """Batches as items: index it with a :class:`BatchPlan`."""

    def __init__(
        self, pairs: TokenizedPairs, vocabulary: Vocabulary, masking: Masking | None, anchors: np.ndarray | None
    ) -> None:
        self.pairs, self.vocabulary, self.masking, self.anchors = pairs, vocabulary, masking, anchors

    def __getitem__(self, plan: BatchPlan) -> dict[str, Tensor]:
        return collate(self.pairs, plan, self.vocabulary, self.masking, self.anchors)


class PairsDataModule(pl.LightningDataModule):
    """Training batches from the part of a pairs folder that is not held out.

    Args:
        pairs: the opened folder.
        tokenizer: the encoder's.
        positions: longest row the encoder takes, in tokens.
        batch_size: pairs a batch and device; each pair is two rows.
        max_length: rows are cut at this many tokens, special ones included; cut rows are counted.
        languages: tags to train on; None takes all.
        identical: also train on pairs whose romanisation equals the text (nothing to align, only MLM to learn).
        masking: how masked input is made; None where no objective reads it.
        workers: loader processes; batches are the same for any number.
        window: see :class:`PairBatchSampler`.
        seed: of the order and the masks.
        anchors: from tokenised pairs to (N, H) vectors, where an objective reads them
            (:class:`transliconet.train.teacher.Teacher`).
    """

    def __init__(
        self,
        pairs: PairsFolder,
        tokenizer: PreTrainedTokenizerBase,
        positions: int,
        batch_size: int = 24,
        max_length: int = 512,
        languages: list[str] | None = None,
        identical: bool = False,
        masking: Masking | None = None,
        workers: int = 0,
        window: int = 50,
        seed: int = 0,
        anchors: Callable[[TokenizedPairs], np.ndarray] | None = None,
    ) -> None:
        super().__init__()
        require_range("data.batch_size", batch_size, least=2)
        require_range("data.workers", workers, least=0)
        require_range("data.max_length", max_length, least=3)
        if max_length > positions:
            raise ConfigError(f"data.max_length={max_length}", f"the encoder has {positions} positions", "Lower it")
        self.anchors = anchors
        self.folder, self.tokenizer, self.masking = pairs, tokenizer, masking
        self.batch_size, self.max_length, self.window, self.seed = batch_size, max_length, window, seed
        self.languages, self.identical, self.workers = languages, identical, workers
        self._batches: PairBatches | None = None

    def prepare_data(self) -> None:
        """Tokenise the training part, and embed its anchors, on one process of each machine; others read the cache."""
        pairs = self._tokenized()
        if self.anchors and len(pairs):
            self.anchors(pairs)

    def setup(self, stage: str | None = None) -> None:
        """Open the token ids (once a process).

        Raises:
            DataError: nothing is left to train on.
        """
        if self._batches is not None:
            return
        pairs = self._tokenized()
        if len(pairs) == 0:
            raise DataError(
                f"pairs={self.folder.path}", "no training pair", "Lower heldout in prepare, or set data.identical=true"
            )
        log.info(
            "%d training pairs, %.1f native and %.1f romanised tokens a pair, %d rows cut at %d tokens",
            len(pairs), pairs.native.lengths.mean(), pairs.romanized.lengths.mean(), pairs.truncated, self.max_length,
        )  # fmt: skip
        anchors = self.anchors(pairs) if self.anchors else None
        self._batches = PairBatches(pairs, Vocabulary.of(self.tokenizer), self.masking, anchors)

    def _tokenized(self) -> TokenizedPairs:
        return cached_pairs(self.folder, self.tokenizer, self.max_length, self.languages, self.identical)

    def train_dataloader(self) -> DataLoader:
        assert self._batches is not None, "setup() has run"  # Lightning calls it first
        rank, world_size = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        sampler = PairBatchSampler(
            self._batches.pairs.lengths, self.batch_size, self.seed, rank, world_size, self.window
        )
        return DataLoader(
            self._batches,
            sampler=sampler,
            batch_size=None,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=bool(self.trainer and self.trainer.accelerator.__class__.__name__ == "CUDAAccelerator"),
        )
