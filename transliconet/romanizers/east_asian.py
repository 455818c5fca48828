"""Japanese and Chinese by their readings, through packages of the extra ``romanizers``."""

import unicodedata
from functools import cached_property
from importlib.metadata import version
from typing import Any

from transliconet.romanizers.base import required_package


class Cutlet:
    """Japanese in Hepburn, by cutlet: MeCab finds the words, UniDic their readings in context."""

    name = "cutlet"

    def __init__(self) -> None:
        required_package("cutlet", self.name)
        required_package("unidic_lite", self.name)
        self.version = f"{version('cutlet')} (unidic-lite {version('unidic-lite')})"

    @cached_property
    def _cutlet(self) -> Any:
        import cutlet

        # readings of foreign words, not the English words that UniDic takes them from
        return cutlet.Cutlet("hepburn", use_foreign_spelling=False)

    def __call__(self, text: str, language: str) -> str:
        return str(self._cutlet.romaji(text, capitalize=False))

    def __reduce__(self) -> tuple:
        return type(self), ()  # worker processes load their own dictionary


class Pykakasi:
    """Japanese in Hepburn, by pykakasi. Its licence is the GPL: no extra of ours installs it."""

    name = "pykakasi"

    def __init__(self) -> None:
        required_package("pykakasi", self.name, "pip install pykakasi (GPL-3.0)")
        self.version = version("pykakasi")

    @cached_property
    def _kakasi(self) -> Any:
        import pykakasi

        return pykakasi.kakasi()

    def __call__(self, text: str, language: str) -> str:
        words = [part["hepburn"].strip() for part in self._kakasi.convert(text)]
        return " ".join(word for word in words if word)

    def __reduce__(self) -> tuple:
        return type(self), ()


class Pypinyin:
    """Mandarin in Hanyu Pinyin without tone marks, by pypinyin, which knows phrases; ü is v."""

    name = "pypinyin"

    def __init__(self) -> None:
        required_package("pypinyin", self.name)
        self.version = version("pypinyin")

    def __call__(self, text: str, language: str) -> str:
        import pypinyin

        normal = pypinyin.Style.NORMAL
        return _joined(pypinyin.lazy_pinyin(text, style=normal, errors="default"))


class Jyutping:
    """Cantonese in Jyutping without tone numbers, by ToJyutping."""

    name = "jyutping"

    def __init__(self) -> None:
        required_package("ToJyutping", self.name)
        self.version = version("ToJyutping")

    def __call__(self, text: str, language: str) -> str:
        import ToJyutping

        parts: list[str] = []
        in_other_text = False
        for character, reading in ToJyutping.get_jyutping_list(text):
            if reading:
                parts.append(reading.rstrip("0123456789"))
            elif in_other_text:
                parts[-1] += character
            else:
                parts.append(character)
            in_other_text = not reading
        return _joined(parts)


def _joined(parts: list[str]) -> str:
    """Syllables with a space between two that are words; punctuation as in Latin text."""
    joined: list[str] = []
    for part in parts:
        plain = unicodedata.normalize("NFKC", part.translate(PUNCTUATION))
        if joined and joined[-1][-1:].isalnum() and plain[:1].isalnum():
            joined.append(" ")
        joined.append(plain)
    return " ".join("".join(joined).split())


PUNCTUATION = str.maketrans(
    {
        "，": ", ",
        "：": ": ",
        "；": "; ",
        "！": "! ",
        "？": "? ",
        "。": ". ",
        "、": ", ",
        "「": '"',
        "」": '"',
        "《": '"',
        "》": '"',
    }
)
