"""Romanisers behind one small interface."""

import logging
from collections.abc import Callable
from functools import cached_property
from importlib.metadata import version
from typing import Protocol

from transliconet.errors import require_choice

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


class Identity:
    """No romanisation: the text itself. For sources that are in Latin script already."""

    name = "none"
    version = "1"

    def __call__(self, text: str, language: str) -> str:
        return text


ROMANIZERS: dict[str, type[Uroman] | type[Identity]] = {"uroman": Uroman, "none": Identity}


def romanizer(name: str) -> Romanizer:
    """The romaniser of that name.

    Raises:
        ConfigError: there is none.
    """
    require_choice("corpus.romanizer", name, ROMANIZERS)
    return ROMANIZERS[name]()
