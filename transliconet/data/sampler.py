"""Which pairs form a batch: a function of seed, epoch and rank, so that a run can be repeated."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytorch_lightning as pl
from torch.utils.data import Sampler

from transliconet.data.batching import (
    PairFeatures,
    batches_by_number,
    batches_by_tokens,
    keep_together,
    separate_equal_texts,
    split_by_group,
    split_largest,
)
from transliconet.errors import ConfigError, DataError, Option, require_range

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchPlan:
    """The pairs of one batch.

    Args:
        key: seed of all random choices that are made for the batch.
        indices: (B,) positions of its pairs among the training pairs.
        progress: how much of the run is done before it, from 0 to 1; 0 where nothing in a batch
            depends on it.
    """

    key: tuple[int, ...]
    indices: np.ndarray
    progress: float = 0.0


class PairBatchSampler(Sampler[BatchPlan]):
    """Batches of pairs of similar length. Each pair is in one batch an epoch, and no batch holds a
    text twice.

    A shuffled epoch is split into windows of ``window`` batches. Within a window pairs are sorted
    by length, so that the rows of a batch need little padding, and still a pair meets other pairs
    in each epoch. With ``batch_tokens`` the window is the whole epoch. The batches are then
    shuffled and distributed over the ranks in turn.

    Args:
        features: lengths, groups and texts of all N pairs.
        batch_size: pairs a batch and device.
        batch_tokens: tokens a batch and device, in place of ``batch_size``; None: ``batch_size``
            counts.
        window: number of batches that are sorted by length together; 1 gives plain random batches.
        seed: decides the order, together with the epoch.
        rank, world_size: this process, and the number of processes. Every rank gets the same number
            of batches: where an epoch does not divide evenly, its largest batches are split.

    Raises:
        ConfigError: ``batch_size`` is below 2, or ``window`` below 1.
        DataError: fewer than two pairs (a contrast needs a negative), or fewer than two for each
            rank.
    """

    def __init__(
        self,
        features: PairFeatures,
        batch_size: int,
        *,
        batch_tokens: int | None = None,
        window: int = 50,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        require_range("batch_size", batch_size, least=2)
        require_range("window", window, least=1)
        if len(features) < 2:
            raise DataError(
                f"{len(features)} training pair(s)",
                "no negatives for the contrast",
                "Prepare more text, or hold out less",
                code="TLN-DATA-321",
            )
        self.features = features
        self.batch_size = batch_size
        self.batch_tokens = batch_tokens
        self.window = window
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0
        self.run_batches: int | None = None
        """Batches of the whole run, if batches depend on how much of it is done."""
        self._start = (0, 0)  # epoch and batch within it
        self._batches_of_epoch: tuple[int, list[np.ndarray]] = (-1, [])
        if len(self._epoch_batches()) % world_size:
            raise DataError(
                Option("batch_size", batch_size),
                f"{len(features)} training pairs give no batch for each of {world_size} processes",
                "Lower it, or the number of devices",
                code="TLN-DATA-322",
            )

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def resume(self, epoch: int, batches: int) -> None:
        """Skip the first ``batches`` batches of ``epoch``: the model has been trained on them."""
        self._start = (epoch, batches)

    def __len__(self) -> int:
        return len(self._epoch_batches()) // self.world_size

    def __iter__(self) -> Iterator[BatchPlan]:
        epoch, done = self._start
        first = done if epoch == self.epoch else 0
        for number in range(first, len(self)):
            key = (self.seed, self.epoch, number, self.rank)
            # step by step: the ranks take their batches `number` before any takes `number + 1`
            pairs = self.batch(number * self.world_size + self.rank)
            yield BatchPlan(key, pairs, self._progress_at(self._in_run(number * self.world_size)))

    def batch(self, position: int) -> np.ndarray:
        """(B,) the pairs of the batch at a position of this epoch, counted over all ranks."""
        return self._epoch_batches()[position]

    def _in_run(self, position: int) -> int:
        """A position of this epoch, counted over the run."""
        return self.epoch * len(self) * self.world_size + position

    def _progress_at(self, position: int) -> float:
        """How much of the run is done before the batch at a position, counted over the run and all
        ranks.
        """
        if not self.run_batches:
            return 0.0
        return min(position / (self.run_batches * self.world_size), 1.0)

    def first_pairs(self, batches: int) -> np.ndarray:
        """The pairs that all ranks together read in the first batches of this epoch.

        Args:
            batches: number of batches of each rank.

        Returns:
            (n,) sorted positions among the training pairs.
        """
        number = min(batches, len(self)) * self.world_size
        read = [self.batch(position) for position in range(number)]
        nothing = np.zeros(0, np.int64)  # a run of 0 steps reads no batch
        return np.unique(np.concatenate([nothing, *read]))

    def languages_read(self, languages: np.ndarray, batches: int) -> np.ndarray:
        """How many pairs of each language all ranks together have read.

        Args:
            languages: (N,) number of each training pair's language.
            batches: of each rank, in this epoch; the epochs before it count, too.

        Returns:
            (L,) int64.
        """
        an_epoch = np.bincount(languages)
        here = np.bincount(languages[self.first_pairs(batches)], minlength=len(an_epoch))
        return self.epoch * an_epoch + here

    def _epoch_batches(self) -> list[np.ndarray]:
        """The batches of this epoch, which the ranks take in turn; computed once."""
        epoch, batches = self._batches_of_epoch
        if epoch == self.epoch:
            return batches
        rng = np.random.default_rng([self.seed, self.epoch])
        batches, left = self.make_batches(rng.permutation(len(self.features)))
        if left:
            log.warning(
                "%d pairs share a batch with an equal text: the text is in too many pairs", left
            )
        order = np.random.default_rng([self.seed, self.epoch, 1]).permutation(len(batches))
        batches = [batches[index] for index in order]
        self._batches_of_epoch = (self.epoch, batches)
        return batches

    def make_batches(self, order: np.ndarray) -> tuple[list[np.ndarray], int]:
        """Batches of some pairs, a multiple of the number of ranks, with equal texts apart.

        Args:
            order: (n,) pairs in random order; a pair may be in it repeatedly.

        Returns:
            The batches, not shuffled, and the number of pairs that share one with an equal text.
        """
        batches = split_largest(self._split(order), self.world_size)
        return separate_equal_texts(batches, self.features, self.batch_tokens)

    def _split(self, order: np.ndarray) -> list[np.ndarray]:
        """(N,) pairs in random order → batches, of one group each where there are groups."""
        features = self.features
        if features.ids is not None and features.pairs_per_id > 1:
            order = keep_together(order, features.ids, features.pairs_per_id)
            return list(batches_by_number(order, features.lengths, self.batch_size, window=1))
        groups = features.groups
        if groups is None:
            return list(self._split_group(order))
        full: list[np.ndarray] = []
        leftover: list[np.ndarray] = []
        for members in split_by_group(order, groups):
            batches = list(self._split_group(members))
            # only the last batch of a group can be short: its pairs join the mixed batches
            if self._is_small(batches[-1]):
                leftover.append(batches.pop())
            full += batches
        if leftover:
            full += self._split_group(np.concatenate(leftover))
        return full

    def _split_group(self, order: np.ndarray) -> Iterator[np.ndarray]:
        lengths = self.features.lengths
        if self.batch_tokens is not None:
            return batches_by_tokens(order, lengths, self.batch_tokens)
        return batches_by_number(order, lengths, self.batch_size, self.window)

    def _is_small(self, batch: np.ndarray) -> bool:
        """Whether a batch is less than half of the token budget, or has too few pairs."""
        if self.batch_tokens is not None:
            return bool(2 * self.features.lengths[batch].sum() < self.batch_tokens)
        return len(batch) < self.batch_size


def batches_of_run(trainer: pl.Trainer, batches_of_epoch: int) -> int:
    """Number of batches that a run reads in each process.

    Raises:
        ConfigError: it has no end but a time limit.
    """
    limits: list[int] = []
    if trainer.max_steps >= 0:
        limits.append(trainer.max_steps * trainer.accumulate_grad_batches)
    if trainer.max_epochs is not None and trainer.max_epochs >= 0:
        limits.append(trainer.max_epochs * batches_of_epoch)
    if not limits:
        raise ConfigError(
            Option("max_steps", -1),
            "a schedule needs a number of steps",
            "Set it or max_epochs beside max_time, or use no schedule",
            code="TLN-CONFIG-326",
        ).in_section("trainer")
    return min(limits)
