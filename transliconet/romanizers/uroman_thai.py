"""Where a line of Thai can be split. uroman reads Thai by syllable and so looks at more neighbours
than in any other script.
"""

import re
from collections import defaultdict

from transliconet.romanizers.uroman_tables import RuleTables

THAI = "\u0e01-\u0e3a\u0e40-\u0e4e"
"""Thai letters and marks, as a range of a regular expression."""
IS_THAI = re.compile(f"[{THAI}]")
PRE_VOWELS = "เแโใไ"
"""Vowels that are written before the consonant that they follow in speech."""
TONES = "่้๊๋"
PHINTHU = "\u0e3a"
O_ANG = "อ"
"""The letter that may be read by what stands farther left."""
VOWEL_MARKS = "ะาำัิีึืุู็"
SPLIT_AFTER = {*TONES, *VOWEL_MARKS}
"""A segment may begin after one of these, and then sees it as its stand-in."""


def _looks_left(space: str) -> str:
    """A pattern for a text that is read differently if what is left of it changes.

    For an o ang (อ), uroman walks left to the nearest romanization that is not empty, and skips one
    more character after each empty one. Only two neighbours that are surely not empty stop it. So
    the text up to an o ang depends on what is left of it where no two such neighbours stand in it.

    Args:
        space: the characters beside Thai ones that the walk does not pass over.
    """
    # Silent, cancelled (by a phinthu or thanthakhat) or a tone: its romanization may be empty.
    silent = f"[อห{TONES}{PHINTHU}\u0e45\u0e4c]"
    cancelled = f"[{THAI}](?=[{THAI}]?[{PHINTHU}\u0e4c])"
    empty = f"(?:[^{THAI}{space}]|{silent}|{cancelled})"
    sounded = f"(?!{empty})[{THAI}]"
    return f"(?:{sounded})?{empty}+(?:{sounded}{empty}+)*{O_ANG}"


_LOOKS_LEFT = re.compile(_looks_left(""))
_LOOKS_OVER_SPACE = re.compile(" " + _looks_left(" "))


def looks_over_space(text: str) -> bool:
    """Whether an o ang of ``text`` is read by what stands before a space."""
    return O_ANG in text and _LOOKS_OVER_SPACE.search(text) is not None


def looks_left(text: str, start: int, end: int, before: str) -> bool:
    """Whether a segment is read by more of what precedes it than its stand-in shows.

    Args:
        text: the text that is split.
        start, end: the segment is ``text[start:end]``.
        before: its stand-in on the left; in Thai it is the preceding character itself.

    Returns:
        True if it has to be read together with the segment before it.
    """
    return _LOOKS_LEFT.match(text, start - (before in SPLIT_AFTER), end) is not None


class ThaiSplits:
    """Decides whether a line can be split between two Thai characters.

    Args:
        tables: of uroman's rules.
    """

    def __init__(self, tables: RuleTables) -> None:
        self.pairs = tables.pairs
        self.starting: defaultdict[str, list[str]] = defaultdict(list)
        """First character → the romanizations of the rules that start with it, but empty ones."""
        self.ending: defaultdict[str, list[str]] = defaultdict(list)
        """Last character → the romanizations of the rules that end in it."""
        self.frame_ends: set[str] = set()
        """Characters of the second half of a frame, a vowel written around its consonant: เ–ีย."""
        for source, rules in tables.rules.items():
            if "–" in source:
                self.frame_ends.update(source.split("–")[1])
            if not IS_THAI.match(source):
                continue
            for rule in rules:
                if rule["t"]:
                    self.starting[source[0]].append(rule["t"])
                self.ending[source[-1]].append(rule["t"])

    def stand_ins(self, first: str, second: str) -> tuple[str, str] | None:
        """Decide about the boundary between two Thai characters.

        A consonant is read by the character before it, by whether the edge before it ends in a
        consonant, and by the next character, or the next two after a tone mark.

        Args:
            first, second: the two characters.

        Returns:
            The stand-ins for ``second`` and for ``first``; None: do not split between them.
        """
        if second in PRE_VOWELS:
            # It ends the syllable before, and what follows looks to the left no farther than to it.
            if first in PRE_VOWELS or second in self.frame_ends:
                return None
            return second, "("
        if not "ก" <= second <= "ฮ":  # no consonant
            return None
        before_second = self._consonant_like(first, second)
        if first in TONES:
            return (before_second, first) if self._tone_is_enough(first, second) else None
        if first in SPLIT_AFTER and self._vowel_is_enough(first):
            return before_second, first
        return None

    def _consonant_like(self, first: str, second: str) -> str:
        """Any consonant stands for another, unless a rule joins it to ``first``."""
        return second if first + "ก" in self.pairs else "ก"

    def _tone_is_enough(self, tone: str, second: str) -> bool:
        """Whether nothing on either side of a silent tone mark asks about the other side.

        The consonant before it asks whether ``second``, alone or with the next character, starts
        with a vowel. It never does.
        """
        if self.ending[tone] != [""] or second in "อห":
            return False
        return not any(romanized[0] in "aeiou" for romanized in self.starting[second])

    def _vowel_is_enough(self, vowel: str) -> bool:
        """Whether all rules that end in a vowel sign answer the next consonant's questions alike.

        All have to be vowels, and either all or none may end in a consonant. What precedes the sign
        has found its vowel and does not look past it.
        """
        ending = self.ending[vowel]
        if not ending or not all(re.match("[aeiou]", romanized) for romanized in ending):
            return False
        ends_in_vowel = {romanized[-1] in "aeiou" for romanized in ending}
        return len(ends_in_vowel) == 1
