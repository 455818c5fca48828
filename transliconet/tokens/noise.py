"""Noisy romanization: text as people type it, text in two scripts, and text in two languages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np

from transliconet.errors import ConfigError, Option, require_range
from transliconet.tokens.lexicon import read_lexicon, translations
from transliconet.tokens.spans import NO_SPAN, read_spans, span_of_words
from transliconet.tokens.spelling import Writer

Word = TypeVar("Word")


@dataclass(frozen=True)
class PairWords(Generic[Word]):
    """The words of a pair, as strings or as token ids.

    Args:
        native, romanized: the words of both views.
        language: tag of the text; empty where it is not known.
        spans: (W,) span that a tagger has found of each native word, -1 outside of all; None where
            no tagger has seen the text.
    """

    native: Sequence[Word]
    romanized: Sequence[Word]
    language: str = ""
    spans: np.ndarray | None = None

    @property
    def correspond(self) -> bool:
        """Whether word i of both views is the same, as far as their number says."""
        return len(self.native) == len(self.romanized)


class Spelling(Protocol[Word]):
    """How words are read and written."""

    def text(self, word: Word) -> str:
        """The text of a word."""

    def typed(self, words: Sequence[Word], rng: np.random.Generator) -> list[Word]:
        """Romanized words as one writer types them."""

    def word(self, text: str, like: Word) -> Word:
        """A text in the place of the word ``like``."""


@dataclass(frozen=True)
class Augment:
    """How romanized text is varied: in training anew each time a pair is seen, in the probe once.

    Args:
        typed: share of romanized texts that are spelled as people type them, by the rules of the
            native text's script (:mod:`transliconet.tokens.spelling`).
        mixed: share of pairs with text in two scripts: each word stays romanized with a probability
            that is drawn for the pair, uniform from 0 to 1, and one word does in any case. Pairs
            whose views have different numbers of words stay as they are.
        mixed_pattern: regular expression of the native words that stay romanized in text of two
            scripts, in place of drawn ones. Text in which none does stays as it is.
        mixed_spans: file of spans of the native text that stay romanized there, such as the words
            that a tagger takes for loans (:func:`transliconet.tokens.spans.read_spans`). Text that
            the file does not have stays as it is, unless the pattern finds a word.
        switched: share of pairs with words of other languages in the romanized text: of the words
            that ``lexicon`` has, each is replaced with a probability that is drawn for the pair,
            and one is in any case (CoSDA-ML; Qin et al., 2020, arXiv 2006.06402). What the text is
            trained towards stays that of the text without them.
        lexicon: pairs folder of words whose ids are meanings, as of ``prepare corpus=lexicon``.

    Raises:
        ConfigError: a share outside 0 to 1, a pattern that is no regular expression, or
            ``switched`` without a lexicon.
    """

    typed: float = 0.0
    mixed: float = 0.0
    mixed_pattern: str | None = None
    mixed_spans: str | Path | None = None
    switched: float = 0.0
    lexicon: str | Path | None = None

    def __post_init__(self) -> None:
        for name in ("typed", "mixed", "switched"):
            require_range(name, getattr(self, name), least=0, most=1)
        try:
            re.compile(self.mixed_pattern or "")
        except re.error as error:
            raise ConfigError(
                Option("mixed_pattern", self.mixed_pattern),
                f"no regular expression ({error})",
                "Escape special characters by a backslash",
                code="TLN-CONFIG-303",
            ) from error
        if self.switched and self.lexicon is None:
            raise ConfigError(
                Option("switched", self.switched),
                "there is no lexicon",
                "Name one: lexicon=FOLDER, written by transliconet prepare corpus=lexicon",
                code="TLN-CONFIG-304",
            )

    def __bool__(self) -> bool:
        return self.typed > 0 or self.mixed > 0 or self.switched > 0

    def apply(
        self, pair: PairWords[Word], spelling: Spelling[Word], rng: np.random.Generator
    ) -> list[Word]:
        """Vary the words of one pair.

        Args:
            pair: the words of both views.
            spelling: reads and writes them.
            rng: source of randomness.

        Returns:
            The romanized words, respelled or not, some of them back in their own script or in
            another language.
        """
        words = list(pair.romanized)
        if self.typed and rng.random() < self.typed:
            words = spelling.typed(words, rng)
        if rng.random() < self.mixed and pair.correspond:
            stays_romanized = self._stays_romanized(pair, spelling, rng)  # (W,)
            for i in np.flatnonzero(~stays_romanized).tolist():
                words[i] = pair.native[i]
        if self.switched and rng.random() < self.switched and pair.correspond:
            for i, text in self._switched(pair, spelling, rng).items():
                words[i] = spelling.word(text, like=words[i])
        return words

    def _stays_romanized(
        self, pair: PairWords[Word], spelling: Spelling[Word], rng: np.random.Generator
    ) -> np.ndarray:
        """(W,) bool: which words of a text in two scripts are romanized."""
        number = len(pair.native)
        if self.mixed_pattern is None and self.mixed_spans is None:
            stays = rng.random(number) < rng.random()
            stays[rng.integers(number)] = True  # or it would be the native text
            return stays
        stays = np.zeros(number, bool)
        if self.mixed_pattern is not None:
            found = [re.search(self.mixed_pattern, spelling.text(word)) for word in pair.native]
            stays |= np.array([match is not None for match in found])
        if pair.spans is not None and len(pair.spans) == number:
            stays |= pair.spans != NO_SPAN
        return stays if stays.any() else ~stays

    def _switched(
        self, pair: PairWords[Word], spelling: Spelling[Word], rng: np.random.Generator
    ) -> dict[int, str]:
        """Number of each word that is replaced → the text of another language."""
        assert self.lexicon is not None
        lexicon = read_lexicon(self.lexicon)
        candidates: dict[int, list[str]] = {}
        for i, word in enumerate(pair.native):
            others = translations(lexicon, pair.language, spelling.text(word))
            if others:
                candidates[i] = others
        if not candidates:
            return {}
        replaced = rng.random(len(candidates)) < rng.random()
        replaced[rng.integers(len(candidates))] = True
        texts = {}
        for (i, others), chosen in zip(candidates.items(), replaced.tolist(), strict=True):
            if chosen:
                texts[i] = others[int(rng.integers(len(others)))]
        return texts


@dataclass(frozen=True)
class _Strings:
    """Words as strings, romanized from ``native``."""

    native: str

    def text(self, word: str) -> str:
        return word

    def typed(self, words: Sequence[str], rng: np.random.Generator) -> list[str]:
        writer = Writer.from_native(self.native, rng)
        return [writer.spell(word, rng) for word in words]

    def word(self, text: str, like: str) -> str:
        return text


def noisy_romanization(
    native: str,
    romanized: str,
    augment: Augment,
    rng: np.random.Generator,
    *,
    language: str = "",
    id_: str = "",
) -> str:
    """Write a romanized text as people might.

    Args:
        native: the text; its words are what spaces separate.
        romanized: its romanization.
        augment: how much is changed.
        rng: source of randomness.
        language: tag of the text, to find its words in a lexicon.
        id_: of the text, to find its spans.

    Returns:
        The romanized text, with words respelled, back in their own script or in another language.

    >>> augment, rng = Augment(typed=1), np.random.default_rng(3)
    >>> noisy_romanization("Москва и Киев", "Moskva i Kiev", augment, rng)
    'Moskva y kiev'
    """
    spans = None
    if augment.mixed_spans is not None:
        of_text = read_spans(augment.mixed_spans).get((language, id_))
        spans = None if of_text is None else span_of_words(native, of_text)
    pair = PairWords(native.split(), romanized.split(), language, spans)
    return " ".join(augment.apply(pair, _Strings(native), rng))
