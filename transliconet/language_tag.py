"""Language tags: ISO 639-3, an underscore, ISO 15924, as in ``hin_Deva``."""

import re
from dataclasses import dataclass
from pathlib import Path

import pycountry

from transliconet.errors import DataError

_FORM = re.compile(r"([a-z]{3})_([A-Z][a-z]{3})")
_REMEDY = "Write ISO 639-3, an underscore and ISO 15924, e.g. hin_Deva or srp_Cyrl"


@dataclass(frozen=True, slots=True, order=True)
class LanguageTag:
    """A language in a script. ``language`` is what uroman takes; ``str(tag)`` is what the pairs
    folder holds.
    """

    language: str
    script: str

    def __str__(self) -> str:
        return f"{self.language}_{self.script}"

    @classmethod
    def parse(cls, tag: object, where: str = "lang") -> "LanguageTag":
        """Read and check a tag.

        Args:
            tag: the text to read.
            where: the option, file or column it came from, for the error.

        Raises:
            DataError: the form is wrong, or the language or script code does not exist.
        """
        match = _FORM.fullmatch(tag) if isinstance(tag, str) else None
        if not match:
            raise DataError(f"{where}={tag!r}", "not a language tag", _REMEDY, code="TLN-DATA-230")
        language, script = match.groups()
        if pycountry.languages.get(alpha_3=language) is None:
            raise DataError(
                f"{where}={tag!r}",
                f"{language!r} is not an ISO 639-3 code",
                _REMEDY,
                code="TLN-DATA-231",
            )
        if pycountry.scripts.get(alpha_4=script) is None:
            raise DataError(
                f"{where}={tag!r}",
                f"{script!r} is not an ISO 15924 code",
                _REMEDY,
                code="TLN-DATA-232",
            )
        return cls(language, script)

    @classmethod
    def from_file_name(cls, path: Path) -> "LanguageTag":
        """The tag a file is named after: ``hin_Deva.txt``, ``hin_Deva.part2.csv``.

        Raises:
            DataError: the name does not start with a tag.
        """
        stem = path.name.split(".")[0]
        if not _FORM.fullmatch(stem):
            raise DataError(
                path,
                "no language tag in the file name",
                f"Set corpus.lang, or rename the file. {_REMEDY}",
                code="TLN-DATA-233",
            )
        return cls.parse(stem, where=str(path))


def iso639_3(code: str) -> str | None:
    """The ISO 639-3 code of a two- or three-letter language code, or None where there is none."""
    entry = (
        pycountry.languages.get(alpha_2=code)
        if len(code) == 2
        else pycountry.languages.get(alpha_3=code)
    )
    return entry.alpha_3 if entry else None
