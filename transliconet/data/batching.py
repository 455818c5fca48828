"""An epoch split into batches: pure functions of a random order of the pairs.

The number of batches depends on lengths and groups alone, never on the order. So every epoch has
the same number of batches, as Lightning expects.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

NEIGHBOURS = 50
"""How many batches before and after its own a pair may be exchanged with. Neighbouring batches hold
pairs of similar length, so an exchange adds little padding.
"""


@dataclass(frozen=True)
class PairFeatures:
    """What decides which batch each of N pairs joins.

    Args:
        lengths: (N,) tokens of each pair, both views together.
        groups: (N,) group of each pair, such as its language. A batch then holds pairs of one
            group, so that the negatives are hard; pairs left over share mixed batches. None puts
            all pairs into one group.
        text_digests: one (N,) array of digests a view. Pairs with an equal text are put into
            different batches, since they cannot be each other's negatives. Empty: texts are not
            compared.
        ids: (N,) numbers, equal for pairs of one id.
        pairs_per_id: pairs of one id that stay together; above 1 it takes ``ids``, and no groups.
    """

    lengths: np.ndarray
    groups: np.ndarray | None = None
    text_digests: Sequence[np.ndarray] = ()
    ids: np.ndarray | None = None
    pairs_per_id: int = 1

    def __len__(self) -> int:
        return len(self.lengths)


def batches_by_number(
    order: np.ndarray, lengths: np.ndarray, batch_size: int, window: int
) -> Iterator[np.ndarray]:
    """Batches of ``batch_size`` pairs.

    Args:
        order: (n,) pairs in random order.
        lengths: (N,) tokens of every pair.
        batch_size: pairs in a batch. A single pair left over joins the last one.
        window: batches within which the pairs are sorted by length.
    """
    if len(order) > 1 and len(order) % batch_size == 1:
        *batches, last = batches_by_number(order[:-1], lengths, batch_size, window)
        yield from batches
        yield np.append(last, order[-1:])
        return
    for start in range(0, len(order), window * batch_size):
        members = order[start : start + window * batch_size]
        # a stable sort leaves pairs of one length in their random order
        members = members[np.argsort(lengths[members], kind="stable")]
        for first in range(0, len(members), batch_size):
            yield members[first : first + batch_size]


def batches_by_tokens(order: np.ndarray, lengths: np.ndarray, budget: int) -> Iterator[np.ndarray]:
    """Batches of as many pairs as fit under ``budget`` tokens, but two at least, sorted by length.

    Args:
        order: (n,) pairs in random order; pairs of one length keep it.
        lengths: (N,) tokens of every pair.
        budget: tokens in a batch. A single pair left over joins the last one.
    """
    order = order[np.argsort(lengths[order], kind="stable")]
    tokens_up_to = np.cumsum(lengths[order])  # (n,)
    start, spent = 0, 0
    while start < len(order):
        end = int(np.searchsorted(tokens_up_to, spent + budget, side="right"))
        end = max(end, start + 2)
        if end >= len(order) - 1:
            end = len(order)
        yield order[start:end]
        start, spent = end, int(tokens_up_to[end - 1])


def split_by_group(order: np.ndarray, groups: np.ndarray) -> list[np.ndarray]:
    """(n,) pairs → the pairs of each group, in the order of groups."""
    order = order[np.argsort(groups[order], kind="stable")]
    ends = np.flatnonzero(np.diff(groups[order])) + 1
    return np.split(order, ends)


def keep_together(order: np.ndarray, ids: np.ndarray, most: int) -> np.ndarray:
    """A random order in which pairs of one id follow each other.

    Args:
        order: (n,) pairs in random order.
        ids: (N,) numbers, equal for pairs of one id.
        most: pairs of one id that follow each other; others of the id come elsewhere.

    Returns:
        (n,) the same pairs.

    >>> keep_together(np.array([3, 0, 2, 1, 4]), np.array([7, 8, 7, 8, 7]), most=2)
    array([3, 1, 0, 2, 4])
    """
    by_id = np.argsort(ids[order], kind="stable")  # (n,) places in `order`
    of_id = ids[order][by_id]
    first = np.flatnonzero(np.append(True, of_id[1:] != of_id[:-1]))  # of each id
    occurrence = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    starts = occurrence % most == 0
    # each run of pairs takes the place of its first one
    place = by_id[starts][np.cumsum(starts) - 1]  # (n,)
    return order[by_id[np.argsort(place, kind="stable")]]


def split_largest(batches: list[np.ndarray], multiple: int) -> list[np.ndarray]:
    """Split the largest batches in two until their number is a multiple of ``multiple``.

    Each has two pairs or more. Where that cannot be, the number is no multiple.
    """
    batches = list(batches)
    while len(batches) % multiple:
        sizes = [len(batch) for batch in batches]
        largest = int(np.argmax(sizes))
        if sizes[largest] < 4:
            break
        batch, middle = batches[largest], sizes[largest] // 2
        batches[largest : largest + 1] = [batch[:middle], batch[middle:]]
    return batches


def separate_equal_texts(
    batches: Sequence[np.ndarray], features: PairFeatures, budget: int | None = None
) -> tuple[list[np.ndarray], int]:
    """Exchange pairs between batches until none holds a text twice, in either view: equal texts
    cannot be each other's negatives.

    Args:
        batches: the pairs of each batch.
        features: of all N pairs. Pairs are exchanged within their group only.
        budget: tokens in a batch. An exchange exceeds it only where no other would separate the
            pair; None: no bound.

    Returns:
        The batches, sizes unchanged, and the number of pairs that still share a batch with an equal
        text (a text that is in more pairs than there are batches).
    """
    batches = [batch.copy() for batch in batches]
    if not features.text_digests:
        return batches, 0
    exchange = _Exchange(batches, features)
    left = 0
    for number, position in _repeated(batches, features.text_digests):
        separated = exchange(number, position, budget)
        if not separated and budget is not None:
            separated = exchange(number, position, None)
        left += not separated
    return batches, left


def _repeated(
    batches: Sequence[np.ndarray], text_digests: Sequence[np.ndarray]
) -> list[tuple[int, int]]:
    """(batch, position) of every pair that has a text of a pair before it in its batch."""
    order = np.concatenate(batches)  # (N,)
    sizes = np.array([len(batch) for batch in batches])
    batch_of = np.repeat(np.arange(len(batches)), sizes)  # (N,)
    repeated = np.zeros(len(order), dtype=bool)
    for digests in text_digests:
        by_batch_and_text = np.lexsort((digests[order], batch_of))
        same_batch = np.diff(batch_of[by_batch_and_text]) == 0
        same_text = np.diff(digests[order][by_batch_and_text]) == 0
        # the sort is stable: of two neighbours with one text the second comes later in the batch
        repeated[by_batch_and_text[1:][same_batch & same_text]] = True
    starts = np.concatenate([[0], np.cumsum(sizes)])
    where = np.flatnonzero(repeated)
    return [(int(batch_of[i]), int(i - starts[batch_of[i]])) for i in where]


class _Exchange:
    """Exchanges pairs between ``batches``, in place."""

    def __init__(self, batches: list[np.ndarray], features: PairFeatures) -> None:
        self.batches = batches
        self.features = features

    def __call__(self, number: int, position: int, budget: int | None) -> bool:
        """Exchange the pair at ``position`` of batch ``number`` with one of the nearest batch that
        can take it.

        Returns:
            Whether the pair shares its batch with no equal text now.
        """
        pair = self.batches[number][position]
        rest = np.delete(self.batches[number], position)
        if not self._has_text_of(rest, pair):
            return True  # an earlier exchange has separated them
        for distance in range(1, NEIGHBOURS + 1):
            for other in (number + distance, number - distance):
                if not 0 <= other < len(self.batches):
                    continue
                candidates = self.batches[other]
                if self._has_text_of(candidates, pair):
                    continue
                fits = np.flatnonzero(self._fits(candidates, pair, rest, budget))
                if len(fits):
                    self.batches[number][position] = candidates[fits[0]]
                    candidates[fits[0]] = pair
                    return True
        return False

    def _fits(
        self, candidates: np.ndarray, pair: int, rest: np.ndarray, budget: int | None
    ) -> np.ndarray:
        """(b,) bool: which pairs of another batch could change places with ``pair``."""
        features = self.features
        fits = np.ones(len(candidates), dtype=bool)
        for digests in features.text_digests:
            fits &= ~np.isin(digests[candidates], digests[rest])
        if features.groups is not None:
            fits &= features.groups[candidates] == features.groups[pair]
        if budget is not None:
            lengths = features.lengths[candidates]  # (b,)
            # tokens of both batches after each exchange
            here = features.lengths[rest].sum() + lengths
            there = lengths.sum() - lengths + features.lengths[pair]
            fits &= (here <= budget) & (there <= budget)
        return fits

    def _has_text_of(self, batch: np.ndarray, pair: int) -> bool:
        digests_of_views = self.features.text_digests
        return any((digests[batch] == digests[pair]).any() for digests in digests_of_views)
