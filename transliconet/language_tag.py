"""Language tags: ISO 639-3, an underscore and ISO 15924, as in ``hin_Deva``.

:meth:`LanguageTag.parse` reads whatever people write for a language in a script. All other code
uses it, so that one name means the same everywhere.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale

from transliconet.errors import ConfigError, DataError, Option
from transliconet.language_codes import (
    MODIFIERS_WITHOUT_SCRIPT,
    is_extended_language,
    is_script,
    iso639_3,
    likely_script,
    modern_name,
    romanizer_code_of,
    script_of_modifier,
)

FORM = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")
"""A BCP-47 tag, or one of ours."""
CHARSET = re.compile(r"\.(?:utf|iso|cp|koi8|euc|big5|gb|tis|windows)[\w-]*$", re.IGNORECASE)
"""The end of a POSIX locale name, as in ``hi_IN.UTF-8``."""
OF_A_PAIR = re.compile(r"(?:^|\.)([^.]+)-([^.]+)\.(\1|\2)(?:\.txt)?(?:\.(?:gz|bz2|xz|zst))?$")
"""The name of one side of aligned text ends in its language: ``TED.en-hi.en``."""
OF_A_SPLIT = re.compile(r"(?<=.)_(?:train|dev|valid|validation|test)$")  # hin_Deva_train.tsv
REMEDY = "Write ISO 639-3, an underscore and ISO 15924, e.g. hin_Deva or srp_Cyrl"


@dataclass(frozen=True, slots=True, order=True)
class LanguageTag:
    """A language in a script; ``str(tag)`` is what the pairs folder holds.

    Args:
        language: ISO 639-3 code.
        script: ISO 15924 code.
    """

    language: str
    script: str

    def __str__(self) -> str:
        return f"{self.language}_{self.script}"

    @property
    def romanizer_code(self) -> str:
        """ISO 639-3 code that romanizers have rules under: ``fas`` for ``pes_Arab``."""
        return romanizer_code_of(self.language)

    @classmethod
    def parse(
        cls, written: object, given: str | None = None, *, likely: bool = False
    ) -> "LanguageTag":
        """Read what a person writes for a language in a script.

        Takes the tags of FLORES and Glot500 (``pes_Arab``), BCP-47 tags (``zh-Hant-TW``) and
        locale names (``sr_RS.UTF-8@latin``), with codes of ISO 639-1, 639-2, 639-3 and 639-5,
        with retired codes and with grandfathered tags (``zh-min-nan``), in any case.

        Args:
            written: the text to read.
            given: what to show in an error as the user's input; by default ``lang=…``.
            likely: where the script is missing, take the one that CLDR expects
                (``hi`` → ``hin_Deva``).

        Returns:
            The tag.

        Raises:
            DataError: the form is wrong, or language or script do not exist or are missing.

        >>> [str(LanguageTag.parse(tag)) for tag in ("hin_Deva", "sr-Latn", "ks@deva")]
        ['hin_Deva', 'srp_Latn', 'kas_Deva']
        >>> str(LanguageTag.parse("zh-TW", likely=True))
        'zho_Hant'
        """
        given = given or Option("lang", repr(written))
        parts = _parts(written.strip()) if isinstance(written, str) else NOT_A_TAG
        if not isinstance(parts, _Parts):
            problem, remedy, code = parts
            raise DataError(given, problem, remedy, code=code)
        script = parts.script
        if script is None:
            script = likely_script(parts.language, parts.territory)
            if script is None or not likely:
                suggestion = cls(parts.language, script) if script else None
                raise DataError(
                    given,
                    f"{written!r} names no script",
                    _script_remedy(str(written), suggestion),
                    code="TLN-DATA-234",
                )
        return cls(parts.language, script)


def _script_remedy(written: str, suggestion: LanguageTag | None) -> str:
    if suggestion is None:
        return REMEDY
    return (
        f"Write {suggestion}, or map the name with tags={{{written}: {suggestion}}}; tags=auto "
        "takes the likely script of every language"
    )


def romanizer_code(written: str, given: str | None = None) -> str:
    """The code that romanizers have rules under.

    Args:
        written: a tag, or a language without script.
        given: what to show in an error as the user's input.

    Returns:
        An ISO 639-3 code.

    Raises:
        DataError: there is no such language.

    >>> [romanizer_code(tag) for tag in ("uk", "ukr-Cyrl", "pes_Arab", "ydd_Hebr", "zh")]
    ['ukr', 'ukr', 'fas', 'yid', 'zho']
    """
    parts = _parts(written.strip())
    if not isinstance(parts, _Parts):
        problem, remedy, code = parts
        raise DataError(given or Option("lang", repr(written)), problem, remedy, code=code)
    return romanizer_code_of(parts.language)


@dataclass(frozen=True, slots=True)
class _Parts:
    language: str
    script: str | None
    territory: str | None


Problem = tuple[str, str, str]
"""What is wrong with a tag, what to do about it, and the code of the error."""
NOT_A_TAG = ("not a language tag", REMEDY, "TLN-DATA-230")


@cache
def _parts(written: str) -> _Parts | Problem:
    """Language, script and territory of a tag or locale name, or what is wrong with it."""
    name, _, modifier = written.partition("@")
    name = modern_name(CHARSET.sub("", name))
    if not FORM.fullmatch(name):
        return NOT_A_TAG
    first, *subtags = re.split("[-_]", name)
    language = iso639_3(first.lower())
    if language is None:
        return (f"{first!r} is not a code of ISO 639", REMEDY, "TLN-DATA-231")
    script: str | None = None
    territory: str | None = None
    for subtag in subtags:
        code = subtag.lower()
        if len(subtag) == 1:
            break  # extensions and private use say nothing about language and script
        if len(code) == 4 and code.isalpha() and script is None:
            script = code.title()
            if not is_script(script):
                return (f"{subtag!r} is not a code of ISO 15924", REMEDY, "TLN-DATA-232")
        elif len(code) == 3 and is_extended_language(code, language):
            language = code
        elif (len(code) == 2 or code.isdigit()) and territory is None:
            territory = subtag.upper()
        elif code not in _variants():
            return NOT_A_TAG
    if modifier:
        named = script_of_modifier(modifier)
        unknown = named is None and modifier.lower() not in MODIFIERS_WITHOUT_SCRIPT
        if unknown or (named and script and named != script):
            return (f"the modifier {modifier!r} names no script", REMEDY, "TLN-DATA-235")
        script = script or named
    return _Parts(language, script, territory)


@cache
def _variants() -> frozenset[str]:
    """Variant subtags that CLDR has a name for, such as ``valencia``."""
    return frozenset(name.lower() for name in Locale("en").variants)


class LanguageNames:
    """How a corpus names its languages in files, folders, columns and configurations.

    Args:
        tags: name → tag, for names that are not tags (``{"hi": "hin_Deva"}``); or ``auto``, which
            takes the likely script of a language that is named without one; None takes tags only.

    Raises:
        ConfigError: ``tags`` is neither.
        DataError: a value of ``tags`` is not a language tag.
    """

    def __init__(self, tags: Mapping[Any, str] | str | None = None) -> None:
        self.likely = tags == "auto"
        if not (self.likely or tags is None or isinstance(tags, Mapping)):
            raise ConfigError(
                Option("tags", tags),
                "neither a mapping nor auto",
                "Give e.g. tags={hi: hin_Deva}, or tags=auto",
                code="TLN-CONFIG-236",
            )
        self.mapping: dict[str, LanguageTag] = {}
        if isinstance(tags, Mapping):
            for name, tag in tags.items():
                given = Option("tags", f"{{{name}: {tag}}}")
                # YAML reads the name `no`, for Norwegian, as False.
                key = "no" if name is False else str(name)
                self.mapping[key] = LanguageTag.parse(tag, given)

    def tag(self, name: object, given: str | None = None) -> LanguageTag:
        """Find the tag that a name means.

        Args:
            name: as the source writes it.
            given: what to show in an error as the user's input.

        Returns:
            The tag.

        Raises:
            DataError: it is not mapped and not a tag.
        """
        if isinstance(name, str) and name in self.mapping:
            return self.mapping[name]
        return LanguageTag.parse(name, given, likely=self.likely)

    def tag_of_file(self, path: Path) -> LanguageTag:
        """The tag that a file or its folder is named after.

        Such names are ``hin_Deva.txt``, ``hin_Deva.part2.csv``, ``hin_Deva_dev.tsv``,
        ``hin_Deva/train.txt`` and, of aligned text, ``bible.hin_Deva-eng_Latn.hin_Deva``.

        Args:
            path: of the file.

        Returns:
            The tag.

        Raises:
            DataError: neither name is a tag or mapped.
        """
        stem = OF_A_SPLIT.sub("", path.name.split(".")[0])
        if of_a_pair := OF_A_PAIR.search(path.name):
            stem = of_a_pair[3]  # not the first of the two: hi-en.en is English
        names = [path.name, stem, *path.name.split("."), path.parent.name]
        for name in names:
            if name in self.mapping:
                return self.mapping[name]
        # a full tag in the folder comes before a likely script of the file: dev is a language, too
        for likely in (False, True) if self.likely else (False,):
            for name in (stem, path.parent.name):
                for tag in _parsed(name, likely):
                    return tag
        hint = _suggestion(stem) or _suggestion(path.parent.name) or ""
        raise DataError(
            path,
            "no language tag in the name of the file or its folder",
            f"Set lang=…, map the name with tags={{{hint or f'{stem}: hin_Deva'}}}, or rename the "
            f"file. {REMEDY}",
            code="TLN-DATA-233",
        )


def _parsed(name: str, likely: bool) -> Iterator[LanguageTag]:
    try:
        yield LanguageTag.parse(name, likely=likely)
    except DataError:
        return


def suggested_tag(name: str) -> LanguageTag | None:
    """The tag that a name without script is likely to mean.

    Args:
        name: such as ``hi``.

    Returns:
        The tag; None where there is none.

    >>> str(suggested_tag("hi"))
    'hin_Deva'
    """
    try:
        return LanguageTag.parse(name, likely=True)
    except DataError:
        return None


def _suggestion(name: str) -> str | None:
    tag = suggested_tag(name)
    return f"{name}: {tag}" if tag else None
