"""TransMI (arXiv 2405.09913): romanized pieces for a vocabulary, with their scores and sources."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from transliconet.errors import require_choice, require_range
from transliconet.tokens.words import WORD_START

MERGES = ("max", "min", "average")


@dataclass(frozen=True)
class NewSubword:
    """A piece to add. Its embedding row is the mean of the rows ``sources`` (one row for max and
    min).
    """

    piece: str
    score: float
    sources: tuple[int, ...]


@dataclass(frozen=True)
class MergePlan:
    """What a merge adds, and how many pieces gave nothing, by reason; ``skipped`` also counts
    ``whole_words`` added.
    """

    new: tuple[NewSubword, ...]
    skipped: dict[str, int]

    def with_more(self, pieces: Iterable[NewSubword]) -> "MergePlan":
        """This plan and more pieces, of which ``skipped`` says how many there are."""
        more = tuple(pieces)
        return MergePlan((*self.new, *more), {**self.skipped, "whole_words": len(more)})


def merge_subwords(
    vocabulary: Sequence[tuple[str, float]],
    romanize: Callable[[str], str | Collection[str]],
    merge: str = "max",
    special_ids: Collection[int] = (),
    min_length: int = 1,
    keep: Callable[[str], bool] | None = None,
) -> MergePlan:
    """The pieces that TransMI adds to a vocabulary.

    Each ordinary piece is romanized without its word-start mark, which is put back. Several pieces
    may have the same romanization; the new piece takes its score and row from them by ``merge``:

    * ``max``: of the source with the highest score (the most frequent), the lowest id among equals;
    * ``min``: of the source with the lowest score;
    * ``average``: the mean of scores, and of rows. (The published code sums the rows in this mode.)

    A romanization that is a piece already changes nothing: original pieces keep id, score and row.

    Args:
        vocabulary: (piece, log probability) by id, as a Unigram model has them.
        romanize: from text to Latin script: one romanization or several, each of which becomes a
            piece. What it raises on is skipped and counted.
        merge: ``max``, ``min`` or ``average``.
        special_ids: never romanized.
        min_length: shortest new piece in characters, the word-start mark not counted.
        keep: whether an original piece (without its mark) may be a source; None takes all.

    Returns:
        New pieces, in the order of their first source.

    >>> plan = merge_subwords([("▁да", -2.0), ("▁dá", -3.0)], {"да": "da", "dá": "da"}.get)
    >>> plan.new
    (NewSubword(piece='▁da', score=-2.0, sources=(0,)),)
    """
    require_choice("merge", merge, MERGES)
    require_range("min_length", min_length, least=1)
    existing = {piece for piece, _ in vocabulary}
    skipped: Counter[str] = Counter()
    sources: defaultdict[str, list[int]] = defaultdict(list)
    for id_, (piece, _) in enumerate(vocabulary):
        mark = WORD_START if piece.startswith(WORD_START) else ""
        bare = piece.removeprefix(WORD_START)
        if id_ in special_ids:
            reason = "special"
        elif not bare or (keep is not None and not keep(bare)):
            reason = "left_out"
        else:
            found, reason = _romanized(bare, mark, romanize, existing, min_length)
            for new in found:
                sources[new].append(id_)
        if reason:
            skipped[reason] += 1
    new_pieces = tuple(_merge(piece, ids, vocabulary, merge) for piece, ids in sources.items())
    return MergePlan(new_pieces, dict(sorted(skipped.items())))


def _romanized(
    bare: str,
    mark: str,
    romanize: Callable[[str], str | Collection[str]],
    existing: Collection[str],
    min_length: int,
) -> tuple[list[str], str]:
    """The new pieces and no reason, or a reason why there is none (the first romanization's)."""
    try:
        romans = romanize(bare)
    except (
        Exception
    ):  # third-party code on arbitrary text: whatever it raises is the piece's, not the run's
        return [], "romanizer_error"
    found, reasons = [], []
    for roman in dict.fromkeys([romans] if isinstance(romans, str) else romans):
        if reason := _reason(roman, bare, mark, existing, min_length):
            reasons.append(reason)
        else:
            found.append(mark + roman)
    return (found, "") if found else ([], reasons[0])


def _reason(roman: str, bare: str, mark: str, existing: Collection[str], min_length: int) -> str:
    if roman == bare:
        return "unchanged"
    if not roman or any(c.isspace() for c in roman) or WORD_START in roman:
        return "not_one_word"
    if len(roman) < min_length:
        return "too_short"
    return "already_a_piece" if mark + roman in existing else ""


def _merge(
    piece: str, ids: list[int], vocabulary: Sequence[tuple[str, float]], merge: str
) -> NewSubword:
    scores = [vocabulary[i][1] for i in ids]
    if merge == "average":
        return NewSubword(piece, sum(scores) / len(scores), tuple(ids))
    best = max(scores) if merge == "max" else min(scores)
    return NewSubword(piece, best, (ids[scores.index(best)],))
