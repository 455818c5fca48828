"""An epoch cut into batches: pure functions of an order and a random generator.

How many batches there are depends on lengths and groups alone, never on the generator: every epoch
has as many.
"""

from collections.abc import Iterator, Sequence

import numpy as np

NEIGHBOURS = 50
"""A pair is exchanged with one of so many batches before and after: they hold pairs of like
length.
"""


def by_number(
    order: np.ndarray, tokens: np.ndarray, batch_size: int, window: int
) -> Iterator[np.ndarray]:
    """Batches of ``batch_size`` pairs, one more rather than a single one left over; of every
    ``window`` batches the pairs are sorted by length.
    """
    if len(order) > 1 and len(order) % batch_size == 1:
        order, single = order[:-1], order[-1:]
        *batches, last = by_number(order, tokens, batch_size, window)
        yield from [*batches, np.append(last, single)]
        return
    for start in range(0, len(order), window * batch_size):
        some = order[start : start + window * batch_size]
        some = some[np.argsort(tokens[some], kind="stable")]
        yield from (some[i : i + batch_size] for i in range(0, len(some), batch_size))


def by_tokens(order: np.ndarray, tokens: np.ndarray, budget: int) -> Iterator[np.ndarray]:
    """Batches of as many pairs as fit under ``budget`` tokens, at least two, sorted by length;
    equal lengths in the order given.
    """
    order = order[np.argsort(tokens[order], kind="stable")]
    ends = np.cumsum(tokens[order])
    start, spent = 0, 0
    while start < len(order):
        end = max(int(np.searchsorted(ends, spent + budget, side="right")), start + 2)
        end = (
            len(order) if end >= len(order) - 1 else end
        )  # a single pair left over joins the last batch
        yield order[start:end]
        start, spent = end, int(ends[end - 1])


def by_group(order: np.ndarray, groups: np.ndarray) -> list[np.ndarray]:
    """``order`` parted by group, in the order of groups."""
    order = order[np.argsort(groups[order], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)


def even_out(batches: list[np.ndarray], world_size: int) -> list[np.ndarray]:
    """As many batches as a multiple of ``world_size``: the largest are halved until there are.
    Every half has two pairs or more; where that cannot be, there are fewer batches than asked
    for.
    """
    batches = list(batches)
    while len(batches) % world_size:
        largest = max(range(len(batches)), key=lambda i: len(batches[i]))
        if len(batches[largest]) < 4:
            break
        batch = batches[largest]
        batches[largest : largest + 1] = [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
    return batches


def part_equal_texts(
    batches: Sequence[np.ndarray],
    texts: Sequence[np.ndarray],
    tokens: np.ndarray,
    budget: int | None = None,
    groups: np.ndarray | None = None,
) -> tuple[list[np.ndarray], int]:
    """Exchange pairs between batches until none holds a text twice, in either view: equal texts are
    no negatives.

    Args:
        batches: pairs of each.
        texts: (N,) digests, one array a view.
        tokens: (N,) of each pair.
        budget: tokens that an exchange takes a batch beyond only where no other would part the
            pair; None: no bound.
        groups: (N,), pairs are exchanged within their group only; None: all are one.

    Returns:
        The batches, sizes unchanged, and the number of pairs that could not be parted (a text that
        stands in more pairs than there are batches).
    """
    batches = [batch.copy() for batch in batches]
    if not texts:
        return batches, 0
    left = 0
    for number, at in _repeated(batches, texts):
        bounds = (None,) if budget is None else (budget, None)
        left += not any(
            _exchange(batches, number, at, texts, tokens, bound, groups) for bound in bounds
        )
    return batches, left


def _repeated(batches: Sequence[np.ndarray], texts: Sequence[np.ndarray]) -> list[tuple[int, int]]:
    """(batch, position) of every pair with a text that stands before it in its batch."""
    order = np.concatenate(batches)
    sizes = np.array([len(b) for b in batches])
    number = np.repeat(np.arange(len(batches)), sizes)
    again = np.zeros(len(order), dtype=bool)
    for digests in texts:
        sort = np.lexsort((digests[order], number))
        same = (np.diff(number[sort]) == 0) & (np.diff(digests[order][sort]) == 0)
        again[sort[1:][same]] = True  # the sort is stable: those are the later ones
    where = np.flatnonzero(again)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return [(int(number[i]), int(i - starts[number[i]])) for i in where]


def _exchange(
    batches: list[np.ndarray],
    number: int,
    at: int,
    texts: Sequence[np.ndarray],
    tokens: np.ndarray,
    budget: int | None,
    groups: np.ndarray | None,
) -> bool:
    """Exchange one pair with the nearest batch that can take it; True if it is parted from its
    equal now.
    """
    pair, rest = batches[number][at], np.delete(batches[number], at)
    if not _holds(rest, pair, texts):
        return True  # an earlier exchange has parted them
    for distance in range(1, NEIGHBOURS + 1):
        for other in (number + distance, number - distance):
            if not 0 <= other < len(batches) or _holds(batches[other], pair, texts):
                continue
            there = batches[other]
            fit = np.ones(len(there), dtype=bool)
            for digests in texts:
                fit &= ~np.isin(digests[there], digests[rest])
            if groups is not None:
                fit &= groups[there] == groups[pair]
            if budget is not None:
                change = tokens[there] - tokens[pair]
                fit &= (tokens[rest].sum() + tokens[there] <= budget) & (
                    tokens[there].sum() - change <= budget
                )
            if fit.any():
                chosen = int(np.flatnonzero(fit)[0])
                batches[number][at], there[chosen] = there[chosen], pair
                return True
    return False


def _holds(batch: np.ndarray, pair: int, texts: Sequence[np.ndarray]) -> bool:
    return any((digests[batch] == digests[pair]).any() for digests in texts)
