"""Where a line can be split without changing what uroman makes of it.

uroman builds a lattice over a line, whose edges are spans of the line with their romanization, and
reads off the longest best edges from left to right. A line can be split between two characters if

1. no edge crosses the boundary, and
2. what is computed on either side sees of the other no more than one character, its *stand-in*, can
   show it.

What is known of both from the source of uroman 1.3.1.1:

Edges that cross
    - A rule is tried only while the span is a prefix of some rule's source, and a Thai frame
      (``เ–ีย``) only where it matches. A pair of characters that is adjacent in no source is
      crossed by neither.
    - A virama, a small kana, a lengthener and U+0300 join the edge on their left; っ, ッ, the
      Gurmukhi addak and Thai vowels that are written first join the one on their right; numbers
      join numbers, '.', signs and connectors. A line is not split at these.

What a side sees of the other
    - "Start of a word" asks whether the previous character is a letter, or an edge that ends there
      ends in one. "End of a word" asks whether the next character is a letter, or starts a rule
      that yields one. Capitals ask whether the next character is in lower case.
    - The default vowel of an abugida asks for the script of the previous character and whether it
      is a virama, and whether the next character (after a combining mark, the one after it) is a
      vowel sign, medial, subjoined or a virama. Khmer asks for yo.
    - A rule's own outer space is dropped beside U+0020 and at the start of the line, not at its
      end.

The language code is only compared with the codes of the rules and six literals: all other codes
give one and the same output. Braille keeps state along the whole line, which is never split.
"""

import re
import unicodedata
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from transliconet.romanizers.uroman_tables import RuleTables
from transliconet.romanizers.uroman_thai import IS_THAI, ThaiSplits

BRAILLE = re.compile("[\u2800-\u28ff]")
JOINS_LEFT = "ゃゅょャュョーយ"
JOINS_RIGHT = "っッ\u0a71"
LOWER_CASE_LETTER, OTHER_LETTER = "ა", "가"
"""Stand-ins for letters. They are in no rule of several characters, and their own rules have no
condition.
"""


class Role(Enum):
    """What a character may be at a boundary."""

    FIXED = "a line is never split beside it"
    NEUTRAL = "no letter, number or mark: punctuation and spaces"
    NUMBER = "a number"
    LETTER = "a letter that is read by itself"
    ABUGIDA_LETTER = "a letter with a default vowel"
    ABUGIDA_SIGN = "a vowel-like sign of an abugida"
    TIBETAN = "a Tibetan letter or vowel sign"
    THAI = "a Thai letter or mark"


PLAIN = (Role.NEUTRAL, Role.NUMBER, Role.LETTER)
IN_ABUGIDA = (Role.ABUGIDA_LETTER, Role.ABUGIDA_SIGN)


class Kind(NamedTuple):
    """The role of a character, with its script in an abugida."""

    role: Role
    script: str = ""


class StandIns(NamedTuple):
    """What stands for the other side of a boundary.

    Args:
        after: stands for the second character, at the end of the left segment.
        before: stands for the first character, at the start of the right segment.
    """

    after: str
    before: str


class Splitter:
    """Decides between which characters a line can be split.

    Args:
        tables: of uroman's rules.
        cache_entries: most characters whose kind is kept.
    """

    def __init__(self, tables: RuleTables, cache_entries: int) -> None:
        self.tables, self.uroman = tables, tables.uroman
        self.thai = ThaiSplits(tables)
        self.kind = lru_cache(cache_entries)(self._kind)
        self.letter_of = self._letter_of_each_abugida()

    def _letter_of_each_abugida(self) -> dict[str, str]:
        """Script → a letter of it that no rule joins to another character, as its stand-in."""
        joined = set("".join(self.tables.pairs))
        letters: dict[str, str] = {}
        for source in sorted(self.tables.rules):
            if len(source) > 1 or source in joined:
                continue
            kind = self.kind(source)
            if kind.role is Role.ABUGIDA_LETTER:
                letters.setdefault(kind.script, source)
        return letters

    def stand_ins(self, pair: str) -> StandIns | None:
        """Decide about the boundary between two characters.

        Args:
            pair: the two characters.

        Returns:
            Their stand-ins; None where a line must not be split between them.
        """
        first, second = pair[0], pair[1]
        if pair in self.tables.pairs or first in JOINS_RIGHT or second in JOINS_LEFT:
            return None
        left, right = self.kind(first), self.kind(second)
        roles = (left.role, right.role)
        if Role.FIXED in roles or self._joins_number(pair, roles):
            return None
        if roles == (Role.THAI, Role.THAI):
            found = self.thai.stand_ins(first, second)
            return StandIns(*found) if found else None
        if not self._is_boundary(pair, left, right):
            return None
        return StandIns(self._stand_in(second), self._stand_in(first))

    def _joins_number(self, pair: str, roles: tuple[Role, Role]) -> bool:
        if roles == (Role.NUMBER, Role.NUMBER):
            return True
        starts_fraction = pair[0] == "." and roles[1] is Role.NUMBER
        return starts_fraction or (roles[0] is Role.NUMBER and pair[1] == ".")

    def _is_boundary(self, pair: str, left: Kind, right: Kind) -> bool:
        """Whether each side sees of the other only what a stand-in shows."""
        first, second = pair[0], pair[1]
        if left.role in PLAIN and right.role in PLAIN:
            # Each asks at most whether the other is a letter, and in lower case.
            return True
        if left.role in PLAIN and not first.isalpha():
            # A word begins, in any script; but a sign needs the letter that it stands on.
            return right.role is not Role.ABUGIDA_SIGN
        if right.role in PLAIN and not second.isalpha():
            # A word ends.
            return True
        # A syllable ends and a letter follows: neither the edge of a word nor a sign.
        is_syllable_end = left.role in IN_ABUGIDA and right.role is Role.ABUGIDA_LETTER
        return is_syllable_end and left.script == right.script

    def _stand_in(self, character: str) -> str:
        """A character that the other side of a boundary cannot tell from this one."""
        kind = self.kind(character)
        if kind.role in IN_ABUGIDA:
            return self.letter_of.get(kind.script, character)
        if kind.role in (Role.TIBETAN, Role.THAI) or character == " ":
            return character
        if character.isalpha():
            return LOWER_CASE_LETTER if character.islower() else OTHER_LETTER
        return character if self.uroman.chr_script_name(character) else "("

    def _kind(self, character: str) -> Kind:
        """What a character may be at a boundary, from uroman's rules and Unicode's properties."""
        script = self.uroman.chr_script_name(character)
        if script == "Thai" and IS_THAI.match(character):
            return Kind(Role.THAI)
        if script == "Tibetan":
            is_letter = "LETTER" in self.uroman.chr_name(character)
            if is_letter or self._has_property("is-vowel-sign", character):
                return Kind(Role.TIBETAN)
        if unicodedata.category(character).startswith("M"):
            return self._kind_of_mark(character, script)
        return self._kind_of_other(character, script)

    def _has_property(self, name: str, character: str) -> bool:
        return bool(self.uroman.dict_bool[name, character])

    def _kind_of_mark(self, character: str, script: str) -> Kind:
        """A sign that always ends in a letter: what follows is not at the start of a word."""
        rules = self.tables.rules.get(character)
        if not rules or character in JOINS_RIGHT or script == "Tibetan":
            return Kind(Role.FIXED)
        in_abugida = script.lower() in self.tables.abugidas
        if not in_abugida or self._has_property("is-virama", character):
            return Kind(Role.FIXED)
        always_conditional = all(rule["n-restr"] for rule in rules)
        romanizations = self.tables.romanizations(character)
        ends_in_letter = all(romanized[-1:].isalpha() for romanized in romanizations)
        if always_conditional or not ends_in_letter:
            return Kind(Role.FIXED)
        return Kind(Role.ABUGIDA_SIGN, script)

    def _kind_of_other(self, character: str, script: str) -> Kind:
        rules = self.tables.rules.get(character, [])
        decomposed = unicodedata.normalize("NFKD", character)
        romanizations = self.tables.romanizations(character)
        shown = "".join([decomposed, self.uroman.romanize_string(character), *romanizations])
        is_number = self._is_number(character, shown)
        if character.isalpha():
            return self._kind_of_letter(character, script, is_number)
        # A rule for a language has that language as one of its conditions.
        restricted = any((rule["n-restr"] or 0) > bool(rule["lcodes"]) for rule in rules)
        starts_rule = character in self.tables.first_characters
        if restricted or starts_rule or character.islower() or any(map(str.isalpha, shown)):
            return Kind(Role.FIXED)
        return Kind(Role.NUMBER if is_number else Role.NEUTRAL)

    def _is_number(self, character: str, shown: str) -> bool:
        """Whether uroman may join a character to a number. ``shown``: all that it may become."""
        if unicodedata.numeric(character, None) is not None or any(map(str.isdigit, shown)):
            return True
        if character in self.tables.number_characters or self.uroman.num_props.get(character):
            return True
        rules = self.tables.rules.get(character, [])
        return any(rule["num"] is not None for rule in rules)

    def _kind_of_letter(self, character: str, script: str, is_number: bool) -> Kind:
        is_virama = self._has_property("is-virama", character)
        is_medial = self._has_property("is-medial-consonant-sign", character)
        if is_virama or is_medial or "SUBJOINED" in self.uroman.chr_name(character):
            return Kind(Role.FIXED)
        if script.lower() in self.tables.abugidas:
            is_vowel_sign = self._has_property("is-vowel-sign", character)
            if is_number or is_vowel_sign or script == "Tibetan":
                return Kind(Role.FIXED)
            return Kind(Role.ABUGIDA_LETTER, script)
        if script == "Thai":
            return Kind(Role.FIXED)
        return Kind(Role.NUMBER if is_number else Role.LETTER)
