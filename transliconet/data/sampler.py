"""Which pairs stand together in a batch: a function of seed, epoch and rank, so that a run can be
repeated.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler

from transliconet.data.batching import by_group, by_number, by_tokens, even_out, part_equal_texts
from transliconet.errors import DataError, require_range

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchPlan:
    """One batch to be made: ``indices`` are pairs; ``key`` seeds whatever is random in making
    it.
    """

    key: tuple[int, ...]
    indices: np.ndarray


class PairBatchSampler(Sampler[BatchPlan]):
    """Batches of pairs of like length; every pair once an epoch, no text twice in a batch.

    A shuffled epoch is cut into windows of ``window`` batches; within a window pairs are sorted by
    length, so that rows of a batch are alike while its neighbours stay random from epoch to epoch.
    With ``batch_tokens`` batches have a budget of tokens instead, and the window is the epoch.
    Batches are then shuffled and dealt to the ranks.

    With ``groups``, a batch holds pairs of one group, so that negatives are hard (of the same
    language); what each group has over makes mixed batches.

    Args:
        tokens: (N,) tokens of each pair, both views.
        batch_size: pairs a batch and device.
        batch_tokens: tokens a batch and device, instead; None: ``batch_size`` counts.
        seed: with the epoch, decides the order.
        rank, world_size: this process and how many there are. Every rank gets the same number of
            batches; where an epoch does not come out even, its largest batches are halved.
        window: batches sorted together; 1 leaves plain random batches.
        groups: (N,) group of each pair; None: all are one.
        texts: (N,) digests of the texts of each view; pairs that share one are kept in different
            batches.

    Raises:
        DataError: fewer than two pairs (contrast needs a negative), or than two for each rank.
    """

    def __init__(
        self,
        tokens: np.ndarray,
        batch_size: int,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        window: int = 50,
        groups: np.ndarray | None = None,
        batch_tokens: int | None = None,
        texts: Sequence[np.ndarray] = (),
    ) -> None:
        require_range("data.batch_size", batch_size, least=2)
        require_range("data.window", window, least=1)
        if batch_tokens is not None:
            require_range("data.batch_tokens", batch_tokens, least=8)
        if len(tokens) < 2:
            raise DataError(
                f"{len(tokens)} training pair(s)",
                "no negatives for the contrast",
                "Prepare more text, or hold out less",
                code="TLN-DATA-321",
            )
        self.tokens, self.batch_size, self.batch_tokens = tokens, batch_size, batch_tokens
        self.seed, self.window, self.groups, self.texts = seed, window, groups, texts
        self.rank, self.world_size, self.epoch = rank, world_size, 0
        self._start = (0, 0)
        self._cut_epoch, self._batches = -1, list[np.ndarray]()
        if len(self._epoch()) % world_size:
            raise DataError(
                f"{len(tokens)} training pairs",
                f"no batch for each of {world_size} processes",
                "Lower data.batch_size or the number of devices",
                code="TLN-DATA-322",
            )

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def resume(self, epoch: int, batches: int) -> None:
        """Leave out the first ``batches`` batches of ``epoch``: they have been trained on."""
        self._start = (epoch, batches)

    def __len__(self) -> int:
        return len(self._epoch()) // self.world_size

    def __iter__(self) -> Iterator[BatchPlan]:
        batches = self._epoch()
        deal = np.random.default_rng([self.seed, self.epoch, 1]).permutation(len(batches))
        epoch, done = self._start
        for number in range(done if epoch == self.epoch else 0, len(self)):
            chosen = number * self.world_size + self.rank
            yield BatchPlan((self.seed, self.epoch, number, self.rank), batches[deal[chosen]])

    def _epoch(self) -> list[np.ndarray]:
        """The batches of the epoch, before they are dealt."""
        if self._cut_epoch != self.epoch:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.tokens))
            batches = even_out(self._cut(order), self.world_size)
            self._batches, left = part_equal_texts(
                batches, self.texts, self.tokens, self.batch_tokens, self.groups
            )
            self._cut_epoch = self.epoch
            if left:
                log.warning(
                    "%d pairs stand in a batch with an equal text: there are too many of them to part",
                    left,
                )
        return self._batches

    def _cut(self, order: np.ndarray) -> list[np.ndarray]:
        if self.groups is None:
            return list(self._batches_of(order))
        whole: list[np.ndarray] = []
        over: list[np.ndarray] = []
        for members in by_group(order, self.groups):
            batches = list(self._batches_of(members))
            if self._not_full(batches[-1]):
                over.append(batches.pop())
            whole += batches
        return whole + (list(self._batches_of(np.concatenate(over))) if over else [])

    def _batches_of(self, order: np.ndarray) -> Iterator[np.ndarray]:
        if self.batch_tokens is not None:
            return by_tokens(order, self.tokens, self.batch_tokens)
        return by_number(order, self.tokens, self.batch_size, self.window)

    def _not_full(self, batch: np.ndarray) -> bool:
        if self.batch_tokens is not None:
            return bool(2 * self.tokens[batch].sum() < self.batch_tokens)
        return len(batch) < self.batch_size
