"""ISO 639 and ISO 15924 codes: which exist, what replaced them, and what a romanizer calls them."""

from functools import cache

import pycountry
from babel.core import get_global

ROMANIZED_SCRIPT = "Latn"
ARABIC = (
    "aao abh abv acm acq acw acx acy adf aeb aec afb apc apd arb arq ars ary arz auz avl ayh ayl "
    "ayn ayp pga shu ssh"
)
CHINESE = "cdo cjy cmn cnp cpx csp czh czo gan hak hnm hsn luh lzh mnp nan sjc wuu yue"
"""Individual languages of the macrolanguages ara and zho, by ISO 639-3."""

ROMANIZER_GROUPS = {
    "ara": ARABIC,
    "fas": "pes prs",
    "lav": "lvs ltg",
    "pus": "pbt pbu pst",
    "san": "cls vsn",
    "srp": "hbs",
    "yid": "ydd yih",
}
"""Code that uroman has rules for → codes of the same language, or of its varieties, that it has
none for. uroman's rules for Serbian are also those of ``hbs``, Serbo-Croatian.
"""

SPLIT_CODES = {"eml": ("egl", "rgn")}
"""Retired codes that CLDR has no successor for → the languages that they were split into."""

GRANDFATHERED = {
    **{"zh-min-nan": "nan", "zh-guoyu": "cmn", "zh-hakka": "hak", "zh-xiang": "hsn"},
    **{"art-lojban": "jbo", "no-bok": "nob", "no-nyn": "nno", "i-klingon": "tlh", "i-lux": "ltz"},
    **{"i-navajo": "nav", "i-hak": "hak", "i-ami": "ami", "i-bnn": "bnn", "i-pwn": "pwn"},
    **{"i-tao": "tao", "i-tay": "tay", "i-tsu": "tsu", "sgn-be-fr": "sfb", "sgn-be-nl": "vgt"},
    **{"sgn-ch-de": "sgg", "sgn-br": "bzs", "sgn-co": "csn", "sgn-de": "gsg", "sgn-dk": "dsl"},
    **{"sgn-es": "ssp", "sgn-fr": "fsl", "sgn-gb": "bfi", "sgn-gr": "gss", "sgn-ie": "isg"},
    **{"sgn-it": "ise", "sgn-jp": "jsl", "sgn-mx": "mfs", "sgn-ni": "ncs", "sgn-nl": "dse"},
    **{"sgn-no": "nsi", "sgn-pt": "psr", "sgn-se": "swl", "sgn-us": "ase", "sgn-za": "sfs"},
}
"""Tags that were registered whole before BCP-47 had its present form → the language's code now
(IANA Language Subtag Registry).
"""

_ROMANIZER_CODE = {
    member: code for code, members in ROMANIZER_GROUPS.items() for member in members.split()
}
_EXTENDED_PREFIX = dict.fromkeys(ARABIC.split(), "ara") | dict.fromkeys(CHINESE.split(), "zho")


@cache
def iso639_3(code: str) -> str | None:
    """The three-letter code of a language, or None where ``code`` is not one.

    Args:
        code: ISO 639-1 (``hi``), 639-2/B (``per``), 639-3 (``hin``) or 639-5 (``ber``); also a
            retired code (``iw``, ``ajp``).

    A retired three-letter code stays as it is: a corpus that uses it keeps its own name.

    >>> iso639_3("hi"), iso639_3("per"), iso639_3("ajp"), iso639_3("qqz")
    ('hin', 'fas', 'ajp', None)
    """
    if len(code) == 2:
        entry = pycountry.languages.get(alpha_2=code)
        successor = _successor(code)
        if entry is None and successor:
            return iso639_3(successor)
        return str(entry.alpha_3) if entry else None
    if pycountry.languages.get(alpha_3=code):
        return code
    if entry := pycountry.languages.get(bibliographic=code):
        return str(entry.alpha_3)
    known = pycountry.language_families.get(alpha_3=code) or code in SPLIT_CODES
    return code if known or _successor(code) else None


def _successor(code: str) -> str | None:
    """The language that CLDR has for a retired code or a code's synonym (``ajp`` → ``apc``)."""
    alias = get_global("language_aliases").get(code)
    return alias.split("_")[0] if alias else None


@cache
def romanizer_code_of(language: str) -> str:
    """What romanizers call an ISO 639-3 language: the code that uroman has rules for, where it has
    some.

    >>> [romanizer_code_of(code) for code in ("pes", "ary", "ajp", "hin")]
    ['fas', 'ara', 'ara', 'hin']
    """
    if language in _ROMANIZER_CODE:
        return _ROMANIZER_CODE[language]
    if pycountry.languages.get(alpha_3=language) is None and (successor := _successor(language)):
        return romanizer_code_of(iso639_3(successor) or language)
    return language


def modern_name(name: str) -> str:
    """The name with the code of today where it begins with a grandfathered tag.

    >>> modern_name("i-klingon"), modern_name("zh_min_nan_Latn"), modern_name("zh-Hant")
    ('tlh', 'nan_Latn', 'zh-Hant')
    """
    subtags = name.lower().replace("_", "-").split("-")
    for number in (3, 2):
        if code := GRANDFATHERED.get("-".join(subtags[:number])):
            return code + name[len("-".join(subtags[:number])) :]
    return name


def is_extended_language(code: str, prefix: str) -> bool:
    """Whether ``code`` may follow ``prefix`` in a BCP-47 tag, as in ``zh-yue`` and ``sgn-ase``."""
    if prefix == "sgn":
        entry = pycountry.languages.get(alpha_3=code)
        return entry is not None and "Sign Language" in entry.name
    return _EXTENDED_PREFIX.get(code) == prefix


@cache
def likely_script(language: str, territory: str | None = None) -> str | None:
    """The script that CLDR expects a language in (likely subtags), or None where it has none.

    >>> likely_script("zho"), likely_script("zho", "TW"), likely_script("pbt")
    ('Hans', 'Hant', 'Arab')
    """
    alias = get_global("language_aliases").get(language, "").split("_")
    if is_script(alias[-1]):
        return str(alias[-1])  # Serbo-Croatian: hbs → sr_Latn
    for name in _cldr_names(language):
        for key in (f"{name}_{territory}", name):
            # e.g. zh_TW → zh_Hant_TW
            if found := get_global("likely_subtags").get(key):
                return str(found.split("_")[1])
    return None


def _cldr_names(language: str) -> list[str]:
    """Names that CLDR may have a language under, the most specific first."""
    names: list[str | None] = [language]
    if pycountry.languages.get(alpha_3=language) is None:
        names += SPLIT_CODES.get(language, ())
    for code in (language, romanizer_code_of(language)):
        entry = pycountry.languages.get(alpha_3=code)
        names += [getattr(entry, "alpha_2", None), _successor(code), code]
    return [name for name in names if name]


def is_script(code: str) -> bool:
    """Whether ``code`` is in ISO 15924, such as ``Deva``."""
    return pycountry.scripts.get(alpha_4=code) is not None


MODIFIERS_WITHOUT_SCRIPT = {
    "abegede",
    "boldquot",
    "ekavian",
    "euro",
    "ijekavian",
    "quot",
    "saaho",
    "valencia",
}
"""Modifiers of locale names, as in ``ca@valencia``, that say nothing about the script."""
SCRIPT_MODIFIERS = {"iqtelif": "Latn", "yanalif": "Latn", "zamanalif": "Latn", "nastaliq": "Aran"}


@cache
def script_of_modifier(modifier: str) -> str | None:
    """The script that a locale's modifier names, or None where it names none.

    Takes ISO 15924 codes (``ks@deva``), names of scripts (``uz@cyrillic``) and names that end in
    one (``sr@ijekavianlatin``).

    >>> [script_of_modifier(m) for m in ("latin", "Latn", "ijekavianlatin", "shaw", "euro")]
    ['Latn', 'Latn', 'Latn', 'Shaw', None]
    """
    lower = modifier.lower()
    if lower in SCRIPT_MODIFIERS:
        return SCRIPT_MODIFIERS[lower]
    if is_script(lower.title()):
        return lower.title()
    endings = [name for name in _script_names() if lower.endswith(name)]
    return _script_names()[max(endings, key=len)] if endings else None


@cache
def _script_names() -> dict[str, str]:
    """Lower-case name of a script → its code: ``{"latin": "Latn", …}``."""
    codes: dict[str, str] = {}
    # Of "Latin" and "Latin (Fraktur variant)", the shorter name is the script itself.
    for script in sorted(pycountry.scripts, key=lambda script: len(script.name), reverse=True):
        name = script.name.split()[0].strip(",").lower()
        if len(name) > 4:
            codes[name] = script.alpha_4
    return codes


def romanized_tag(tag: str) -> str:
    """The tag of romanized text: the same language in Latin script.

    >>> romanized_tag("hin_Deva")
    'hin_Latn'
    """
    return f"{tag.partition('_')[0]}_{ROMANIZED_SCRIPT}"
