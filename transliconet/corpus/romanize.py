"""Romanisers behind one small interface."""

import logging
from collections.abc import Callable
from functools import cached_property
from importlib.metadata import version
from typing import Protocol

from transliconet.errors import ConfigError, require_choice

log = logging.getLogger(__name__)


class Romanizer(Protocol):
    """Turns text into Latin script."""

    name: str
    version: str

    def __call__(self, text: str, language: str) -> str:
        """Romanise ``text`` of the ISO 639-3 ``language``. May raise anything; the caller counts it."""
        ...


class Uroman:
    """The universal romaniser uroman (Hermjakob et al., 2018), through its Python package.

    Takes the ISO 639-3 half of a tag: uroman silently ignores any other form of language code. Loading its tables
    takes some seconds and happens at the first call, so that the object itself can be sent to worker processes.

    Output is uroman's own, byte for byte. With the version that :mod:`transliconet.corpus.fast_uroman` was checked
    against, it comes from a cache of pieces; with any other, from uroman line by line.
    """

    name = "uroman"

    def __init__(self) -> None:
        self.version = version("uroman")

    @cached_property
    def _romanize(self) -> Callable[[str, str], str]:
        from transliconet.corpus.fast_uroman import UROMAN_VERSION, CachedUroman

        if self.version == UROMAN_VERSION:
            return CachedUroman().romanize
        log.warning("uroman %s is not the version the fast path knows (%s): slower", self.version, UROMAN_VERSION)
        import uroman

        return uroman.Uroman().romanize_string

    def __call__(self, text: str, language: str) -> str:
        return str(self._romanize(text, language))

    def __reduce__(self) -> tuple:
        return type(self), ()  # worker processes load their own tables


class Icu:
    """ICU's general transliterator, ``Any-Latin; Latin-ASCII``, through PyICU (extra ``icu``). Ignores the language.

    Raises:
        ConfigError: PyICU is not installed.
    """

    name = "icu"
    RULES = "Any-Latin; Latin-ASCII"

    def __init__(self) -> None:
        try:
            import icu
        except ImportError as error:
            raise ConfigError(
                "corpus.romanizer=icu",
                "PyICU is not installed",
                "pip install 'transliconet[icu]' (needs ICU's headers)",
            ) from error
        self.version = f"ICU {icu.ICU_VERSION}"
        self._transliterator = icu.Transliterator.createInstance(self.RULES)

    def __call__(self, text: str, language: str) -> str:
        return str(self._transliterator.transliterate(text))

    def __reduce__(self) -> tuple:
        return type(self), ()


class Identity:
    """No romanisation: the text itself. For sources that are in Latin script already."""

    name = "none"
    version = "1"

    def __call__(self, text: str, language: str) -> str:
        return text


ROMANIZERS: dict[str, Callable[[], Romanizer]] = {"uroman": Uroman, "icu": Icu, "none": Identity}


def romanizer(name: str, option: str = "corpus.romanizer") -> Romanizer:
    """The romaniser of that name, which ``option`` gives.

    Raises:
        ConfigError: there is none, or its package is not installed.
    """
    require_choice(option, name, ROMANIZERS)
    return ROMANIZERS[name]()


def romanize_line(romanize: Romanizer, text: str, language: str) -> tuple[str, str]:
    """The romanisation, and what the romaniser raised on the whole line, or an empty string.

    Where it raises, each word is romanised alone; where a word raises, each of its characters; a character that raises
    stays as it is.
    """
    try:
        return romanize(text, language), ""
    except Exception as error:  # third-party code on arbitrary text: whatever it raises is the line's, not the run's
        failure = f"{type(error).__name__}: {error}"
    return " ".join(_pieces(romanize, word, language) for word in text.split(" ")), failure


def _pieces(romanize: Romanizer, word: str, language: str) -> str:
    try:
        return romanize(word, language)
    except Exception:
        return "".join(_character(romanize, c, language) for c in word)


def _character(romanize: Romanizer, character: str, language: str) -> str:
    try:
        return romanize(character, language)
    except Exception:
        return character
