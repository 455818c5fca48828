"""uroman's output, byte for byte, at many times its speed: a line is split into segments, and what
uroman makes of each is kept.

:mod:`~transliconet.romanizers.uroman_split` decides where a line can be split and why that is
exact; ``docs/romanizer.md`` has the idea in short.
"""

import unicodedata
from collections.abc import Callable, Hashable
from typing import Any

from uroman.uroman import Lattice, NumEdge, Uroman

from transliconet.romanizers.uroman_split import BRAILLE, Splitter, StandIns
from transliconet.romanizers.uroman_tables import RuleTables
from transliconet.romanizers.uroman_thai import O_ANG, looks_left, looks_over_space

CODES_CACHED = 8
"""Language codes with rules of their own whose caches are held at once."""
END_OF_TEXT = StandIns("", "")


class Memo(dict):
    """A dict that computes the value of a missing key, and forgets everything when it is full.

    Args:
        compute: from key to value.
        limit: most entries.
    """

    def __init__(self, compute: Callable[[Any], Any], limit: int) -> None:
        super().__init__()
        self.compute, self.limit = compute, limit

    def __missing__(self, key: Hashable) -> Any:
        value = self.compute(key)
        if len(self) >= self.limit:
            self.clear()
        self[key] = value
        return value


class CachedUroman:
    """``uroman.Uroman().romanize_string``, with the same output and faster.

    Args:
        cache_entries: most entries of each cache (words, segments) of each language code.
    """

    def __init__(self, cache_entries: int = 200_000) -> None:
        self.uroman = Uroman()
        self.tables = RuleTables(self.uroman)
        self.limit = cache_entries
        splitter = Splitter(self.tables, cache_entries)
        self.splits = Memo(splitter.stand_ins, cache_entries)
        """Pair of characters → the stand-ins for a boundary between them, or None."""
        self.is_numeric = Memo(self._is_numeric, cache_entries)
        """Character → whether uroman may read it as a number."""
        self._segments: dict[str | None, _CachedSegments] = {}

    def romanize(self, text: str, lcode: str | None) -> str:
        """Romanize a line.

        Args:
            text: the line.
            lcode: ISO 639-3 code.

        Returns:
            What uroman returns.

        Raises:
            Exception: what uroman raises.
        """
        words = self._cache_of(lcode).words
        try:
            if BRAILLE.search(text):
                return self.uroman.romanize_string(text, lcode)
            if self.tables.before_space.search(text) or looks_over_space(text):
                return words[text]
            # A space is in no rule, is no letter, mark or number, and has no edge while rules are
            # applied. So both of its sides see it as they would see the end of the line, but for a
            # rule's own outer space, which was just looked for.
            return " ".join(map(words.__getitem__, text.split(" ")))
        except Exception:
            # Where a segment raises, so does the line: uroman says it in its own words.
            return self.uroman.romanize_string(text, lcode)

    def _cache_of(self, lcode: str | None) -> "_CachedSegments":
        code = lcode if lcode in self.tables.codes else None
        if code not in self._segments:
            if len(self._segments) >= CODES_CACHED:
                self._segments.clear()
            self._segments[code] = _CachedSegments(self, code)
        return self._segments[code]

    def _is_numeric(self, character: str) -> bool:
        if unicodedata.numeric(character, None) is not None:
            return True
        return bool(self.uroman.num_props.get(character))


class _CachedSegments:
    """What uroman makes of words and of their segments under one language code.

    Args:
        shared: what does not depend on the language.
        code: the language; None for every one without rules of its own.
    """

    def __init__(self, shared: CachedUroman, code: str | None) -> None:
        self.uroman, self.code = shared.uroman, code
        self.splits, self.is_numeric = shared.splits, shared.is_numeric
        self.segments = Memo(self._romanize_segment, shared.limit)
        self.words = Memo(self._romanize_word, shared.limit)

    def _romanize_word(self, text: str) -> str:
        pairs = map(str.__add__, text, text[1:])
        boundaries = [*map(self.splits.__getitem__, pairs), END_OF_TEXT]
        romanized: list[str] = []
        begun: list[tuple[int, str]] = []  # start and left stand-in of each romanized segment
        start, before = 0, ""
        may_look_left = O_ANG in text
        for end, stand_ins in enumerate(boundaries, 1):
            if stand_ins is None:
                continue
            # A segment that looks farther to the left takes the one before it along.
            while may_look_left and begun and looks_left(text, start, end, before):
                start, before = begun.pop()
                romanized.pop()
            after, next_before = stand_ins
            romanized.append(self.segments[before, text[start:end], after])
            begun.append((start, before))
            start, before = end, next_before
        return "".join(romanized)

    def _romanize_segment(self, key: tuple[str, str, str]) -> str:
        """uroman's reading of a text between two stand-ins.

        The steps are those of ``Uroman.romanize_string_core``, less what only Braille needs.
        """
        before, text, after = key
        first, last = len(before), len(before) + len(text)
        line = before + text + after
        lattice = _FastLattice(line, self.uroman, self.code)
        lattice.pick_tibetan_vowel_edge()
        lattice.add_romanization()
        if any(map(self.is_numeric.__getitem__, line)):
            lattice.add_numbers(self.uroman)
        lattice.add_rom_fall_back_singles()
        romanized: list[str] = []
        for edge in lattice.best_rom_edge_path(0, len(line)):
            if edge.start < first < edge.end or edge.start < last < edge.end:
                # A boundary was wrong: :meth:`CachedUroman.romanize` takes the whole line.
                raise ValueError("an edge crosses a boundary")
            if first <= edge.start and edge.end <= last:
                romanized.append(edge.txt)
        return "".join(romanized)


class _FastLattice(Lattice):
    """uroman's lattice for text without Braille, without its searches of the whole text and its
    regular expressions for each character.
    """

    def check_for_scripts(self) -> None:
        for character in self.s:
            self.contains_script[self.uroman.chr_script_name(character)] = True

    def best_edge_in_span(self, start: int, end: int, skip_num_edge: bool = False) -> Any:
        first_of_rank: dict[int, Any] = {}
        for edge in self.lattice[start, end]:
            if isinstance(edge, NumEdge):
                if skip_num_edge:
                    continue
                if edge.active:
                    return edge
            if edge.type.startswith("rom decomp"):
                rank = 1
            elif edge.type.startswith(("rom", "num")):
                rank = 0
            else:
                rank = 2
            first_of_rank.setdefault(rank, edge)
        return first_of_rank[min(first_of_rank)] if first_of_rank else None
