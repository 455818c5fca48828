"""Merges of a BPE tokenizer: those that make a subword, and new ones at the end of the list."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

Pair = tuple[str, str]


def merge_best(parts: list[str], ranks: Mapping[Pair, int]) -> Pair | None:
    """Do the first merge of the list that applies, at its leftmost place.

    Args:
        parts: neighbouring subwords, changed in place.
        ranks: pair → position in the list of merges.

    Returns:
        The pair that was merged; None if no merge applies.

    >>> parts = ["l", "o", "w"]
    >>> merge_best(parts, {("o", "w"): 0, ("l", "o"): 1}), parts
    (('o', 'w'), ['l', 'ow'])
    """
    best: tuple[int, int] | None = None
    for place, pair in enumerate(pairwise(parts)):
        rank = ranks.get(pair)
        if rank is not None and (best is None or (rank, place) < best):
            best = rank, place
    if best is None:
        return None
    place = best[1]
    merged = parts[place], parts[place + 1]
    parts[place : place + 2] = ["".join(merged)]
    return merged


def last_merge(subword: str, ranks: Mapping[Pair, int]) -> Sequence[str]:
    """The two subwords of which a subword is merged; empty if it is not merged at all.

    Wherever it occurs in a text, the merges inside it are the same: those outside do not touch it.

    >>> last_merge("low", {("o", "w"): 0, ("l", "ow"): 1})
    ('l', 'ow')
    """
    parts = list(subword)
    last: Pair | None = None
    while pair := merge_best(parts, ranks):
        last = pair
    return last if last is not None and len(parts) == 1 else ()


class AddedMerges:
    """New merges, and the subwords that they make.

    Args:
        original: original subword → id.
        banned: subwords that must not be made.
    """

    def __init__(self, original: Mapping[str, int], banned: Collection[str]) -> None:
        self.original = original
        self.banned = banned
        self.ranks: dict[Pair, int] = {}
        self.added: dict[str, tuple[Pair, ...]] = {}
        """New subword → the merges that were added for it, in their order in the list."""
        self._parts: dict[str, Pair] = {}

    def reach(self, subword: str, original_parts: Sequence[str]) -> bool:
        """Add the merges that make a subword, from the left or else from the right.

        Args:
            subword: to be made.
            original_parts: the original subwords that it is split into.

        Returns:
            Whether it can be made. If not, nothing is added.
        """
        # characters may have become bytes or the unknown token
        if "".join(original_parts) != subword:
            return False
        return self._reach_from(0, original_parts) or self._reach_from(-2, original_parts)

    def repeat(self, merges: Iterable[Pair]) -> None:
        """Add merges that were found before."""
        waiting: list[Pair] = []
        for pair in merges:
            self.ranks.setdefault(pair, len(self.ranks))
            waiting.append(pair)
            made = "".join(pair)
            if made not in self.added:
                self.added[made] = tuple(waiting)
                self._parts[made] = pair
                waiting = []

    def is_known(self, subword: str) -> bool:
        """Whether a subword is an original one, or has been added."""
        return subword in self.original or subword in self.added

    def original_ids(self, subword: str) -> tuple[int, ...]:
        """Ids of the original subwords of which one is merged."""
        if subword in self.original:
            return (self.original[subword],)
        left, right = self._parts[subword]
        return (*self.original_ids(left), *self.original_ids(right))

    def _reach_from(self, end: int, original_parts: Sequence[str]) -> bool:
        """Add the missing merges, beginning at the first pair (0) or the last (-2)."""
        missing: list[Pair] = []
        parts = self._split(original_parts)
        while len(parts) > 1:
            place = end % len(parts)
            pair = parts[place], parts[place + 1]
            made = "".join(pair)
            if made in self.banned or made in self.original:
                for unused in missing:
                    del self.ranks[unused]
                return False
            self.ranks[pair] = len(self.ranks)
            missing.append(pair)
            # all over again: the pair may occur twice
            parts = self._split(original_parts)
        self.repeat(missing)
        return True

    def _split(self, original_parts: Sequence[str]) -> list[str]:
        """Original subwords after the merges that have been added so far."""
        parts = list(original_parts)
        while merge_best(parts, self.ranks):
            pass
        return parts
