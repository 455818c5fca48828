"""Thai by the Royal Thai General System, through PyThaiNLP (extra ``romanizers``)."""

from importlib.metadata import version

from transliconet.romanizers.base import required_package


class ThaiRoyal:
    """Thai words found by a dictionary, then each spelled by the rules of the Royal Institute, without
    tones and vowel lengths. No model is loaded.
    """

    name = "thai-royal"

    def __init__(self) -> None:
        required_package("pythainlp", self.name)
        self.version = version("pythainlp")

    def __call__(self, text: str, language: str) -> str:
        from pythainlp.tokenize import word_tokenize
        from pythainlp.transliterate import romanize

        words: list[str] = []
        for word in word_tokenize(text, engine="newmm", keep_whitespace=True):
            has_thai = any("\u0e00" <= character <= "\u0e7f" for character in word)
            words.append(romanize(word, engine="royin") if has_thai else word)
            if has_thai:
                words.append(" ")
        return " ".join("".join(words).split())
