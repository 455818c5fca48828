"""Spans of native text that a tagger has marked: entities, nouns and verbs, words of a language."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.json as arrow_json
import pyarrow.parquet as pq

from transliconet.errors import DataError, Option, first_line

Spans = Sequence[Sequence[int]]
"""Pairs of characters in a text, from and up to."""
WORD = re.compile(r"\S+")
COLUMNS = ["id", "lang", "spans"]
NO_SPAN = -1


@lru_cache(maxsize=4)
def read_spans(file: str | Path) -> Mapping[tuple[str, str], Spans]:
    """Read the spans of texts in a pairs folder.

    Args:
        file: Parquet (``.parquet``) or JSON lines, with columns ``id`` and ``lang`` as the pairs
            folder has them, and ``spans``: a list of ``[from, to]``, characters of its ``text``.

    Returns:
        (language tag, id) → spans.

    Raises:
        DataError: it cannot be read, or has other columns.
    """
    path = Path(file).expanduser()
    try:
        if path.suffix == ".parquet":
            table = pq.read_table(path, columns=COLUMNS)
        else:
            table = arrow_json.read_json(path).select(COLUMNS)
        offsets = table["spans"].cast(pa.list_(pa.list_(pa.int64())))
        columns = [table["lang"].to_pylist(), table["id"].to_pylist(), offsets.to_pylist()]
        spans = {(lang, str(id_)): found or [] for lang, id_, found in zip(*columns, strict=True)}
        for found in spans.values():
            np.array(found, np.int64).reshape(-1, 2)  # an error, if not all are pairs
    except (OSError, KeyError, ValueError, TypeError, pa.ArrowException) as error:
        raise DataError(
            Option("spans", file),
            f"no spans can be read from it ({first_line(error)})",
            "Give Parquet or JSON lines with id, lang and spans, [[from, to], …]",
            code="TLN-DATA-300",
        ) from error
    return spans


def span_of_words(text: str, spans: Spans) -> np.ndarray:
    """Say which span each word of a text is in. A span takes the whole of every word it touches.

    Args:
        text: its words are what spaces separate.
        spans: of characters; of two that touch a word, the later one has it.

    Returns:
        (W,) int64: number of the span, :data:`NO_SPAN` outside of all.

    >>> span_of_words("in New York, today", [[3, 11]])
    array([-1,  0,  0, -1])
    """
    words = np.array([word.span() for word in WORD.finditer(text)], np.int64).reshape(-1, 2)
    numbers = np.full(len(words), NO_SPAN, np.int64)
    for number, (start, end) in enumerate(spans):
        numbers[(words[:, 0] < end) & (words[:, 1] > start)] = number
    return numbers
