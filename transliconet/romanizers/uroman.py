"""The romanizer uroman, through the cache that keeps its output."""

import logging
from collections.abc import Callable
from functools import cached_property
from importlib.metadata import version

from transliconet.language_tag import romanizer_code
from transliconet.progress import say

log = logging.getLogger(__name__)

LOADING_SECONDS = 4
"""What loading its tables takes, about."""


class Uroman:
    """The universal romanizer uroman (Hermjakob et al., 2018), through its Python package.

    uroman has rules under some ISO 639-3 codes and silently ignores all others, so a tag is turned
    into the code of the same language that it has rules for (``pes_Arab`` → ``fas``). Loading its
    tables takes some seconds and happens at the first call, so that the object itself can be sent
    to worker processes.

    Output is uroman's own, byte for byte. With the version of uroman that it was checked against,
    :mod:`transliconet.romanizers.fast_uroman` gives it; with any other, uroman itself does, many
    times slower.
    """

    name = "uroman"

    def __init__(self) -> None:
        self.version = version("uroman")

    @cached_property
    def _romanize(self) -> Callable[[str, str], str]:
        from transliconet.romanizers.fast_uroman import CachedUroman
        from transliconet.romanizers.uroman_tables import UROMAN_VERSION

        say(f"load uroman, about {LOADING_SECONDS} s")
        if self.version == UROMAN_VERSION:
            return CachedUroman().romanize
        log.warning(
            "uroman %s: romanizing is slow with any other version than %s",
            self.version,
            UROMAN_VERSION,
        )
        import uroman

        return uroman.Uroman().romanize_string

    def __call__(self, text: str, language: str) -> str:
        code = romanizer_code(language) if language else ""
        return str(self._romanize(text, code))

    def __reduce__(self) -> tuple:
        return type(self), ()  # worker processes load their own tables
