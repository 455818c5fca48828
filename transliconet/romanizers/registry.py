"""Romanizers by name, and by language."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from transliconet.errors import ConfigError, Option, require_choice
from transliconet.romanizers.arabic import MAGHREBI, Arabic
from transliconet.romanizers.base import Identity, Romanizer
from transliconet.romanizers.by_language import DEFAULT, ByLanguage
from transliconet.romanizers.east_asian import Cutlet, Jyutping, Pykakasi, Pypinyin
from transliconet.romanizers.european import Cyrillic, Greek
from transliconet.romanizers.icu import Icu
from transliconet.romanizers.indic import SCHEMES, Indic
from transliconet.romanizers.korean import KoreanRevised
from transliconet.romanizers.thai import ThaiRoyal
from transliconet.romanizers.uroman import Uroman

ROMANIZERS: dict[str, Callable[[], Romanizer]] = {
    "uroman": Uroman,
    "icu": Icu,
    "none": Identity,
    "cutlet": Cutlet,
    "pykakasi": Pykakasi,
    "pypinyin": Pypinyin,
    "jyutping": Jyutping,
    "korean-revised": KoreanRevised,
    "indic-iso": partial(Indic, "iso"),
    "indic-iast": partial(Indic, "iast"),
    "indic-itrans": partial(Indic, "itrans"),
    "indic-typed": partial(Indic, "typed"),
    "thai-royal": ThaiRoyal,
    "cyrtranslit": Cyrillic,
    "arabic-buckwalter": partial(Arabic, "buckwalter"),
    "arabic-typed": partial(Arabic, "typed"),
    "greek-iso": partial(Greek, "iso"),
    "greek-typed": partial(Greek, "typed"),
}
TYPED = {
    "kor": "korean-revised",
    "ell": "greek-typed",
    **dict.fromkeys(sorted(MAGHREBI), "arabic-typed"),
    **dict.fromkeys(SCHEMES, "indic-typed"),
    DEFAULT: "uroman",
}
BEST = {
    **TYPED,
    "jpn": "cutlet",
    "yue": "jyutping",
    "tha": "thai-royal",
    "srp": "cyrtranslit",
    "mkd": "cyrtranslit",
}
BY_LANGUAGE = {"typed": TYPED, "best": BEST}
"""Names that stand for a romanizer by language: the spelling that is nearest to what people type.
``typed`` needs no extra; ``best`` adds readings, for which one is needed. For Mandarin both take
uroman's, which is Pinyin, too, and after training retrieves far better than pypinyin's syllables.
"""
_KEY = re.compile(r"[a-z]{3}|[A-Z][a-z]{3}|[a-z]{3}_[A-Z][a-z]{3}")


def romanizer(which: str | Mapping[str, str], option: str = "romanizer") -> Romanizer:
    """Make the romanizer that a user names.

    Args:
        which: a name of :data:`ROMANIZERS` or :data:`BY_LANGUAGE`; or a map of tag, language or
            script to name, such as ``{jpn: cutlet, default: uroman}`` (``default`` is uroman where
            it is missing).
        option: what the user set, for the error.

    Returns:
        The romanizer.

    Raises:
        ConfigError: there is no such romanizer or key, or a package is not installed.
    """
    if isinstance(which, Mapping):
        return _by_language(which, option)
    if which in BY_LANGUAGE:
        return _by_language(BY_LANGUAGE[which], option, which)
    require_choice(option, which, [*ROMANIZERS, *BY_LANGUAGE])
    return ROMANIZERS[which]()


def _by_language(names: Mapping[Any, Any], option: str, name: str = "by_language") -> ByLanguage:
    made: dict[str, Romanizer] = {}  # by name: tables are loaded once
    for key, of_key in names.items():
        if key != DEFAULT and not (isinstance(key, str) and _KEY.fullmatch(key)):
            raise ConfigError(
                Option(option, f"{{{key}: {of_key}}}"),
                f"{key!r} is no language, script or tag",
                "Write jpn, Jpan, jpn_Jpan or default",
                code="TLN-CONFIG-242",
            )
        require_choice(option, of_key, ROMANIZERS)
        if of_key not in made:
            made[of_key] = ROMANIZERS[of_key]()
    complete = dict(names)
    if DEFAULT not in complete:
        complete[DEFAULT] = "uroman"
        made.setdefault("uroman", Uroman())
    return ByLanguage({key: made[of_key] for key, of_key in complete.items()}, name)


def romanizer_of_manifest(described: Mapping[str, Any], option: str = "romanizer") -> Romanizer:
    """Make the romanizer that a pairs folder was written with.

    Args:
        described: what the manifest says about it.
        option: what the user set, for the error.

    Returns:
        The romanizer.

    Raises:
        ConfigError: it is one of the user's own, or a package is not installed.
    """
    if isinstance(parts := described.get("languages"), Mapping):
        names = {key: part["name"] for key, part in parts.items()}
        return _by_language(names, option, str(described.get("name")))
    return romanizer(described.get("name", Identity.name), option)
