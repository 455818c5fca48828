"""Which pairs stand together in a batch: a function of seed, epoch and rank, so that a run can be
repeated.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler

from transliconet.data.batching import (
    batches_by_number,
    batches_by_tokens,
    separate_equal_texts,
    split_by_group,
    split_largest,
)
from transliconet.errors import DataError, Option, require_range

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchPlan:
    """One batch to be made.

    Args:
        key: seeds whatever is random in making it.
        indices: (B,) pairs.
    """

    key: tuple[int, ...]
    indices: np.ndarray


class PairBatchSampler(Sampler[BatchPlan]):
    """Batches of pairs of similar length; every pair once an epoch, no text twice in a batch.

    A shuffled epoch is split into windows of ``window`` batches. Within a window pairs are sorted
    by length, so that the rows of a batch need little padding while their company stays random from
    epoch to epoch. With ``batch_tokens`` the window is the whole epoch. Batches are then shuffled
    and dealt to the ranks in turn.

    With ``groups``, a batch holds pairs of one group, so that negatives are hard (of the same
    language). Pairs that do not fill a batch of their group share mixed batches.

    Args:
        lengths: (N,) tokens of each pair, both views.
        batch_size: pairs a batch and device.
        batch_tokens: tokens a batch and device in place of ``batch_size``; None: ``batch_size``
            counts.
        window: batches that are sorted by length together; 1 leaves plain random batches.
        groups: (N,) group of each pair; None: all are one.
        text_digests: (N,) digests of the texts of each view. Pairs that share a text are put into
            different batches: they cannot be each other's negatives.
        seed: with the epoch, decides the order.
        rank, world_size: this process, and the number of processes. Every rank gets the same number
            of batches: where an epoch does not divide evenly, its largest batches are split.

    Raises:
        DataError: fewer than two pairs (contrast needs a negative), or than two for each rank.
    """

    def __init__(
        self,
        lengths: np.ndarray,
        batch_size: int,
        *,
        batch_tokens: int | None = None,
        window: int = 50,
        groups: np.ndarray | None = None,
        text_digests: Sequence[np.ndarray] = (),
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        require_range("batch_size", batch_size, least=2)
        require_range("window", window, least=1)
        if len(lengths) < 2:
            raise DataError(
                f"{len(lengths)} training pair(s)",
                "no negatives for the contrast",
                "Prepare more text, or hold out less",
                code="TLN-DATA-321",
            )
        self.lengths = lengths
        self.batch_size = batch_size
        self.batch_tokens = batch_tokens
        self.window = window
        self.groups = groups
        self.text_digests = text_digests
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0
        self._start = (0, 0)  # epoch and batch within it
        self._batches_of_epoch: tuple[int, list[np.ndarray]] = (-1, [])
        if len(self._epoch_batches()) % world_size:
            raise DataError(
                Option("batch_size", batch_size),
                f"{len(lengths)} training pairs give no batch for each of {world_size} processes",
                "Lower it, or the number of devices",
                code="TLN-DATA-322",
            )

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def resume(self, epoch: int, batches: int) -> None:
        """Leave out the first ``batches`` batches of ``epoch``: they have been trained on."""
        self._start = (epoch, batches)

    def __len__(self) -> int:
        return len(self._epoch_batches()) // self.world_size

    def __iter__(self) -> Iterator[BatchPlan]:
        batches = self._epoch_batches()
        order = np.random.default_rng([self.seed, self.epoch, 1]).permutation(len(batches))
        epoch, done = self._start
        first = done if epoch == self.epoch else 0
        for number in range(first, len(self)):
            # batch `number` of every rank is dealt before batch `number + 1` of any
            dealt = order[number * self.world_size + self.rank]
            yield BatchPlan((self.seed, self.epoch, number, self.rank), batches[dealt])

    def _epoch_batches(self) -> list[np.ndarray]:
        """The batches of the epoch, before they are shuffled and dealt."""
        epoch, batches = self._batches_of_epoch
        if epoch != self.epoch:
            rng = np.random.default_rng([self.seed, self.epoch])
            batches = self._split(rng.permutation(len(self.lengths)))
            batches = split_largest(batches, self.world_size)
            batches, left = separate_equal_texts(
                batches, self.text_digests, self.lengths, self.batch_tokens, self.groups
            )
            self._batches_of_epoch = (self.epoch, batches)
            if left:
                log.warning(
                    "%d pairs share a batch with an equal text: the text is in too many pairs", left
                )
        return batches

    def _split(self, order: np.ndarray) -> list[np.ndarray]:
        """(N,) pairs in random order → batches, of one group each where there are groups."""
        if self.groups is None:
            return list(self._split_group(order))
        full: list[np.ndarray] = []
        leftover: list[np.ndarray] = []
        for members in split_by_group(order, self.groups):
            batches = list(self._split_group(members))
            if self._is_small(batches[-1]):
                leftover.append(batches.pop())
            full += batches
        if leftover:
            full += self._split_group(np.concatenate(leftover))
        return full

    def _split_group(self, order: np.ndarray) -> Iterator[np.ndarray]:
        if self.batch_tokens is not None:
            return batches_by_tokens(order, self.lengths, self.batch_tokens)
        return batches_by_number(order, self.lengths, self.batch_size, self.window)

    def _is_small(self, batch: np.ndarray) -> bool:
        """Whether the last batch of a group joins the mixed ones."""
        if self.batch_tokens is not None:
            return bool(2 * self.lengths[batch].sum() < self.batch_tokens)
        return len(batch) < self.batch_size
