"""The merge of TransMI (arXiv 2405.09913): romanized subwords with their scores and sources."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from transliconet.errors import require_choice, require_range
from transliconet.progress import tracked
from transliconet.tokens.marks import WORD_START
from transliconet.unicode_script import scripts_in

MERGES = ("max", "min", "average")
SHARED = "already_a_subword"
"""Why a subword gives no new one: its romanization is the text of an original subword."""


@dataclass(frozen=True)
class NewSubword:
    """A subword to add to a vocabulary.

    Args:
        text: in plain form, with the word-start mark ``▁`` in all families of tokenizers.
        score: log probability in a Unigram model; others have no use for it.
        sources: ids of the subwords whose mean is its embedding row; a single one for max and min.
        weights: of the sources in this mean, with the sum 1. Empty: all alike.
        replaces: id of the original subword with the same text, in place of which the tokenizer
            uses the new one. None: no original subword has this text.
        merges: pairs of subwords, as a BPE tokenizer writes them, that must be merged for it.
            Nobody but :meth:`transliconet.vocab.families.bpe.BPE.complete` gives them.
    """

    text: str
    score: float
    sources: tuple[int, ...]
    weights: tuple[float, ...] = ()
    replaces: int | None = None
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
    frequency: Callable[[float], float] | None = None,
    fixed_ids: Collection[int] = (),
) -> MergePlan:
    """The subwords that TransMI adds to a vocabulary.

    Each ordinary subword is romanized without its word-start mark, which is put back. Several
    subwords may have the same romanization; the new subword takes its score and row from them by
    ``merge``:

    * ``max``: of the source with the highest score (the most frequent), the lowest id among equals;
    * ``min``: of the source with the lowest score;
    * ``average``: the mean of scores, and of rows. (The published code sums the rows in this mode.)

    A romanization that is already in the vocabulary gives no new subword: original subwords keep
    their id, score and row. With ``frequency``, it gives a new one that replaces the original
    subword, a homograph: Greek ``που`` is romanized to ``pou``, which is French, too. Its
    score is that of the original :math:`v`, and its row the expected one, if all text in other
    scripts than Latin were also there as its romanization:

    .. math:: e'_v = \\frac{f_v e_v + \\sum_{s \\in S(v)} f_s e_s}{f_v + \\sum_{s \\in S(v)} f_s}

    with the frequencies :math:`f` of subwords and the sources :math:`S(v)`, those in other scripts
    that are romanized to :math:`v`. (Not in the paper.)

    Args:
        vocabulary: (subword in plain form, score) by id. A score is a log probability in a Unigram
            model, minus the id in others.
        romanize: from text to Latin script: one romanization or several, each of which becomes a
            subword. Where it raises, the subword is skipped and counted.
        merge: ``max``, ``min`` or ``average``.
        special_ids: never romanized.
        min_length: shortest new subword in characters, the word-start mark not counted.
        keep: whether an original subword (without its mark) may be a source; None takes all.
        frequency: from the score of a subword to how frequent it is. None replaces no subword.
        fixed_ids: never replaced.

    Returns:
        New subwords, in the order of their first source.

    >>> plan = merge_subwords([("▁да", -2.0), ("▁dá", -3.0)], {"да": "da", "dá": "da"}.get)
    >>> plan.new
    (NewSubword(text='▁da', score=-2.0, sources=(0,), weights=(), replaces=None),)
    """
    require_choice("merge", merge, MERGES)
    require_range("min_length", min_length, least=1)
    existing = {subword: id_ for id_, (subword, _) in enumerate(vocabulary)}
    skipped: Counter[str] = Counter()
    sources: defaultdict[str, list[int]] = defaultdict(list)  # new subword → ids
    homographs: defaultdict[str, list[int]] = defaultdict(list)  # original subword → ids
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
        shared = []
        # letters with marks are read by those who write them: ``où`` is no source of ``ou``
        if frequency is not None and not scripts_in(bare) <= {"Latn"}:
            known = [mark + romanized for romanized, why in reasons.items() if why == SHARED]
            shared = [text for text in known if existing[text] not in fixed_ids]
        for text in shared:
            homographs[text].append(id_)
        if not usable and not shared:
            skipped[next(iter(reasons.values()), "romanizer_error")] += 1
    new = [_merge_sources(text, ids, vocabulary, merge) for text, ids in sources.items()]
    frequencies = [frequency(score) for _, score in vocabulary] if frequency else []
    for text, ids in homographs.items():
        new.append(_blend(existing[text], ids, vocabulary, frequencies))
    return MergePlan(tuple(new), dict(sorted(skipped.items())))


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
    return SHARED if mark + romanized in existing else ""


def _merge_sources(
    text: str, ids: list[int], vocabulary: Sequence[tuple[str, float]], merge: str
) -> NewSubword:
    scores = [vocabulary[id_][1] for id_ in ids]
    if merge == "average":
        return NewSubword(text, sum(scores) / len(scores), tuple(ids))
    score = max(scores) if merge == "max" else min(scores)
    source = ids[scores.index(score)]  # the lowest id among equals
    return NewSubword(text, score, (source,))


def _blend(
    original: int,
    ids: list[int],
    vocabulary: Sequence[tuple[str, float]],
    frequencies: Sequence[float],
) -> NewSubword:
    """The subword that replaces an original one; see :func:`merge_subwords`."""
    text, score = vocabulary[original]
    sources = (original, *ids)
    total = sum(frequencies[id_] for id_ in sources)
    weights = tuple(frequencies[id_] / total for id_ in sources)
    return NewSubword(text, score, sources, weights, replaces=original)
