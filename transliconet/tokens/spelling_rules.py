"""The spelling rules of each script: what people write instead of what uroman writes.

Hand-written from descriptions of the habits (:mod:`transliconet.tokens.spelling`) and from what
uroman writes for the script; the rates were not fitted to any text.
"""

import re

from transliconet.tokens.substitutions import SpellingRules, Substitutions
from transliconet.unicode_script import main_script

# Rates are those of an average writer, see Writer.strength.
_ABJAD_HABITS = {
    "kh": (0.5, "5 x k"), "gh": (0.4, "8 r g"), "sh": (0.5, "ch 4 s"), "th": (0.3, "t s 8"),
    "dh": (0.3, "d z th"), "q": (0.6, "9 k g"), "j": (0.3, "dj g"), "h": (0.35, "7"),
    "(?<=.)a$": (0.3, "e ah eh"), "a": (0.12, "e aa"), "d": (0.06, "th"), "t": (0.06, "6"),
    "s": (0.06, "9 ss"), "i": (0.2, "e y ee"), "u": (0.3, "ou o"), "f": (0.03, "ph"),
}  # fmt: skip
ARABIC = SpellingRules(
    conventions=Substitutions({
        "'": (0.9, "3 3 3 2 - a"), "`": (0.9, "3 3 -"),
        "(?<=[^aeiou])w(?=[^aeiou]|$)": (0.9, "ou o u oo"),
        "(?<=[^aeiou])y(?=[^aeiou]|$)": (0.9, "i i ee e"),
        "^w(?=[^aeiou])": (0.6, "wa we ou"), "^y(?=[^aeiou])": (0.8, "ya ye yi i"),
        "a(?=[wy][^aeiou])": (0.3, "e"),
    }),
    habits=Substitutions(_ABJAD_HABITS),
    inserted_vowels=0.6,
    doubled=0.08,
    has_article=True,
)  # fmt: skip
PERSIAN = SpellingRules(
    conventions=Substitutions({
        "th": (0.8, "s"), "dh": (0.8, "z"), "'": (0.8, "- a"), "`": (0.8, "-"),
        "(?<=[^aeiou])[vw](?=[^aeiou]|$)": (0.8, "o o u oo"), "w": (0.8, "v"),
        "(?<=[^aeiou])h$": (0.8, "e eh a"), "(?<=[^aeiou])y(?=[^aeiou]|$)": (0.9, "i ee e"),
    }),
    habits=Substitutions({
        "kh": (0.3, "x k"), "gh": (0.3, "q g"), "q": (0.5, "gh k"), "ch": (0.1, "c"),
        "a": (0.2, "aa o"), "i": (0.2, "ee y e"), "v": (0.2, "w o"), "u": (0.2, "oo o"),
    }),
    inserted_vowels=0.7,
    vowels="aaaeeeeo",
)  # fmt: skip
HEBREW = SpellingRules(
    conventions=Substitutions({
        "(?<=[^aeiou])vv?(?=[^aeiou]|$)": (0.85, "o o u"), "vv": (0.8, "v"),
        "^v(?=[^aeiou])": (0.8, "ve u"), "^h(?=[^aeiou])": (0.9, "ha"),
        "^b(?=[^aeiou])": (0.6, "be ba"), "^l(?=[^aeiou])": (0.6, "le la"),
        "^m(?=[^aeiou])": (0.4, "me mi"), "^k(?=[^aeiou])": (0.3, "ke"),
        "^sh(?=[^aeiou])": (0.4, "she"), "(?<=[^aeiou])h$": (0.9, "a ah e"),
        "'": (0.9, "- - a e"), "yy": (0.9, "ai ay y"),
        "(?<=[^aeiou])y(?=[^aeiou]|$)": (0.9, "i i ei"),
        "^f": (0.9, "p"), "mm": (0.5, "m"),
    }),
    habits=Substitutions({
        "ch": (0.5, "h kh"), "ts": (0.5, "tz z"), "f": (0.35, "p"), "v": (0.25, "b"),
        "q": (0.5, "k"), "a": (0.1, "e"), "i": (0.1, "ee y"), "k": (0.15, "kh c"), "sh": (0.1, "s"),
    }),
    inserted_vowels=0.75,
    vowels="aaaaeeeeio",
)  # fmt: skip
# uroman writes retroflex consonants twice, an anusvara as m, long vowels twice
_SILENT_A = "(?:(?<=[aeiou][^aeiou])|(?<=[aeiou][^aeiou]h))a(?=[^aeiou\\W]h?[aeiou])"
_INDIC = {
    "t{3,4}h": (1.0, "tth th"), "t{3,4}": (1.0, "tt t"), "tth": (0.95, "th"), "tt": (0.9, "t"),
    "d{3,4}h": (1.0, "ddh dh"), "d{3,4}": (1.0, "dd d"), "ddh": (0.95, "dh dh rh"),
    "dd": (0.9, "d d r"), "nnn?": (0.7, "n"), "rr+": (0.8, "r"), "jny": (0.9, "gy"),
    "kss": (0.9, "ksh x kh"), "ss": (0.9, "sh sh s"),
    "aaa?i": (0.7, "ai ayi aai"), "aa": (0.85, "a"), "ii": (0.95, "i i i ee"),
    "uu": (0.95, "u u oo"), "ee": (0.9, "e"), "oo": (0.9, "o"),
    "m(?=[kgcjtdnshlvy])": (0.8, "n"), "(?<=[eiou])m$": (0.85, "n n -"),
    "(?<![aeiou])r(?=[bcdfgjklmnpstvz])": (0.85, "ri ri ru"),
}  # fmt: skip
_INDIC_HABITS = {
    "bh": (0.15, "b"), "dh": (0.15, "d"), "gh": (0.15, "g"), "kh": (0.12, "k q"),
    "ph": (0.5, "f"), "th": (0.15, "t"), "sh": (0.25, "s"), "chh": (0.4, "ch"), "v": (0.35, "w"),
    "w": (0.4, "v"), "z": (0.3, "j"), "j": (0.1, "z"), "y": (0.08, "i"), "ai": (0.3, "e ei ay"),
    "au": (0.3, "o ou aw"), "a": (0.06, "aa"), "e": (0.06, "ey ai"), "i": (0.12, "ee e"),
    "u": (0.12, "oo o"), "k": (0.04, "c q"), "s": (0.06, "sh"), "f": (0.3, "ph"), "q": (0.6, "k"),
}  # fmt: skip
INDO_ARYAN = SpellingRules(
    conventions=Substitutions({
        **_INDIC, _SILENT_A: (0.9, "-"), "(?<=[^aeiou])a$": (0.35, "-"),
        "chh": (0.9, "chh ch"), "ch": (0.6, "chh"), "c": (0.95, "ch"),
    }),
    habits=Substitutions(_INDIC_HABITS),
)  # fmt: skip
BENGALI = SpellingRules(
    conventions=Substitutions({
        "kss": (0.9, "kh kkh ksh"), "jny": (0.9, "gg g"), "^y": (0.85, "j"), "yy": (0.9, "y"),
        "(?<=[bcdfghjklmnprstv])y(?=[^aeiou]|$)": (0.7, "-"),
        "(?<=[bcdfghjklmnprstv])yaa?": (0.7, "a e ya"), "(?<=a)y(?=aa)": (0.3, "e -"),
        "(?<=[dstkgj])v": (0.7, "w -"), **_INDIC, "chh": (0.8, "ch"), "a": (0.75, "o"),
    }),
    habits=Substitutions({**_INDIC_HABITS, "s": (0.2, "sh"), "sh": (0.3, "s"), "j": (0.15, "z"),
                          "bh": (0.25, "v"), "o": (0.08, "a u")}),
)  # fmt: skip
_DRAVIDIAN = {
    "rrrr": (0.9, "tt tr"), "nrr": (0.8, "ndr nr nt"), "lll": (0.9, "zh l"), "ll": (0.5, "l"),
    **_INDIC, "c(?!h)": (0.9, "ch"), "aa": (0.7, "a"),
}  # fmt: skip
_SOUTHERN = {"t(?![th])": (0.35, "th"), "d(?![dh])": (0.2, "dh"), "zh": (0.3, "l z")}
DRAVIDIAN = SpellingRules(
    conventions=Substitutions(_DRAVIDIAN), habits=Substitutions({**_SOUTHERN, **_INDIC_HABITS})
)
TAMIL = SpellingRules(
    conventions=Substitutions({
        "(?<=[aeioumn])k(?=[aeiou])": (0.7, "g g h"),
        "(?<=[aeioun])t(?=[aeiour])": (0.8, "th d dh"),
        "(?<=[aeiou])tt(?=[^t])": (0.6, "tt d t"), "(?<=[aeioum])p(?=[aeiou])": (0.5, "b"),
        "(?<=[aeioun])c(?!c)": (0.8, "s j"), "^c": (0.8, "s ch"), **_DRAVIDIAN,
    }),
    habits=Substitutions({**_SOUTHERN, **_INDIC_HABITS}),
)  # fmt: skip
SINHALA = SpellingRules(
    conventions=Substitutions({"ae": (0.7, "e a"), **_INDIC, "c(?!h)": (0.9, "ch")}),
    habits=Substitutions({**_SOUTHERN, **_INDIC_HABITS}),
)
ETHIOPIC = SpellingRules(
    conventions=Substitutions({
        "aa": (0.95, "a"), "ee": (0.6, "e ie"), "ii": (0.9, "i"), "uu": (0.9, "u"),
        "(?<=.)e$": (0.85, "-"), "e": (0.7, "i - -"), "a": (0.65, "e"),
    }),
    habits=Substitutions({
        "ts": (0.4, "tz s"), "ch": (0.2, "c"), "q": (0.4, "k"), "w": (0.15, "u"), "y": (0.15, "i"),
        "sh": (0.15, "s"), "i": (0.12, "e y"), "o": (0.1, "u"), "'": (0.8, "-"),
    }),
)  # fmt: skip
GREEK = SpellingRules(
    habits=Substitutions({
        "th": (0.5, "8 9 t"), "ch": (0.75, "x h"), "kh": (0.75, "x h ch"), "ps": (0.3, "4"),
        "ks": (0.5, "3 x"), "x": (0.4, "ks 3"), "ou": (0.35, "u"), "ph": (0.7, "f"),
        "f": (0.1, "ph"), "v": (0.3, "b"), "b": (0.4, "v"), "o": (0.25, "w"), "ai": (0.3, "e"),
        "i": (0.25, "h y ei n"), "e": (0.25, "i i ai h"), "y": (0.5, "u i"), "u": (0.3, "y i"),
        "g": (0.2, "y gh"), "d": (0.1, "dh"), "mp": (0.3, "b"), "nt": (0.3, "d"), "n": (0.05, "v"),
        "r": (0.03, "p"),
    })
)  # fmt: skip
CYRILLIC = SpellingRules(
    habits=Substitutions({
        "shch": (0.5, "sch shh w"), "zh": (0.45, "j z g"), "kh": (0.6, "h x"), "ts": (0.4, "c tz"),
        "ch": (0.35, "4 c"), "sh": (0.3, "s 6 w"), "ya": (0.4, "ia ja a"), "yu": (0.4, "iu ju u"),
        "(?<=[aeiou])ye": (0.4, "e je"), "y": (0.4, "i j -"), "'": (0.9, "- j"),
        "e": (0.15, "ye je"), "i": (0.2, "y j"), "v": (0.1, "w"), "g": (0.1, "h"), "k": (0.05, "c"),
        "o": (0.08, "a"),
    })
)  # fmt: skip
GEORGIAN = SpellingRules(
    habits=Substitutions({
        "ch": (0.2, "w c"), "kh": (0.8, "k q"), "x": (0.35, "kh h"), "ts": (0.5, "c"),
        "dz": (0.2, "z"), "q": (0.5, "y k"), "gh": (0.2, "g"), "sh": (0.15, "s"), "th": (0.7, "t"),
        "ph": (0.8, "p f"), "zh": (0.3, "j"), "j": (0.2, "dj"), "v": (0.08, "w"),
    })
)  # fmt: skip
OTHER = SpellingRules(
    habits=Substitutions({
        "ph": (0.4, "p f"), "th": (0.4, "t"), "kh": (0.4, "k g"), "ch": (0.3, "j c"),
        "sh": (0.3, "s x"), "ts": (0.3, "c tz"), "aa": (0.5, "a"), "ee": (0.4, "e i"),
        "oo": (0.4, "o u"), "ii": (0.5, "i ee"), "uu": (0.5, "u oo"), "ae": (0.5, "a e"),
        "eo": (0.4, "o u"), "eu": (0.4, "u e"), "r": (0.15, "l"), "l": (0.08, "r"),
        "w": (0.3, "v u"), "v": (0.3, "w b"), "y": (0.25, "i j"), "j": (0.25, "ch z dj"),
        "k": (0.2, "c q g"), "q": (0.5, "k"), "x": (0.3, "kh h"), "'": (0.8, "-"),
        "a": (0.1, "o e"), "e": (0.12, "i a"), "o": (0.12, "u oa"), "u": (0.2, "o oo"),
        "i": (0.15, "ee y"), "g": (0.15, "k"), "d": (0.1, "t"), "b": (0.12, "p"),
        "p": (0.08, "ph b"), "t": (0.08, "th d"),
    })
)  # fmt: skip

RULES: dict[str, SpellingRules] = {
    "Arab": ARABIC,
    "Hebr": HEBREW,
    **dict.fromkeys(("Syrc", "Thaa"), ARABIC),
    **dict.fromkeys(("Deva", "Gujr", "Guru"), INDO_ARYAN),
    **dict.fromkeys(("Beng", "Orya"), BENGALI),
    **dict.fromkeys(("Telu", "Knda", "Mlym"), DRAVIDIAN),
    "Taml": TAMIL,
    "Sinh": SINHALA,
    "Ethi": ETHIOPIC,
    "Grek": GREEK,
    "Cyrl": CYRILLIC,
    "Geor": GEORGIAN,
}
"""Script (ISO 15924) → its rules; :data:`OTHER` for all others."""

NOT_ARABIC = re.compile("[\u067e\u0686\u0698\u06a9\u06af\u06cc\u0679\u0688\u0691\u06ba\u06d2]")
"""Letters of Persian, Urdu and their neighbours that Arabic does not have."""


def rules_for(native: str) -> SpellingRules:
    """The rules of the main script of a text; Arabic and Persian are told apart by their letters.

    >>> rules_for("سلام دنیا") is PERSIAN, rules_for("سلام") is ARABIC
    (True, True)
    """
    script = main_script(native)
    if script == "Arab" and NOT_ARABIC.search(native):
        return PERSIAN
    return RULES.get(script or "", OTHER)
