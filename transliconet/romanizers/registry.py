"""Romanizers by name."""

from collections.abc import Callable

from transliconet.errors import require_choice
from transliconet.romanizers.base import Identity, Romanizer
from transliconet.romanizers.icu import Icu
from transliconet.romanizers.uroman import Uroman

ROMANIZERS: dict[str, Callable[[], Romanizer]] = {"uroman": Uroman, "icu": Icu, "none": Identity}


def romanizer(name: str, option: str = "corpus.romanizer") -> Romanizer:
    """The romanizer of that name, which ``option`` gives.

    Raises:
        ConfigError: there is none, or its package is not installed.
    """
    require_choice(option, name, ROMANIZERS)
    return ROMANIZERS[name]()
