"""Words of several languages by what they mean, to put a word of one language in the place of
another's.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from transliconet.errors import DataError, Option
from transliconet.pairs import PairsFolder
from transliconet.unicode_script import split_word

COLUMNS = ["id", "lang", "text", "romanized"]

Lexicon = Mapping[tuple[str, str], Sequence[str]]
"""(language tag, word without capitals) → romanized words of the same meaning in other languages.
"""


@lru_cache(maxsize=4)
def read_lexicon(path: str | Path) -> Lexicon:
    """Read the words of a pairs folder, in which an id stands for a meaning.

    Args:
        path: of a folder that ``transliconet prepare corpus=lexicon`` wrote. Only texts of one word
            can be replaced; what replaces them may have several.

    Raises:
        DataError: it is no pairs folder, or no word has a text in another language.
    """
    meanings: defaultdict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for row in PairsFolder.open(path).split("all").select(COLUMNS).to_pylist():
        meanings[row["id"]].setdefault(row["lang"], (row["text"], row["romanized"]))
    lexicon: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for texts in meanings.values():
        for lang, (text, _) in texts.items():
            others = [romanized for tag, (_, romanized) in texts.items() if tag != lang]
            if " " not in text and others:
                lexicon[lang, text.casefold()] += others
    if not lexicon:
        raise DataError(
            Option("lexicon", path),
            "no word of it has a text of the same id in another language",
            "Prepare words of several languages: transliconet prepare corpus=lexicon",
            code="TLN-DATA-301",
        )
    return lexicon


def translations(lexicon: Lexicon, language: str, text: str) -> list[str]:
    """The texts that may stand in the place of a word, with the punctuation around it.

    Args:
        lexicon: see :func:`read_lexicon`.
        language: tag of the word.
        text: the word as it stands in a text.

    >>> translations({("rus_Cyrl", "москва"): ["Moscow"]}, "rus_Cyrl", "Москва,")
    ['Moscow,']
    """
    before, word, after = split_word(text)
    found = lexicon.get((language, word.casefold()), ())
    return [f"{before}{other}{after}" for other in found]
