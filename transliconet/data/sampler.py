"""Which pairs stand together in a batch: a function of seed, epoch and rank, so that a run can be repeated."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler

from transliconet.errors import DataError, require_range


@dataclass(frozen=True)
class BatchPlan:
    """One batch to be made: ``indices`` are pairs; ``key`` seeds whatever is random in making it."""

    key: tuple[int, ...]
    indices: np.ndarray


class PairBatchSampler(Sampler[BatchPlan]):
    """Batches of pairs of like length; every pair once an epoch.

    A shuffled epoch is cut into windows of ``window`` batches; within a window pairs are sorted by length, so a batch
    pads little while its neighbours stay random from epoch to epoch. Batches are then shuffled and dealt to the ranks.

    With ``groups``, a batch holds pairs of one group, so that negatives are hard (of the same language); what each
    group has over makes mixed batches.

    Args:
        lengths: (N,) tokens of the longer view of each pair.
        batch_size: pairs a batch and device.
        seed: with the epoch, decides the order.
        rank, world_size: this process and how many there are. Every rank gets the same number of batches: the last
            ``batches % world_size`` of an epoch wait for the next epoch's shuffle.
        window: batches sorted together; 1 leaves plain random batches.
        groups: (N,) group of each pair; None: all are one.

    Raises:
        DataError: fewer than two pairs: contrast needs a negative.
    """

    def __init__(
        self,
        lengths: np.ndarray,
        batch_size: int,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        window: int = 50,
        groups: np.ndarray | None = None,
    ) -> None:
        require_range("data.batch_size", batch_size, least=2)
        require_range("data.window", window, least=1)
        if len(lengths) < 2:
            raise DataError(
                f"{len(lengths)} training pair(s)",
                "no negatives for the contrast",
                "Prepare more text, or hold out less",
            )
        self.lengths, self.batch_size, self.seed, self.window = lengths, batch_size, seed, window
        self.groups = groups
        self.rank, self.world_size, self.epoch = rank, world_size, 0
        if len(self) == 0:
            raise DataError(
                f"{len(lengths)} training pairs", f"no batch of {batch_size} for each of {world_size} processes",
                "Lower data.batch_size or the number of devices",
            )  # fmt: skip

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.lengths), self.batch_size)
        batches = whole + (rest > 1 or whole == 0)  # a single left-over pair joins the batch before it
        return batches // self.world_size

    def __iter__(self) -> Iterator[BatchPlan]:
        rng = np.random.default_rng([self.seed, self.epoch])
        order = rng.permutation(len(self.lengths))
        batches = [batch for part in self._parts(order) for batch in self._cut(part)]
        if len(batches) > 1 and len(batches[-1]) == 1:
            batches[-2:] = [np.concatenate(batches[-2:])]
        deal = rng.permutation(len(batches))
        for number in range(len(self)):
            chosen = number * self.world_size + self.rank
            yield BatchPlan((self.seed, self.epoch, number, self.rank), batches[deal[chosen]])

    def _parts(self, order: np.ndarray) -> Iterator[np.ndarray]:
        """``order`` in runs that batches do not cross: whole batches of each group, then what is over."""
        if self.groups is None:
            yield order
            return
        order = order[np.argsort(self.groups[order], kind="stable")]
        over: list[np.ndarray] = []
        for members in np.split(order, np.flatnonzero(np.diff(self.groups[order])) + 1):
            whole = len(members) // self.batch_size * self.batch_size
            yield members[:whole]
            over.append(members[whole:])
        yield np.concatenate(over)

    def _cut(self, order: np.ndarray) -> Iterator[np.ndarray]:
        """Batches of like length."""
        for start in range(0, len(order), self.window * self.batch_size):
            window = order[start : start + self.window * self.batch_size]
            window = window[np.argsort(self.lengths[window], kind="stable")]
            yield from (window[i : i + self.batch_size] for i in range(0, len(window), self.batch_size))
