"""Rules on one line of text: what is mended, and what keeps a line out."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from transliconet.corpus.sources.base import Line, Reader, has_surrogate
from transliconet.corpus.sources.files import find_files
from transliconet.corpus.sources.jsonl import JsonLines
from transliconet.corpus.sources.parquet import ParquetFiles
from transliconet.corpus.sources.text import TextFiles
from transliconet.errors import ConfigError, require_range
from transliconet.language_tag import LanguageTag
from transliconet.unicode_script import script_share

BIDI_CONTROLS = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
LINE_AND_SPACE = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"


@cache
def _controls() -> dict[int, str | None]:
    """Control characters → nothing, or a space where they stood for one. NUL stays: its line is not
    text.
    """
    table: dict[int, str | None] = dict.fromkeys(
        (*range(1, 32), *range(127, 160), *BIDI_CONTROLS, 65279)
    )
    table.update({ord(c): " " for c in LINE_AND_SPACE})
    return table


def letters_only(text: str) -> str:
    """What two texts have in common that differ in case, punctuation, spacing or digits' looks
    alone.
    """
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


@dataclass(frozen=True)
class Cleaning:
    """Mends a line and says whether it is kept.

    Args:
        nfc: bring text to Unicode NFC.
        strip_controls: remove control characters, bidirectional controls and byte-order marks; tabs
            and line separators become spaces. Joiners (U+200C, U+200D) stay: they are spelling.
        min_chars, max_chars: shorter and longer lines are kept out (``too_short``, ``too_long``).
        script_share: least share of a line's letters that are of the tag's script (Unicode script
            property; ``Jpan``, ``Kore``, ``Hans`` and the like mean the scripts they are made of);
            others are kept out (``other_script``), and so are lines without a letter. 0 switches
            the rule off.
        exclude: evaluation sets (plain text, JSON lines, long Parquet): lines that occur in one,
            case, spacing and punctuation aside, are kept out (``in_evaluation_set``).
    """

    nfc: bool = True
    strip_controls: bool = True
    min_chars: int = 1
    max_chars: int = 2000
    script_share: float = 0.0
    exclude: Sequence[str] = field(default=())

    def __post_init__(self) -> None:
        require_range("clean.min_chars", self.min_chars, least=1)
        require_range("clean.max_chars", self.max_chars, least=self.min_chars)
        require_range("clean.script_share", self.script_share, least=0, most=1)

    def __call__(self, text: str, lang: LanguageTag) -> tuple[str, str | None]:
        """The mended text, and the reason to keep it out, or None."""
        if has_surrogate(text):
            return text, "lone_surrogate"
        if "\0" in text:
            return text, "nul_byte"
        if len(text) > 4 * self.max_chars + 1000:  # what follows costs time in proportion
            return text, "too_long"
        if self.strip_controls:
            text = text.translate(_controls())
        if self.nfc and not unicodedata.is_normalized("NFC", text):
            text = unicodedata.normalize("NFC", text)
        text = text.strip()
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
        if self.exclude and (letters := letters_only(text)) and letters in self._excluded:
            return "in_evaluation_set"
        return None

    @cached_property
    def _excluded(self) -> frozenset[str]:
        texts: set[str] = set()
        for path in find_files(list(self.exclude), (".txt", ".jsonl", ".parquet"), "clean.exclude"):
            texts.update(
                letters_only(x.text) for x in _evaluation_reader(path) if isinstance(x, Line)
            )
        return frozenset(texts - {""})


def _evaluation_reader(path: Path) -> Reader:
    anything = "und_Zyyy"  # whatever the language: a leaked line is one in any
    if ".parquet" in path.suffixes:
        return ParquetFiles(str(path))
    if ".jsonl" in path.suffixes:
        return JsonLines(str(path), lang=anything)
    if ".txt" in path.suffixes:
        return TextFiles(str(path), lang=anything)
    raise ConfigError(
        f"clean.exclude={path}",
        "not a kind of file that is read here",
        "Give .txt, .jsonl or .parquet",
        code="TLN-CONFIG-100",
    )
