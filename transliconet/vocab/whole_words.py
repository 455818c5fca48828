"""Pieces for whole romanized words, where the cut of the romanized word tears apart what the native
pieces say.

Romanized pieces of all scripts share one alphabet, with each other and with the pieces that were
there, so the best cut of a romanized word is often not the romanization of the native word's cut:
its rows are then those of other words.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping

from transformers import PreTrainedTokenizerBase

from transliconet.tokens.words import WORD_START
from transliconet.vocab.apply import unigram_vocabulary
from transliconet.vocab.merge import NewSubword

MARGIN = 0.1
"""By how much (in log probability) a word's piece beats its best cut into others: enough to win, no
more.
"""


def count_words(pairs: Iterable[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """(native word, romanized word) → occurrences, from pairs of texts with as many words in both
    views.

    >>> count_words([("да и да", "da i da"), ("Нью-Йорк", "Nyu York")])
    Counter({('да', 'da'): 2, ('и', 'i'): 1})
    """
    counts: Counter[tuple[str, str]] = Counter()
    for native, romanized in pairs:
        own, roman = native.split(), romanized.split()
        if len(own) == len(roman):
            counts.update(zip(own, roman, strict=True))
    return counts


def whole_word_subwords(
    original: PreTrainedTokenizerBase,
    extended: PreTrainedTokenizerBase,
    words: Mapping[tuple[str, str], int],
    romanize: Callable[[str], Collection[str]],
    least: int,
) -> list[NewSubword]:
    """A piece for each romanized word that ``extended`` cuts otherwise than ``original`` cuts the
    native word.

    Args:
        original: the tokenizer that native text is cut by.
        extended: the tokenizer with romanized pieces.
        words: (native, romanized) → occurrences (:func:`count_words`).
        romanize: from a piece without its mark to its romanizations.
        least: fewest occurrences of a romanized word.

    Returns:
        Pieces whose sources are those of the most frequent native word, the first one first met.
    """
    natives: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (native, roman), number in words.items():
        natives[roman][native] += number
    known = extended.get_vocab()
    frequent = [w for w, c in natives.items() if c.total() >= least and WORD_START + w not in known]
    if not frequent:
        return []
    chosen = [natives[roman].most_common(1)[0][0] for roman in frequent]
    own = original(chosen, add_special_tokens=False)["input_ids"]
    roman = extended(frequent, add_special_tokens=False)["input_ids"]
    scores = [score for _, score in unigram_vocabulary(extended)]
    lowest = min(
        scores
    )  # what the tokenizer gives unknown characters lies below it, and must not move
    pieces: list[NewSubword] = []
    for word, sources, cut in zip(frequent, own, roman, strict=True):
        if not _same_cut(
            original.convert_ids_to_tokens(sources), extended.convert_ids_to_tokens(cut), romanize
        ):
            rows = [i for i in sources if i != known.get(WORD_START)] or list(sources)
            pieces.append(
                NewSubword(
                    WORD_START + word,
                    max(sum(scores[i] for i in cut) + MARGIN, lowest),
                    tuple(rows),
                )
            )
    return pieces


def _same_cut(
    native: list[str], romanized: list[str], romanize: Callable[[str], Collection[str]]
) -> bool:
    if len(native) != len(romanized):
        return False
    for own, roman in zip(native, romanized, strict=True):
        if own.startswith(WORD_START) != roman.startswith(WORD_START):
            return False
        bare, expected = own.removeprefix(WORD_START), roman.removeprefix(WORD_START)
        if bare != expected and expected not in romanize(bare):
            return False
    return True
