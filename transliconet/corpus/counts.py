"""Counts of lines by language: every line that was read is either kept or dropped for a reason."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from transliconet.language_tag import romanizer_code


@dataclass
class LineCounts:
    """Lines that the first pass read.

    Args:
        read: language → lines.
        dropped: language → reason → lines.
    """

    read: Counter[str] = field(default_factory=Counter)
    dropped: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def drop(self, lang: str, reason: str) -> None:
        """Count one line of ``lang`` as dropped for ``reason``."""
        self.dropped[lang][reason] += 1


@dataclass
class PairCounts:
    """Pairs of one chunk, by language.

    Args:
        kept: number of pairs.
        heldout: pairs that are held out.
        identical: pairs whose romanization equals the text.
        fallback: pairs that were romanized word by word, since the romanizer raised on the line.
        letters: letters in the romanizations.
        unromanized: letters in the romanizations that are not of Latin script.
        dropped: language → reason → lines.
    """

    kept: Counter[str] = field(default_factory=Counter)
    heldout: Counter[str] = field(default_factory=Counter)
    identical: Counter[str] = field(default_factory=Counter)
    fallback: Counter[str] = field(default_factory=Counter)
    letters: Counter[str] = field(default_factory=Counter)
    unromanized: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, Counter[str]] = field(default_factory=dict)

    def drop(self, lang: str, reason: str) -> None:
        """Count one line of ``lang`` as dropped for ``reason``."""
        self.dropped.setdefault(lang, Counter())[reason] += 1

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "PairCounts":
        """Restore counts.

        Args:
            raw: what ``vars()`` gave for them, after a round trip through JSON.

        Returns:
            Equal counts.
        """
        counts = {name: Counter(values) for name, values in raw.items() if name != "dropped"}
        dropped = {lang: Counter(reasons) for lang, reasons in raw["dropped"].items()}
        return cls(**counts, dropped=dropped)


def total_dropped(scanned: LineCounts, chunks: Sequence[PairCounts]) -> dict[str, int]:
    """Count dropped lines by reason.

    Args:
        scanned: of the first pass.
        chunks: of every chunk of the second pass.

    Returns:
        Reason → lines of all languages, sorted by reason.
    """
    total: Counter[str] = Counter()
    for dropped in (scanned.dropped, *(counts.dropped for counts in chunks)):
        for reasons in dropped.values():
            total.update(reasons)
    return dict(sorted(total.items()))


def by_language(scanned: LineCounts, chunks: Sequence[PairCounts]) -> dict[str, dict[str, Any]]:
    """Sum up what became of the lines of each language, for the manifest.

    Args:
        scanned: of the first pass.
        chunks: of every chunk of the second pass.

    Returns:
        Tag → the numbers of lines read, kept and dropped, the share of letters that were left in
        another script than Latin, and the code that the romanizer used for the language.
    """
    languages: dict[str, dict[str, Any]] = {}
    for lang in sorted(scanned.read):
        dropped = Counter(scanned.dropped.get(lang, {}))
        for counts in chunks:
            dropped.update(counts.dropped.get(lang, {}))
        entry: dict[str, Any] = {"read": scanned.read[lang]}
        for name in ("kept", "heldout", "identical", "fallback"):
            entry[name] = sum(getattr(counts, name)[lang] for counts in chunks)
        letters = sum(counts.letters[lang] for counts in chunks)
        unromanized = sum(counts.unromanized[lang] for counts in chunks)
        entry["unromanized"] = round(unromanized / letters, 4) if letters else 0.0
        entry["dropped"] = dict(sorted(dropped.items()))
        if entry["kept"]:  # names of languages that are not tags have no pairs
            entry["romanizer_code"] = romanizer_code(lang)
        languages[lang] = entry
    return languages
