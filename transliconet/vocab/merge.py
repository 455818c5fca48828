"""The merge of TransMI (arXiv 2405.09913): romanized subwords with their scores and sources."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from transliconet.errors import require_choice, require_range
from transliconet.progress import tracked
from transliconet.tokens.marks import WORD_START

MERGES = ("max", "min", "average")


@dataclass(frozen=True)
class NewSubword:
    """A subword to add to a vocabulary.

    Args:
        text: in plain form, with the word-start mark ``▁`` in all families of tokenizers.
        score: log probability in a Unigram model; others have no use for it.
        sources: ids of the subwords whose mean is its embedding row; a single one for max and min.
        merges: pairs of subwords, as a BPE tokenizer writes them, that must be merged for it.
            Nobody but :meth:`transliconet.vocab.families.bpe.BPE.complete` gives them.
    """

    text: str
    score: float
    sources: tuple[int, ...]
    merges: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class MergePlan:
    """The subwords that a merge adds.

    Args:
        new: the subwords to add.
        skipped: reason → number of original subwords that gave no new one. ``whole_words`` is the
            number of subwords that were added for whole words, ``steps`` of those that a BPE
            tokenizer merges into longer ones, ``unreachable`` of new subwords that the tokenizer
            could not use.
        banned: texts of subwords that must not be added, for any purpose.
    """

    new: tuple[NewSubword, ...]
    skipped: dict[str, int]
    banned: frozenset[str] = frozenset()

    def with_whole_words(self, subwords: Iterable[NewSubword]) -> "MergePlan":
        """The plan with further subwords, which are counted as ``whole_words``."""
        more = tuple(subwords)
        return MergePlan((*self.new, *more), {**self.skipped, "whole_words": len(more)})


def merge_subwords(
    vocabulary: Sequence[tuple[str, float]],
    romanize: Callable[[str], str | Collection[str]],
    merge: str = "max",
    special_ids: Collection[int] = (),
    min_length: int = 1,
    keep: Callable[[str], bool] | None = None,
) -> MergePlan:
    """The subwords that TransMI adds to a vocabulary.

    Each ordinary subword is romanized without its word-start mark, which is put back. Several
    subwords may have the same romanization; the new subword takes its score and row from them by
    ``merge``:

    * ``max``: of the source with the highest score (the most frequent), the lowest id among equals;
    * ``min``: of the source with the lowest score;
    * ``average``: the mean of scores, and of rows. (The published code sums the rows in this mode.)

    A romanization that is already in the vocabulary gives no new subword: original subwords keep
    their id, score and row.

    Args:
        vocabulary: (subword in plain form, score) by id. A score is a log probability in a Unigram
            model, minus the id in others.
        romanize: from text to Latin script: one romanization or several, each of which becomes a
            subword. Where it raises, the subword is skipped and counted.
        merge: ``max``, ``min`` or ``average``.
        special_ids: never romanized.
        min_length: shortest new subword in characters, the word-start mark not counted.
        keep: whether an original subword (without its mark) may be a source; None takes all.

    Returns:
        New subwords, in the order of their first source.

    >>> plan = merge_subwords([("▁да", -2.0), ("▁dá", -3.0)], {"да": "da", "dá": "da"}.get)
    >>> plan.new
    (NewSubword(text='▁da', score=-2.0, sources=(0,)),)
    """
    require_choice("merge", merge, MERGES)
    require_range("min_length", min_length, least=1)
    existing = {subword for subword, _ in vocabulary}
    skipped: Counter[str] = Counter()
    sources: defaultdict[str, list[int]] = defaultdict(list)  # new subword → ids
    subwords = tracked(vocabulary, "romanize subwords", len(vocabulary), "subwords")
    for id_, (subword, _) in enumerate(subwords):
        mark = WORD_START if subword.startswith(WORD_START) else ""
        bare = subword.removeprefix(WORD_START)
        if id_ in special_ids:
            skipped["special"] += 1
            continue
        if not bare or (keep is not None and not keep(bare)):
            skipped["left_out"] += 1
            continue
        romanizations = _romanizations(bare, romanize)
        reasons = {
            romanized: _skip_reason(romanized, bare, mark, existing, min_length=min_length)
            for romanized in romanizations
        }
        usable = [mark + romanized for romanized, reason in reasons.items() if not reason]
        for text in usable:
            sources[text].append(id_)
        if not usable:
            skipped[next(iter(reasons.values()), "romanizer_error")] += 1
    new = tuple(_merge_sources(text, ids, vocabulary, merge) for text, ids in sources.items())
    return MergePlan(new, dict(sorted(skipped.items())))


def _romanizations(bare: str, romanize: Callable[[str], str | Collection[str]]) -> list[str]:
    """The distinct romanizations of a subword; none if the romanizer raises."""
    try:
        romanized = romanize(bare)
    # third-party code on arbitrary text: whatever it raises concerns this subword alone
    except Exception:
        return []
    return list(dict.fromkeys([romanized] if isinstance(romanized, str) else romanized))


def _skip_reason(
    romanized: str, bare: str, mark: str, existing: Collection[str], min_length: int
) -> str:
    """The reason why a romanization gives no new subword; empty if it gives one."""
    if romanized == bare:
        return "unchanged"
    has_space = any(character.isspace() for character in romanized)
    if not romanized or has_space or WORD_START in romanized:
        return "not_one_word"
    if len(romanized) < min_length:
        return "too_short"
    return "already_a_subword" if mark + romanized in existing else ""


def _merge_sources(
    text: str, ids: list[int], vocabulary: Sequence[tuple[str, float]], merge: str
) -> NewSubword:
    scores = [vocabulary[id_][1] for id_ in ids]
    if merge == "average":
        return NewSubword(text, sum(scores) / len(scores), tuple(ids))
    score = max(scores) if merge == "max" else min(scores)
    source = ids[scores.index(score)]  # the lowest id among equals
    return NewSubword(text, score, (source,))
