"""uroman's output, byte for byte, from cached pieces of lines: the same romanization at many times
the speed.

uroman builds a lattice over the line and reads off the longest best edges from left to right, so a
line may be cut between two characters wherever (1) no edge can cross the cut and (2) what is
computed on one side sees of the other side no more than a stand-in character can show it.  From the
source of uroman 1.3.1.1, that far and no farther:

* Rules are tried only while the span is a prefix of some rule's source, and Thai frame patterns
  (`เ–ีย`) only where they match: a pair of characters adjacent in none of these (`pairs`) is
  crossed by neither.
* Other crossing edges: a virama, a small kana, a lengthener or U+0300 joins the edge on its left;
  っ, ッ, the Gurmukhi addak and Thai pre-vowels join the one on their right; numbers join numbers,
  '.', signs, connectors.  None is cut at.
* "Start of word": is the previous character a letter, or does an edge ending there end in one?
  "End of word": is the next character a letter, or does it start a rule that yields one?  Capitals
  ask if the next character is lower case.
* A default vowel (abugidas) asks the previous character's script and whether it is a virama, and
  whether the next (or, after a combining mark, the next but one) is a vowel sign, medial,
  subjoined, virama; Khmer asks for yo.
* A rule's own outer space is dropped beside U+0020 or at the line's start, but not at its end.
* lcode is only ever compared with the codes of the rules and six literals: all other codes are one
and the same.
* Braille keeps state along the whole line, so such a line is never cut.
"""

import re
import unicodedata as ud
from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Any

from uroman.uroman import Lattice, NumEdge, Uroman

UROMAN_VERSION = "1.3.1.1"
"""The version whose algorithm the reasoning above was checked against."""

PRE_VOWELS, TONES, THAI = "เแโใไ", "่้๊๋", "\u0e01-\u0e3a\u0e40-\u0e4e"
# For a Thai o ang, uroman walks left to the nearest non-empty romanization, over spaces too, and
# after each empty edge it skips a character more.  Two neighbours that are surely not empty stop
# it; so a piece in which, from its start to an o ang, maybe empty characters (silent or cancelled
# letters, tones; not Thai) are never two apart needs what is left of it.
EMPTY = f"(?:[^{THAI}SPACE]|[อห{TONES}\u0e3a\u0e45\u0e4c]|[{THAI}](?=[{THAI}]?[\u0e3a\u0e4c]))"
WALK = "(?:(?!EMPTY)[THAI])?EMPTY+(?:(?!EMPTY)[THAI]EMPTY+)*อ".replace("THAI", THAI).replace(
    "EMPTY", EMPTY
)
LOOKS_LEFT = re.compile(WALK.replace("SPACE", ""))
LOOKS_OVER_SPACE = re.compile(" " + WALK.replace("SPACE", " "))
SEEN_LEFT = {*TONES, *"ะาำัิีึืฺุู็"} - {"\u0e3a"}
BRAILLE = re.compile("[\u2800-\u28ff]")
CODE_LITERALS = {"san", "asm", "ben", "guj", "kas", "pan"}  # in Lattice.add_default_abugida_vowel
JOINS_LEFT, JOINS_RIGHT = "ゃゅょャュョーយ", "っッ\u0a71"
CODES_CACHED = 8  # codes with rules of their own whose caches are held at once
LOWER, OTHER = "ა", "가"  # stand-ins for letters: in no rule of several characters, no restrictions


class _Memo(dict):
    """A dict that computes what it lacks, and forgets everything when full."""

    def __init__(self, compute: Callable[[Any], Any], limit: int) -> None:
        super().__init__()
        self.compute, self.limit = compute, limit

    def __missing__(self, key: Hashable) -> Any:
        value = self.compute(key)
        if len(self) >= self.limit:
            self.clear()
        self[key] = value
        return value


class _Lattice(Lattice):
    """The same lattice for text without Braille, without a search of the whole text or a regex for
    every character.
    """

    def check_for_scripts(self) -> None:
        for c in self.s:
            self.contains_script[self.uroman.chr_script_name(c)] = True

    def best_edge_in_span(self, start: int, end: int, skip_num_edge: bool = False) -> Any:
        best: dict[int, Any] = {}  # rank -> first edge of that rank
        for edge in self.lattice[start, end]:
            if isinstance(edge, NumEdge):
                if skip_num_edge:
                    continue
                if edge.active:
                    return edge
            rank = (
                1
                if edge.type.startswith("rom decomp")
                else 0
                if edge.type.startswith(("rom", "num"))
                else 2
            )
            best.setdefault(rank, edge)
        return best[min(best)] if best else None


class CachedUroman:
    """`Uroman().romanize_string`, faster; `cache_entries` bounds each cache (words, pieces) of each
    language code.
    """

    def __init__(self, cache_entries: int = 200_000) -> None:
        self.uroman = u = Uroman()
        self.rules = rules = {s: found for s, found in u.rom_rules.items() if found and s}
        self.codes = CODE_LITERALS.union(
            *(rule["lcodes"] or () for found in rules.values() for rule in found)
        )
        self.pairs = {s[i : i + 2] for s in rules for i in range(len(s) - 1)}
        self.heads = {s[0] for s in rules if len(s) > 1}
        self.number_chars = set("".join([*u.minus_signs, *u.plus_signs, *u.fraction_connectors]))
        self.abugidas = {
            name for name, script in u.scripts.items() if script["abugida-default-vowels"]
        }
        spacey = {
            s
            for s, found in rules.items()
            if len(s) == 1 and any((r["t"] or "").endswith(" ") for r in found)
        }
        spacey |= {pair[0] for pair in self.pairs if pair[1] == " "}
        self.space_matters = re.compile(f"[{re.escape(''.join(sorted(spacey)))}] ")
        self.thai_starts: defaultdict[str, list[str]] = defaultdict(list)  # by first character
        self.thai_ends: defaultdict[str, list[str]] = defaultdict(list)  # by last character
        for s in rules:
            for rule in rules[s] if re.match(f"[{THAI}]", s) else ():
                self.thai_starts[s[0]] += [rule["t"]] if rule["t"] else []
                self.thai_ends[s[-1]].append(rule["t"])
        self.frame_ends = {c for s in rules if "–" in s for c in s.split("–")[1]}
        self.kinds = _Memo(self._kind, cache_entries)
        self.cuts = _Memo(self._cut, cache_entries)
        self.letter_of: dict[str, str] = {}  # abugida -> one of its letters, as its stand-in
        for s in sorted(rules):
            kind = self.kinds[s] if len(s) == 1 else ""
            if kind[:2] == "A " and not any(s in pair for pair in self.pairs):
                self.letter_of.setdefault(kind[2:], s)
        self.limit = cache_entries
        self.words: dict[str | None, _Memo] = {}

    def romanize(self, text: str, lcode: str | None) -> str:
        """The same string as uroman's, or the same exception."""
        code = lcode if lcode in self.codes else None
        if code not in self.words:
            if len(self.words) >= CODES_CACHED:
                self.words.clear()
            self.words[code] = self._new_cache(code)
        words = self.words[code]
        try:
            if BRAILLE.search(text):
                return self.uroman.romanize_string(text, lcode)
            if self.space_matters.search(text) or ("อ" in text and LOOKS_OVER_SPACE.search(text)):
                return words[text]
            # A space is in no rule, is no letter, mark or number and has no edge while rules are
            # applied, so both of its sides see it as they would see the end of the line, but for a
            # rule's own outer space (just tested).
            return " ".join(map(words.__getitem__, text.split(" ")))
        except Exception:  # some piece raises, so the line does: let it, in its own words
            return self.uroman.romanize_string(text, lcode)

    def _new_cache(self, code: str | None) -> _Memo:
        cuts = self.cuts
        pieces = _Memo(lambda key: self._piece(key[0], key[1], key[2], code), self.limit)

        def word(text: str) -> str:
            starts: list[tuple[int, str]] = []
            done: list[str] = []
            start, left = 0, ""
            for i, cut in enumerate(
                [*map(cuts.__getitem__, map(str.__add__, text, text[1:])), ("", "")], 1
            ):
                if cut:
                    # a Thai stand-in is the very character before the piece, and seen as it would
                    # be in the line
                    while starts and LOOKS_LEFT.match(
                        text, start - (left in SEEN_LEFT), i
                    ):  # take one more along
                        start, left = starts.pop()
                        done.pop()
                    done.append(pieces[left, text[start:i], cut[0]])
                    starts.append((start, left))
                    start, left = i, cut[1]
            return "".join(done)

        return _Memo(word, self.limit)

    def _piece(self, left: str, text: str, right: str, code: str | None) -> str:
        """uroman's reading of `text` between two stand-ins."""
        first, last = len(left), len(left) + len(text)
        full = (
            left + text + right
        )  # from here as Uroman.romanize_string_core does, less what only Braille needs
        lattice = _Lattice(full, self.uroman, code)
        lattice.pick_tibetan_vowel_edge()
        lattice.add_romanization()
        if any(ud.numeric(c, None) is not None or self.uroman.num_props.get(c) for c in full):
            lattice.add_numbers(self.uroman)
        lattice.add_rom_fall_back_singles()
        edges = lattice.best_rom_edge_path(0, len(full))
        if not all(
            e.end <= first or first <= e.start <= e.end <= last or last <= e.start for e in edges
        ):
            raise ValueError(
                "an edge crosses a cut"
            )  # the reasoning above failed: romanize() takes the whole line
        return "".join(e.txt for e in edges if first <= e.start and e.end <= last)

    def _kind(self, c: str) -> str:
        """What a character may be beside a cut: O nothing; N no letter, number or mark
        (punctuation, spaces); D number; P plain letter; A letter, M vowel-like sign of an abugida;
        T Tibetan; H Thai.
        """
        u, rules = self.uroman, self.rules.get(c, [])
        name, script, category = u.chr_name(c), u.chr_script_name(c), ud.category(c)
        if script == "Thai" and re.match(f"[{THAI}]", c):
            return "H"
        if script == "Tibetan" and ("LETTER" in name or u.dict_bool["is-vowel-sign", c]):
            return "T"
        roms = [r["t"] or "" for r in rules]
        if (
            category[0] == "M"
        ):  # after a sign that always ends in a letter, the next is not at the start of a word
            good = (
                script.lower() in self.abugidas
                and script != "Tibetan"
                and roms
                and c not in JOINS_RIGHT
                and not u.dict_bool["is-virama", c]
                and not all(r["n-restr"] for r in rules)
                and all(rom[-1:].isalpha() for rom in roms)
            )
            return "M " + script if good else "O"
        shown = ud.normalize("NFKD", c) + u.romanize_string(c) + "".join(roms)
        number = (
            ud.numeric(c, None) is not None
            or c in self.number_chars
            or bool(u.num_props.get(c))
            or any(r["num"] is not None for r in rules)
            or any(x.isdigit() for x in shown)
        )
        if c.isalpha():
            if (
                any(u.dict_bool[flag, c] for flag in ("is-virama", "is-medial-consonant-sign"))
                or "SUBJOINED" in name
            ):
                return "O"
            if script.lower() in self.abugidas:
                return (
                    "O"
                    if number or script == "Tibetan" or u.dict_bool["is-vowel-sign", c]
                    else "A " + script
                )
            return "O" if script == "Thai" else "D" if number else "P"
        restricted = any((r["n-restr"] or 0) > bool(r["lcodes"]) for r in rules)
        if restricted or c in self.heads or c.islower() or any(x.isalpha() for x in shown):
            return "O"
        return "D" if number else "N"

    def _cut(self, pair: str) -> tuple[str, str] | None:
        """None if a line may not be cut inside this pair of characters, else what stands for the
        second character at the end of the left piece, and for the first at the start of the right
        piece.
        """
        a, b = pair[0], pair[1]
        x, y = self.kinds[a], self.kinds[b]
        if "O" in (x, y) or pair in self.pairs or a in JOINS_RIGHT or b in JOINS_LEFT:
            return None
        if x + y == "DD" or (a == "." and y == "D") or (x == "D" and b == "."):
            return None
        if x == y == "H":
            return self._thai_cut(a, b)
        plain = "NDP"
        if x in plain and y in plain:  # each sees of the other at most: letter? lower case?
            return self._shown(b), self._shown(a)
        if (
            x in plain and not a.isalpha() and x != "P"
        ):  # a word's edge to any script, but a sign needs its letter
            return None if y[0] == "M" else (self._shown(b), self._shown(a))
        if y in plain and not b.isalpha():
            return self._shown(b), self._shown(a)
        if (
            x[0] in "AM" and y[0] == "A" and x[2:] == y[2:]
        ):  # a syllable's end and a letter: neither word edge nor sign
            return self._shown(b), self._shown(a)
        return None

    def _shown(self, c: str) -> str:
        """The stand-in: a character that the other side of a cut cannot tell from c."""
        kind = self.kinds[c]
        if kind[0] in "AM":
            return self.letter_of.get(kind[2:], c)
        if kind in "TH" or c == " ":
            return c
        if c.isalpha():
            return LOWER if c.islower() else OTHER
        return c if self.uroman.chr_script_name(c) else "("

    def _thai_cut(self, a: str, b: str) -> tuple[str, str] | None:
        """Thai consonants are read by syllable: the rule looks at the previous character, whether
        the edge before ends in a consonant, and the next one or two characters after a tone
        mark.
        """
        if (
            b in PRE_VOWELS
        ):  # always ends the syllable before; what follows it looks no farther left than to it
            return None if a in PRE_VOWELS or b in self.frame_ends else (b, "(")
        if not "ก" <= b <= "ฮ":
            return None
        starts, ends = self.thai_starts[b], self.thai_ends[a]
        stand_in = "ก" if a + "ก" not in self.pairs else b
        if (
            a in TONES
            # silent; the consonant before it asks if b (or b and the next) starts with a vowel:
            # never
        ):
            silent = ends == [""] and b not in "อห"
            return (
                (stand_in, a) if silent and not any(rom[0] in "aeiou" for rom in starts) else None
            )
        # After a vowel that all rules and patterns ending in it render as a vowel (or all with a
        # final consonant), both questions to the left have one answer; and what precedes it has
        # found its vowel and does not look at b.
        vowel = a in SEEN_LEFT
        same = (
            all(re.match("[aeiou]", rom) for rom in ends)
            and len({rom[-1] in "aeiou" for rom in ends}) == 1
        )
        return (stand_in, a) if vowel and ends and same else None
