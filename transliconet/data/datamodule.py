"""The LightningDataModule over a pairs folder."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from transformers import PreTrainedTokenizerBase

from transliconet.data.augment import Augmenter
from transliconet.data.collate import Extras, collate
from transliconet.data.masking import Masking
from transliconet.data.sampler import BatchPlan, PairBatchSampler
from transliconet.errors import CheckpointError, ConfigError, DataError, require_range
from transliconet.pairs import PairsFolder
from transliconet.tokens.cache import cached_token_ids
from transliconet.tokens.noise import Augment
from transliconet.tokens.padding import Vocabulary
from transliconet.tokens.tokenize import Joined, TokenizedPairs, joined
from transliconet.tokens.words import WordBoundaries

log = logging.getLogger(__name__)


class PairBatches(Dataset):
    """Batches as items: index it with a :class:`BatchPlan`."""

    def __init__(self, pairs: TokenizedPairs, vocabulary: Vocabulary, extras: Extras) -> None:
        self.pairs, self.vocabulary, self.extras = pairs, vocabulary, extras

    def __getitem__(self, plan: BatchPlan) -> dict[str, Tensor]:
        return collate(self.pairs, plan, self.vocabulary, self.extras)


class PairsDataModule(pl.LightningDataModule):
    """Training batches from the part of a pairs folder that is not held out.

    Args:
        pairs: the opened folder.
        tokenizer: the encoder's.
        positions: longest row the encoder takes, in tokens.
        batch_size: pairs a batch and device; each pair is two rows.
        max_length: rows are cut at this many tokens, special ones included; cut rows are counted.
        languages: tags to train on; None takes all.
        skip_unchanged: leave out pairs whose romanization equals the text (nothing to align, only
            MLM to learn).
        masking: how masked input is made; None where no objective reads it.
        also: more pairs folders to train on, e.g. the same text by another romanizer; held out must
            be the same ids.
        by_language: batches hold pairs of one language, so that negatives are hard; see
            :class:`PairBatchSampler`.
        augment: misspelled or partly romanized rows; None leaves them as they are.
        workers: loader processes; batches are the same for any number.
        window: see :class:`PairBatchSampler`.
        seed: of the order and the masks.
        anchors: from tokenized pairs to (N, H) vectors, where an objective reads them
            (:class:`transliconet.train.teacher.Teacher`).
        negatives: anchors of so many other pairs in each batch, drawn anew.
        words: whether an objective reads word numbers.
        batch_tokens: tokens a batch and device, both views, instead of a number of pairs; None:
            ``batch_size`` counts.
    """

    def __init__(
        self,
        pairs: PairsFolder,
        tokenizer: PreTrainedTokenizerBase,
        positions: int,
        batch_size: int = 24,
        max_length: int = 512,
        languages: list[str] | None = None,
        skip_unchanged: bool = True,
        masking: Masking | None = None,
        also: Sequence[PairsFolder] = (),
        by_language: bool = False,
        augment: Augment | None = None,
        workers: int = 0,
        window: int = 50,
        seed: int = 0,
        anchors: Callable[[TokenizedPairs], np.ndarray] | None = None,
        negatives: int = 0,
        words: bool = False,
        batch_tokens: int | None = None,
    ) -> None:
        super().__init__()
        require_range("data.batch_size", batch_size, least=2)
        require_range("data.workers", workers, least=0)
        require_range("data.max_length", max_length, least=3)
        if max_length > positions:
            raise ConfigError(
                f"data.max_length={max_length}",
                f"the encoder has {positions} positions",
                "Lower it",
                code="TLN-CONFIG-320",
            )
        self.folders = [pairs, *also]
        for folder in also:
            _same_heldout(pairs, folder)
        self.anchors, self.negatives, self.words = anchors, negatives, words
        self.tokenizer, self.masking, self.augment, self.by_language = (
            tokenizer,
            masking,
            augment,
            by_language,
        )
        self.batch_size, self.batch_tokens, self.window, self.seed = (
            batch_size,
            batch_tokens,
            window,
            seed,
        )
        self.max_length = max_length
        self.languages, self.skip_unchanged, self.workers = languages, skip_unchanged, workers
        self._batches: PairBatches | None = None
        self._sources: list[str] = []
        self._start = (0, 0)

    def prepare_data(self) -> None:
        """Tokenize the training part, and embed its anchors, on one process of each machine; others
        read the cache.
        """
        for pairs in self._tokenized():
            if self.anchors and len(pairs):
                self.anchors(pairs)

    def setup(self, stage: str | None = None) -> None:
        """Open the token ids (once a process).

        Raises:
            DataError: nothing is left to train on.
        """
        if self._batches is not None:
            return
        parts = self._tokenized()
        anchors = [self.anchors(part) for part in parts] if self.anchors else []
        self._sources = [part.place.name for part in parts if part.place]
        self._sources += [
            Path(str(part.filename)).stem for part in anchors if isinstance(part, np.memmap)
        ]
        pairs = joined(parts)
        if len(pairs) == 0:
            raise DataError(
                f"pairs={self.folders[0].path}",
                "no training pair",
                "Lower heldout in prepare, or set data.skip_unchanged=false",
                code="TLN-DATA-320",
            )
        log.info(
            "%d training pairs, %.1f native and %.1f romanized tokens a pair, %d rows cut at %d tokens",
            len(pairs),
            pairs.native.lengths.mean(),
            pairs.romanized.lengths.mean(),
            pairs.truncated,
            self.max_length,
        )
        bounds = (
            WordBoundaries.from_tokenizer(self.tokenizer) if self.words or self.augment else None
        )
        extras = Extras(
            masking=self.masking,
            anchors=Joined(anchors) if anchors else None,
            negatives=self.negatives,
            words=bounds if self.words else None,
            augmenter=Augmenter(self.augment, self.tokenizer, bounds, self.max_length)
            if bounds and self.augment
            else None,
        )
        self._batches = PairBatches(pairs, Vocabulary.from_tokenizer(self.tokenizer), extras)

    def _tokenized(self) -> list[TokenizedPairs]:
        return [
            cached_token_ids(
                folder, self.tokenizer, self.max_length, self.languages, self.skip_unchanged
            )
            for folder in self.folders
        ]

    def pair_names(self, positions: Sequence[int]) -> list[str]:
        """Language and id of training pairs, ``hin_Deva 17``, as their pairs folder has them."""
        wanted, names, start = set(positions), dict[int, str](), 0
        for folder in self.folders:
            for rows in folder.batches(
                "train", skip_unchanged=self.skip_unchanged, languages=self.languages
            ):
                here = [p for p in wanted if start <= p < start + len(rows)]
                names.update(
                    {p: f"{rows['lang'][p - start]} {rows['id'][p - start]}" for p in here}
                )
                start += len(rows)
        return [names[p] for p in positions]

    def train_dataloader(self) -> DataLoader:
        assert self._batches is not None, "setup() has run"  # Lightning calls it first
        rank, world_size = (
            (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        )
        pairs = self._batches.pairs
        groups = pairs.languages if self.by_language else None
        sampler = PairBatchSampler(
            pairs.tokens,
            self.batch_size,
            self.seed,
            rank,
            world_size,
            self.window,
            groups,
            batch_tokens=self.batch_tokens,
            texts=pairs.texts,
        )
        epoch, done = self._start if self._start[1] < len(sampler) else (self._start[0] + 1, 0)
        sampler.set_epoch(
            epoch
        )  # loader processes ask for batches before Lightning says which epoch it is
        sampler.resume(epoch, done)
        return DataLoader(
            self._batches,
            sampler=sampler,
            batch_size=None,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=bool(
                self.trainer and self.trainer.accelerator.__class__.__name__ == "CUDAAccelerator"
            ),
        )

    def _decides(self) -> dict[str, Any]:
        """What decides the batches of a run: a checkpoint goes on only where all of it is the
        same.
        """
        world_size = self.trainer.world_size if self.trainer else 1
        return {
            "data.batch_size": self.batch_size,
            "data.batch_tokens": self.batch_tokens,
            "data.window": self.window,
            "data.by_language": self.by_language,
            "seed": self.seed,
            "number of processes": world_size,
            "pairs, tokenizer and anchors": self._sources,
        }

    def state_dict(self) -> dict[str, Any]:
        """Where the epoch is, for a checkpoint: the batches trained on, not those that loader
        processes have made.
        """
        assert self.trainer is not None, "Lightning saves while a trainer runs"
        progress: Any = self.trainer.fit_loop.epoch_loop.batch_progress.current
        done = progress.processed
        return {"epoch": self.trainer.current_epoch, "batches": done, "decides": self._decides()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on behind the last batch trained on.

        Raises:
            CheckpointError: batches would be others than those of the run that the checkpoint is
                from.
        """
        for what, now in self._decides().items():
            if (then := state_dict["decides"].get(what)) != now:
                raise CheckpointError(
                    "resume",
                    f"the run had {what} {then}, not {now}",
                    "Keep what the run had, or start another from an export of it (encoder.path=…)",
                    code="TLN-CKPT-320",
                )
        self._start = (state_dict["epoch"], state_dict["batches"])


def _same_heldout(first: PairsFolder, other: PairsFolder) -> None:
    """Raise unless both folders hold out the same ids: one's training text would be the other's
    test.
    """
    theirs, ours = (
        {k: f.manifest["rules"].get(k) for k in ("heldout", "seed")} for f in (other, first)
    )
    if theirs != ours:
        raise ConfigError(
            f"data.also={other.path}",
            f"it holds out other ids than {first.path} ({theirs}, not {ours})",
            "Prepare both with the same rules.heldout and rules.seed",
            code="TLN-CONFIG-321",
        )
