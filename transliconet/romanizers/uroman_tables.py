"""What uroman's rules say about splitting a line: which characters they join, which spaces they
write, which language codes they know.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from uroman.uroman import Uroman

UROMAN_VERSION = "1.3.1.1"
"""The version whose source :mod:`~transliconet.romanizers.uroman_split` was written from."""

Rule = dict[str, Any]
"""A rule as uroman holds it. Read here: ``t``, the romanization; ``lcodes``, the languages that it
is for; ``num``, the number that it stands for; ``n-restr``, how many conditions it has.
"""
CODES_IN_THE_SOURCE = {"san", "asm", "ben", "guj", "kas", "pan"}
"""Codes that ``Lattice.add_default_abugida_vowel`` compares with, beside those of rules."""


@dataclass(frozen=True)
class RuleTables:
    """Tables derived from uroman's rules.

    Args:
        uroman: a romanizer that has loaded its rules.
    """

    uroman: Uroman

    @cached_property
    def rules(self) -> dict[str, list[Rule]]:
        """Source text → its rules."""
        every = self.uroman.rom_rules.items()
        return {source: rules for source, rules in every if source and rules}

    @cached_property
    def codes(self) -> set[str]:
        """Language codes that change the output. All others give one and the same."""
        codes = set(CODES_IN_THE_SOURCE)
        for rules in self.rules.values():
            for rule in rules:
                codes.update(rule["lcodes"] or ())
        return codes

    @cached_property
    def pairs(self) -> set[str]:
        """Every two characters that are adjacent in a rule's source."""
        pairs: set[str] = set()
        for source in self.rules:
            pairs.update(map(str.__add__, source, source[1:]))
        return pairs

    @cached_property
    def first_characters(self) -> set[str]:
        """The first character of every rule whose source has several."""
        return {source[0] for source in self.rules if len(source) > 1}

    @cached_property
    def number_characters(self) -> set[str]:
        """Characters of signs and connectors that uroman joins numbers with."""
        uroman = self.uroman
        signs = [*uroman.minus_signs, *uroman.plus_signs, *uroman.fraction_connectors]
        return set("".join(signs))

    @cached_property
    def abugidas(self) -> set[str]:
        """Names, in lower case, of the scripts whose letters have a default vowel."""
        scripts = self.uroman.scripts.items()
        return {name for name, script in scripts if script["abugida-default-vowels"]}

    @cached_property
    def before_space(self) -> re.Pattern[str]:
        """Finds a space whose left neighbour has a rule about it, or writes a space itself."""
        characters = {pair[0] for pair in self.pairs if pair[1] == " "}
        for source, rules in self.rules.items():
            if len(source) == 1 and any(_romanization(rule).endswith(" ") for rule in rules):
                characters.add(source)
        escaped = re.escape("".join(sorted(characters)))
        return re.compile(f"[{escaped}] ")

    def romanizations(self, character: str) -> list[str]:
        """What each rule of a single ``character`` writes."""
        return [_romanization(rule) for rule in self.rules.get(character, [])]


def _romanization(rule: Rule) -> str:
    return rule["t"] or ""
