"""Languages, scripts and tasks in words."""

import re
from collections.abc import Sequence
from functools import cache

import pycountry
from babel import Locale
from babel.core import get_global

from transliconet.probe.views import HUMAN, NATIVE, NOISY, ROMANIZED
from transliconet.report.tables import ALL

MOST_LANGUAGES_NAMED = 2
"""More languages than this are counted, not named."""
HAN = ("Hans", "Hant")
"""Scripts that CLDR calls Simplified and Traditional."""
VIEW_WORDS = {
    NATIVE: "native",
    ROMANIZED: "romanized",
    NOISY: "noisy romanized",
    HUMAN: "typed by people",
    "half": "half romanized",
}


@cache
def language_name(code: str) -> str:
    """The English name of an ISO 639-3 language; the code itself where it has none.

    >>> language_name("hin"), language_name("ydd"), language_name("npi"), language_name("zz9")
    ('Hindi', 'Eastern Yiddish', 'Nepali', 'zz9')
    """
    entry = pycountry.languages.get(alpha_3=code)
    names = Locale("en").languages
    for known in (getattr(entry, "alpha_2", None), code):
        if known in names:
            return str(names[known])
    if entry is not None:
        return re.sub(r" \(.*\)$", "", entry.name)
    successor = get_global("language_aliases").get(code)  # of a retired code
    return str(names.get(successor, code))


@cache
def script_name(code: str) -> str:
    """The English name of an ISO 15924 script; the code itself where it has none.

    >>> script_name("Deva"), script_name("Hans"), script_name("Olck"), script_name("Zz9z")
    ('Devanagari', 'Simplified Han', 'Ol Chiki', 'Zz9z')
    """
    name = Locale("en").scripts.get(code)
    if name is not None:
        return f"{name} Han" if code in HAN else str(name)
    entry = pycountry.scripts.get(alpha_4=code)
    return code if entry is None else str(entry.name)


def tag_name(tag: str) -> str:
    """A language and its script; only the language where nobody would ask for the script.

    >>> tag_name("hin_Deva"), tag_name("eng_Latn"), tag_name("ell_Grek"), tag_name("all")
    ('Hindi (Devanagari)', 'English', 'Greek', 'all')
    """
    code, _, script = tag.partition("_")
    if not script:
        return tag
    language, written = language_name(code), script_name(script)
    if written == language or tag == "eng_Latn":
        return language
    return f"{language} ({written})"


def group_name(group: str) -> str:
    """The name of a row of a table, of a script or of a language.

    >>> group_name("Deva"), group_name("hin_Deva"), group_name("all")
    ('Devanagari', 'Hindi (Devanagari)', '')
    """
    if group == ALL:
        return ""
    return tag_name(group) if "_" in group else script_name(group)


def script_label(script: str, tags: Sequence[str]) -> str:
    """A script with the languages that are written in it here.

    >>> script_label("Deva", ["hin_Deva"]), script_label("Cyrl", ["bul_Cyrl"] * 6)
    ('Devanagari (Hindi)', 'Cyrillic (6 languages)')
    """
    name = script_name(script)
    if len(tags) > MOST_LANGUAGES_NAMED:
        return f"{name} ({len(tags)} languages)"
    languages = ", ".join(language_name(tag.partition("_")[0]) for tag in tags)
    return name if languages == name else f"{name} ({languages})"


def languages_text(tags: Sequence[str]) -> str:
    """One language by its name, several by their number.

    >>> languages_text(["hin_Deva"]), languages_text(["hin_Deva", "kat_Geor"])
    ('Hindi', '2 languages')
    """
    if len(tags) == 1:
        return language_name(tags[0].partition("_")[0])
    return f"{len(tags)} languages"


def task_name(task: str) -> str:
    """A task in words.

    >>> task_name("romanized→native"), task_name("native→eng_Latn")
    ('Romanized → native', 'Native → English')
    """
    words = []
    for side in task.split("→"):
        words.append(VIEW_WORDS.get(side, tag_name(side)))
    name = " → ".join(words)
    return name[:1].upper() + name[1:]
