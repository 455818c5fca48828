"""Subwords for whole romanized words that would be split unlike their native word.

Romanized subwords of all scripts share one alphabet, with each other and with the original
subwords. The best tokenization of a romanized word is therefore often not the romanization of the
native word's tokenization, and its rows are those of other words.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping

from transformers import PreTrainedTokenizerBase

from transliconet.tokens.marks import WORD_START
from transliconet.unicode_script import split_word
from transliconet.vocab.families.choose import family_of
from transliconet.vocab.merge import NewSubword

SCORE_MARGIN = 0.1
"""Margin in log probability by which a word's own subword beats its best tokenization into other
subwords: large enough for the tokenizer to choose it, and hardly changing any other choice.
"""


def count_words(pairs: Iterable[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Count word pairs: (native word, romanized word) → occurrences.

    Texts whose views have different numbers of words are left out.

    >>> count_words([("да и да", "da i da"), ("Нью-Йорк", "Nyu York")])
    Counter({('да', 'da'): 2, ('и', 'i'): 1})
    """
    counts: Counter[tuple[str, str]] = Counter()
    for native, romanized in pairs:
        native_words, romanized_words = native.split(), romanized.split()
        if len(native_words) == len(romanized_words):
            counts.update(zip(native_words, romanized_words, strict=True))
    return counts


def whole_word_subwords(
    original: PreTrainedTokenizerBase,
    extended: PreTrainedTokenizerBase,
    words: Mapping[tuple[str, str], int],
    romanize: Callable[[str], Collection[str]],
    *,
    min_count: int,
) -> list[NewSubword]:
    """A subword for each romanized word that ``extended`` splits in another way than ``original``
    splits the native word.

    Args:
        original: the tokenizer of native text.
        extended: the tokenizer with romanized subwords.
        words: (native, romanized) → occurrences (:func:`count_words`).
        romanize: from a subword without its mark to its romanizations.
        min_count: fewest occurrences of a romanized word.

    Returns:
        Subwords whose sources are those of the most frequent native word, the first among equals.
        A native word with an unknown token gives none.
    """
    family = family_of(extended)
    native_counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (native, romanized), number in words.items():
        if family.splits_punctuation:
            native, romanized = split_word(native)[1], split_word(romanized)[1]
        native_counts[romanized][native] += number
    native_counts.pop("", None)
    vocabulary = family.vocabulary()
    known = {subword: id_ for id_, (subword, _) in enumerate(vocabulary)}
    marks = family.marks
    frequent = []
    for romanized, counts in native_counts.items():
        if counts.total() >= min_count and WORD_START + romanized not in known:
            frequent.append(romanized)
    if not frequent:
        return []
    natives = [native_counts[romanized].most_common(1)[0][0] for romanized in frequent]
    natives = [marks.within_text(word) for word in natives]
    in_text = [marks.within_text(word) for word in frequent]
    native_ids = original(natives, add_special_tokens=False)["input_ids"]
    romanized_ids = extended(in_text, add_special_tokens=False)["input_ids"]
    scores = [score for _, score in vocabulary]
    # the score of unknown characters is derived from the lowest score, which must not change
    lowest = min(scores)
    subwords: list[NewSubword] = []
    for word, own, other in zip(frequent, native_ids, romanized_ids, strict=True):
        if original.unk_token_id in own:  # its row says nothing about the word
            continue
        own_tokens = [vocabulary[id_][0] for id_ in own]
        other_tokens = [vocabulary[id_][0] for id_ in other]
        if _corresponds(own_tokens, other_tokens, romanize):
            continue
        sources = [id_ for id_ in own if id_ != known.get(WORD_START)] or list(own)
        score = max(sum(scores[id_] for id_ in other) + SCORE_MARGIN, lowest)
        subwords.append(NewSubword(WORD_START + word, score, tuple(sources)))
    return subwords


def _corresponds(
    native: list[str], romanized: list[str], romanize: Callable[[str], Collection[str]]
) -> bool:
    """Whether each romanized token is a romanization of the native token at the same position."""
    if len(native) != len(romanized):
        return False
    for own, other in zip(native, romanized, strict=True):
        if own.startswith(WORD_START) != other.startswith(WORD_START):
            return False
        bare, expected = own.removeprefix(WORD_START), other.removeprefix(WORD_START)
        if bare != expected and expected not in romanize(bare):
            return False
    return True
