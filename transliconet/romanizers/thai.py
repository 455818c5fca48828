"""Thai by the Royal Thai General System of Transcription, through PyThaiNLP (extra
``romanizers``).
"""

import re
from importlib.metadata import version

from transliconet.romanizers.base import required_package

_THAI = re.compile("[\u0e00-\u0e7f]")


class ThaiRoyal:
    """Thai words, each spelled by the rules of the Royal Institute, without tones and vowel
    lengths.

    Thai writes no spaces between words: a dictionary finds them, and the romanization has a space
    after each. No neural model is loaded.

    Raises:
        ConfigError: PyThaiNLP is not installed.
    """

    name = "thai-royal"

    def __init__(self) -> None:
        required_package("pythainlp", self.name)
        self.version = version("pythainlp")

    def __call__(self, text: str, language: str) -> str:
        from pythainlp.tokenize import word_tokenize
        from pythainlp.transliterate import romanize

        parts: list[str] = []
        for word in word_tokenize(text, engine="newmm", keep_whitespace=True):
            if _THAI.search(word):
                parts += [romanize(word, engine="royin"), " "]
            else:
                parts.append(word)
        # spaces of the text may stand beside ours
        return " ".join("".join(parts).split())
