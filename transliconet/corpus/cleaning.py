"""Cleaning of single lines: what is changed in them, and which are dropped."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from transliconet.corpus.evaluation_sets import comparable, evaluation_texts
from transliconet.corpus.sources.base import has_surrogate
from transliconet.errors import require_range
from transliconet.language_tag import LanguageTag
from transliconet.unicode_script import script_share

BIDI_CONTROLS = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
BYTE_ORDER_MARK = 0xFEFF
LINE_AND_SPACE = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"

CONTROLS: dict[int, str | None] = dict.fromkeys(
    (*range(1, 32), *range(127, 160), *BIDI_CONTROLS, BYTE_ORDER_MARK)
)
"""Control characters → None (removed), or the space that they stood for. NUL is not in it: a line
with NUL is not text.
"""
CONTROLS.update({ord(c): " " for c in LINE_AND_SPACE})


def mend(text: str, *, nfc: bool = True, strip_controls: bool = True) -> str:
    r"""Clean one line, as ``prepare`` does before it romanizes.

    Args:
        text: one line.
        nfc: bring it to Unicode NFC.
        strip_controls: remove control characters, bidirectional controls and byte-order marks; tabs
            and line separators become spaces. Joiners (U+200C, U+200D) are spelling and stay.

    Returns:
        The text, without spaces at its ends.

    >>> mend("и\u0306 \u202bה\t1\u202c ")
    'й ה 1'
    """
    if strip_controls:
        text = text.translate(CONTROLS)
    if nfc and not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return text.strip()


@dataclass(frozen=True)
class Cleaning:
    """Cleans a line and decides whether it is kept.

    Args:
        nfc, strip_controls: see :func:`mend`.
        min_chars, max_chars: shorter and longer lines are dropped (``too_short``, ``too_long``).
        script_share: least share of a line's letters that are of the tag's script (Unicode script
            property; ``Jpan``, ``Kore``, ``Hans`` and the like mean the scripts they are made of);
            other lines are dropped (``other_script``), also those without a letter. 0 switches the
            rule off.
        exclude: evaluation sets (plain or delimited text, JSON lines, Parquet): a line that occurs
            in one, whatever its case, spacing and punctuation, is dropped (``in_evaluation_set``).
        exclude_field: field or column of the evaluation sets that holds the text; the number of
            the column, from 1, for delimited text without a header.

    Raises:
        ConfigError: a number out of range, or an evaluation set in a format that is not read.
        DataError: an evaluation set is not there, or no text can be read from it.
    """

    nfc: bool = True
    strip_controls: bool = True
    min_chars: int = 1
    max_chars: int = 2000
    script_share: float = 0.0
    exclude: Sequence[str] = field(default=())
    exclude_field: str | int = "text"

    def __post_init__(self) -> None:
        require_range("min_chars", self.min_chars, least=1)
        require_range("max_chars", self.max_chars, least=self.min_chars)
        require_range("script_share", self.script_share, least=0, most=1)
        self._excluded  # noqa: B018  a set that cannot be read stops the run before it begins

    def __call__(self, text: str, lang: LanguageTag) -> tuple[str, str | None]:
        """Clean a line.

        Args:
            text: the line.
            lang: its language and script.

        Returns:
            The cleaned text, and the reason to drop it, or None.
        """
        if has_surrogate(text):
            return text, "lone_surrogate"
        if "\0" in text:
            return text, "nul_byte"
        # What follows takes time in proportion to the length.
        if len(text) > 4 * self.max_chars + 1000:
            return text, "too_long"
        text = mend(text, nfc=self.nfc, strip_controls=self.strip_controls)
        return text, self._reason(text, lang)

    def _reason(self, text: str, lang: LanguageTag) -> str | None:
        if not text:
            return "empty"
        if len(text) < self.min_chars:
            return "too_short"
        if len(text) > self.max_chars:
            return "too_long"
        if self.script_share and script_share(text, lang.script) < self.script_share:
            return "other_script"
        if self._excluded and comparable(text) in self._excluded:
            return "in_evaluation_set"
        return None

    @cached_property
    def _excluded(self) -> frozenset[str]:
        return evaluation_texts(list(self.exclude), self.exclude_field)
