"""How the subwords of a tokenizer say where words begin, and what text they stand for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from transformers import PreTrainedTokenizerBase
from transformers.convert_slow_tokenizer import bytes_to_unicode

from transliconet.errors import CheckpointError
from transliconet.unicode_script import is_letter, scripts_in

WORD_START = "▁"
"""What a subword in *plain form* starts with where it begins a word. Plain form is the text of a
subword, written alike for all tokenizers: ``▁da`` for ``▁da``, ``Ġda`` and, in a WordPiece
tokenizer, ``da``; ``da`` for ``da`` and ``##da``.
"""
BYTE_OF = {character: byte for byte, character in bytes_to_unicode().items()}
CHARACTER_OF = bytes_to_unicode()
BYTES = re.compile("(<0x[0-9A-F]{2}>)+")
SPACE_BYTE = CHARACTER_OF[ord(" ")]  # Ġ


@dataclass(frozen=True)
class WordMarks:
    """The marks of one tokenizer. Exactly one of ``start`` and ``continuation`` is not empty.

    Args:
        start: prefix of the subwords that begin a word: ``▁``, or ``Ġ`` where characters stand for
            bytes.
        continuation: prefix of the subwords that do not: ``##``.
        byte_level: whether each character of a subword stands for a byte.
        byte_fallback: whether a character without a subword is written as bytes, ``<0xD0>``.
        bare_first: whether the first word of a text has no mark, as in most byte-level tokenizers.
    """

    start: str = ""
    continuation: str = ""
    byte_level: bool = False
    byte_fallback: bool = False
    bare_first: bool = False

    @classmethod
    def from_tokenizer(cls, tokenizer: PreTrainedTokenizerBase) -> Self:
        """Find the marks of a tokenizer.

        Args:
            tokenizer: a fast one.

        Returns:
            Its marks.

        Raises:
            CheckpointError: no subword has such a mark.
        """
        backend = tokenizer.backend_tokenizer
        continuation = getattr(backend.model, "continuing_subword_prefix", None) or ""
        byte_level = "ByteLevel(" in f"{backend.normalizer}{backend.pre_tokenizer}"
        start = SPACE_BYTE if byte_level else WORD_START
        mark = continuation or start
        if not any(subword.startswith(mark) for subword in tokenizer.get_vocab()):
            raise CheckpointError(
                type(tokenizer).__name__,
                f"no subword begins with {mark!r}, so it is not known where words begin",
                "Train such an encoder without word_alignment, masks by words, augment and vocab",
                code="TLN-CKPT-301",
            )
        if continuation:
            return cls(continuation=continuation)
        first_word = "".join(tokenizer.tokenize("a"))
        return cls(
            start,
            byte_level=byte_level,
            byte_fallback=bool(getattr(backend.model, "byte_fallback", False)),
            bare_first=not first_word.startswith(start),
        )

    def begins_word(self, subword: str) -> bool:
        """Whether the mark of a subword says that a word begins there."""
        if self.continuation:
            return not subword.startswith(self.continuation) and not _splits_anywhere(subword)
        return subword.startswith(self.start) or self.text([subword])[:1].isspace()

    def text(self, subwords: Sequence[str]) -> str:
        """The text of subwords that follow each other; a character of which bytes are missing is
        ``�``.

        >>> WordMarks(continuation="##").text(["да", "##ча"]), WordMarks("▁").text(["▁да", "ча"])
        ('дача', ' дача')
        """
        if self.continuation:
            return "".join(subword.removeprefix(self.continuation) for subword in subwords)
        joined = "".join(subwords)
        if self.byte_fallback:
            joined = BYTES.sub(_decoded, joined)
        if not self.byte_level:
            return joined.replace(self.start, " ")
        # added tokens are not written as bytes
        if not all(character in BYTE_OF for character in joined):
            return joined
        return bytes(BYTE_OF[character] for character in joined).decode(errors="replace")

    def plain(self, subword: str) -> str:
        """A subword in plain form; empty where it is no whole number of characters.

        >>> WordMarks(continuation="##").plain("да"), WordMarks(continuation="##").plain("##да")
        ('▁да', 'да')
        >>> WordMarks("Ġ", byte_level=True).plain("ĠÐ´Ð°"), WordMarks("▁").plain("▁да")
        ('▁да', '▁да')
        """
        if self.continuation:
            if subword.startswith(self.continuation):
                return subword.removeprefix(self.continuation)
            return WORD_START + subword
        if self.byte_fallback and BYTES.fullmatch(subword):
            return ""
        if not self.byte_level:
            return subword
        text = self.text([subword.removeprefix(self.start)])
        if "\N{REPLACEMENT CHARACTER}" in text:
            return ""
        return WORD_START + text if subword.startswith(self.start) else text

    def own(self, plain: str) -> str:
        """The reverse of :meth:`plain`: a subword as this tokenizer writes it."""
        text = plain.removeprefix(WORD_START)
        if self.continuation:
            return text if plain.startswith(WORD_START) else self.continuation + text
        if not self.byte_level:
            return plain
        written = "".join(CHARACTER_OF[byte] for byte in text.encode())
        return self.start + written if plain.startswith(WORD_START) else written

    def within_text(self, word: str) -> str:
        """A word as it must be tokenized to have the subwords that it has after other words."""
        return " " + word if self.bare_first else word


def _decoded(bytes_: re.Match[str]) -> str:
    """The text of tokens that each stand for a byte."""
    return bytes.fromhex(bytes_[0].replace("<0x", "").replace(">", "")).decode(errors="replace")


def _splits_anywhere(subword: str) -> bool:
    """Whether BERT's pre-tokenizer splits this off from what it is written together with:
    punctuation, and Chinese characters.
    """
    is_punctuation = not any(map(is_letter, subword))
    return is_punctuation or (len(subword) == 1 and scripts_in(subword) == {"Hani"})
