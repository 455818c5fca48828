"""Translations of training pairs: texts with the same id in chosen languages, the pivots."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transliconet.tokens.tokenize import TokenizedPairs

NONE = -1
"""The translation of a pair that has none."""


@dataclass(frozen=True)
class Pivots:
    """Translations of the N training pairs of a pairs folder.

    Args:
        texts: P pairs in pivot languages, of the training part as well.
        of_pair: (N,) int64 the translation of each pair, a position in ``texts``, or :data:`NONE`.
    """

    texts: TokenizedPairs
    of_pair: np.ndarray


def match_pivots(pairs: pa.Table, texts: pa.Table, languages: Sequence[str]) -> np.ndarray:
    """Find a translation of each pair: the text of the same id in the first language that has one.

    A text of a pivot language looks only at the languages before its own. So with ``[eng_Latn,
    rus_Cyrl]`` English has no translation, and Russian has the English ones.

    Args:
        pairs: N rows with the columns ``id`` and ``lang``.
        texts: P rows with the same columns, of the pivot languages.
        languages: tags of the pivot languages, the preferred one first.

    Returns:
        (N,) int64 positions in ``texts``, :data:`NONE` where no text has the id.

    >>> pairs = pa.table({"id": ["a", "b"], "lang": ["hin_Deva", "hin_Deva"]})
    >>> texts = pa.table({"id": ["b", "c"], "lang": ["eng_Latn", "eng_Latn"]})
    >>> match_pivots(pairs, texts, ["eng_Latn"])
    array([-1,  0])
    """
    found = np.full(len(pairs), NONE, np.int64)
    open_ = np.ones(len(pairs), dtype=bool)
    for language in languages:
        # from here on, texts of this language look no further
        open_ &= ~_is_language(pairs, language)
        of_language = np.flatnonzero(_is_language(texts, language))
        ids = texts["id"].take(pa.array(of_language)).combine_chunks()
        match = pc.fill_null(pc.index_in(pairs["id"], value_set=ids), NONE).to_numpy()  # (N,)
        new = open_ & (match != NONE)
        found[new] = of_language[match[new]]
        open_ &= ~new
    return found


def _is_language(rows: pa.Table, language: str) -> np.ndarray:
    return pc.equal(rows["lang"], language).to_numpy()
