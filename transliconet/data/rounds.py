"""Batches whose languages have shares of their own: pairs are drawn round by round."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from transliconet.corpus.sampling import divide
from transliconet.data.mixture import Mixture

log = logging.getLogger(__name__)

MakeBatches = Callable[[np.ndarray], tuple[list[np.ndarray], int]]
"""(n,) pairs in random order, some of them repeatedly → batches, and the number of pairs that share
one with an equal text.
"""


@dataclass(frozen=True)
class Round:
    """Where a round begins. All that follows depends on it and on the mixture alone.

    Args:
        number: from 0.
        first: number of its first batch, counted over the run and all processes.
        drawn: (L,) pairs of each language that were drawn before it.
    """

    number: int
    first: int
    drawn: np.ndarray

    def as_dict(self) -> dict[str, Any]:
        return {"number": self.number, "first": self.first, "drawn": self.drawn.tolist()}


@dataclass(frozen=True)
class RoundSize:
    """How many batches and pairs a round has.

    Args:
        batches: of all processes together.
        pairs: about as many as fill them.
        mixed_only: largest language, in pairs, that is drawn at most once a round, since it cannot
            fill a batch of its own; 0 where batches hold all languages.
    """

    batches: int
    pairs: int
    mixed_only: int = 0


class Rounds:
    """The batches of a run whose languages are drawn by the shares of a mixture.

    Each language has an endless order of its pairs, one permutation after the other, so that each
    of its pairs comes once before any comes twice. A round takes the next pairs of every language,
    as many as its share is, and makes batches of them in random order. No language gives more than
    each of its pairs once for each batch of the round.

    Args:
        languages: (N,) number of each training pair's language among ``tags``.
        tags: language tags.
        mixture: says the shares; it is asked once for each round.
        size: of a round.
        make_batches: splits the pairs of a round.
        seed: decides all orders.
    """

    def __init__(
        self,
        languages: np.ndarray,
        tags: list[str],
        mixture: Mixture,
        size: RoundSize,
        make_batches: MakeBatches,
        seed: int = 0,
    ) -> None:
        self.members = [np.flatnonzero(languages == number) for number in range(len(tags))]
        self.languages, self.tags = languages, tags
        self.mixture, self.size, self.make_batches = mixture, size, make_batches
        self.seed = seed
        self._permuted: dict[int, tuple[int, np.ndarray]] = {}
        # beginnings of the rounds made so far, the next one included
        self._starts = [Round(0, 0, np.zeros(len(tags), np.int64))]
        self._current: tuple[Round, list[np.ndarray]] | None = None
        self._has_warned = False

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with the round of a saved state (:meth:`start_of`)."""
        drawn = np.array(state["drawn"], np.int64)
        self._starts, self._current = [Round(state["number"], state["first"], drawn)], None

    def batch(self, position: int, progress: Callable[[int], float]) -> np.ndarray:
        """(B,) the pairs of a batch.

        Args:
            position: of the batch, counted over the run and all processes; never less than in an
                earlier call.
            progress: how much of the run is done before the batch at a position.
        """
        current = self._current
        while current is None or position >= current[0].first + len(current[1]):
            current = self._current = self._next(progress)
        start, batches = current
        return batches[position - start.first]

    def start_of(self, position: int) -> Round:
        """The beginning of the round that the batch at a position belongs to. Rounds before it are
        forgotten.
        """
        while len(self._starts) > 1 and self._starts[1].first <= position:
            self._starts.pop(0)
        return self._starts[0]

    def drawn_before(self, position: int, progress: Callable[[int], float]) -> np.ndarray:
        """(L,) pairs of each language in all batches before a position."""
        start = self.start_of(position)
        if start.first == position:
            return start.drawn
        batches, _ = self._make(start, progress)
        read = np.concatenate(batches[: position - start.first])
        return start.drawn + self._count(read)

    def _next(self, progress: Callable[[int], float]) -> tuple[Round, list[np.ndarray]]:
        start = self._starts[-1]
        batches, counts = self._make(start, progress)
        end = start.first + len(batches)
        self._starts.append(Round(start.number + 1, end, start.drawn + counts))
        return start, batches

    def _make(
        self, start: Round, progress: Callable[[int], float]
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """The batches of a round, and the (L,) pairs of each language in them."""
        rng = np.random.default_rng([self.seed, start.number, 2])
        middle = start.first + self.size.batches // 2
        counts = rounded(self._amounts(progress(middle)), rng.random())  # (L,)
        drawn = []
        for number, count in enumerate(counts):
            drawn.append(self._take(number, start.drawn[number], count))
        batches, left = self.make_batches(rng.permutation(np.concatenate(drawn)))
        if left and not self._has_warned:
            self._has_warned = True
            log.warning(
                "%d pairs of a round share a batch with an equal text: a language has too few "
                "pairs for its share",
                left,
            )
        order = rng.permutation(len(batches))
        return [batches[index] for index in order], counts

    def _amounts(self, progress: float) -> np.ndarray:
        """(L,) expected pairs of each language in a round."""
        limits = {}
        for language, number in self.mixture.pairs.items():
            times = 1 if number < self.size.mixed_only else self.size.batches
            limits[language] = number * times
        budget = min(self.size.pairs, sum(limits.values()))
        amounts = divide(budget, self.mixture.shares(progress), limits)
        return np.array([amounts.get(tag, 0.0) for tag in self.tags])

    def _take(self, language: int, start: int, number: int) -> np.ndarray:
        """(number,) pairs of a language, from place ``start`` of its endless order on."""
        taken = [np.zeros(0, np.int64)]
        end = start + number
        while start < end:
            turn, place = divmod(start, len(self.members[language]))
            part = self._permutation(language, turn)[place : place + end - start]
            taken.append(part)
            start += len(part)
        return np.concatenate(taken)

    def _permutation(self, language: int, turn: int) -> np.ndarray:
        known, order = self._permuted.get(language, (-1, self.members[language]))
        if known != turn:
            rng = np.random.default_rng([self.seed, language, turn, 3])
            order = rng.permutation(self.members[language])
            self._permuted[language] = (turn, order)
        return order

    def _count(self, pairs: np.ndarray) -> np.ndarray:
        return np.bincount(self.languages[pairs], minlength=len(self.tags))


def rounded(amounts: np.ndarray, offset: float) -> np.ndarray:
    """Whole numbers whose expectation is ``amounts`` if the offset is uniform (systematic sampling;
    Madow and Madow, 1944). Each is less than 1 from its amount, and so is their sum.

    Args:
        amounts: (L,), at least 0.
        offset: from 0 up to 1.

    >>> rounded(np.array([0.25, 1.5, 0.25]), 0.5)
    array([0, 2, 0])
    """
    ends = np.cumsum(amounts)
    ends[-1:] = np.round(ends[-1:], 6)  # a sum that is whole but for rounding errors stays whole
    below = np.floor(ends)
    # fractions alone: a whole end plus an offset just below 1 would be the next whole number
    starts_next = (ends - below) + offset >= 1
    whole: np.ndarray = np.diff(below + starts_next, prepend=0).astype(np.int64)
    return whole
