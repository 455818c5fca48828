"""The second pass: each unit of scanned rows romanized and written alone, so that a killed run
loses one unit.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from transliconet.corpus.scan import UNIT_ROWS, Scan, skipped_entry
from transliconet.corpus.selection import KEPT, NOT_SAMPLED, REASONS, Selection
from transliconet.errors import require_choice, require_range
from transliconet.pairs import SCHEMA, id_fraction, write_part
from transliconet.romanizers.base import Romanizer, romanize_line
from transliconet.storage import atomic_write


@dataclass(frozen=True)
class Rules:
    """What becomes of pairs.

    Args:
        duplicates: ``drop`` keeps one of the lines with the same text in a language, ``keep`` keeps
            all.
        near_duplicates: Jaccard similarity of character 5-grams from which lines of a language
            count as near-duplicates, of which one is kept; None switches the rule off.
        unchanged: ``flag`` keeps pairs whose romanization equals the text, marked in the column
            ``identical`` (training passes over them, the probe can use them as targets); ``drop``
            drops them.
        romanizer_errors: what becomes of a line that the romanizer raises on. ``fallback``
            romanizes it word by word, and where a word fails, character by character; it is kept
            and listed in ``skipped.jsonl`` as ``romanizer_fallback``. ``drop`` drops it
            (``romanizer_error``).
        heldout: share of ids kept out of training, in every language at once. Chosen by a hash of
            id and seed.
        seed: of the hash.
    """

    duplicates: str = "drop"
    near_duplicates: float | None = None
    unchanged: str = "flag"
    romanizer_errors: str = "fallback"
    heldout: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_choice("rules.duplicates", self.duplicates, ("drop", "keep"))
        require_choice("rules.unchanged", self.unchanged, ("flag", "drop"))
        require_choice("rules.romanizer_errors", self.romanizer_errors, ("fallback", "drop"))
        require_range("rules.heldout", self.heldout, least=0, most=1)

    def is_heldout(self, id_: str) -> bool:
        return id_fraction(id_, self.seed) < self.heldout


@dataclass
class UnitCounts:
    """Rows of one unit by language: kept, of these held out, identical, and romanized by the
    fallback; and dropped.
    """

    kept: Counter[str] = field(default_factory=Counter)
    heldout: Counter[str] = field(default_factory=Counter)
    identical: Counter[str] = field(default_factory=Counter)
    fallback: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, Counter[str]] = field(default_factory=dict)

    def drop(self, lang: str, reason: str) -> None:
        self.dropped.setdefault(lang, Counter())[reason] += 1


@dataclass(frozen=True)
class UnitJob:
    """Romanizes units of ``scan`` and writes them to ``folder``; callable in any process that sees
    the folder.
    """

    folder: Path
    scan: Scan
    selection: Selection
    romanizer: Romanizer
    rules: Rules

    def chunk_file(self, unit: int) -> Path:
        return self.folder / f"unit-{unit:06d}.arrow"

    def skipped(self, unit: int) -> Path:
        return self.folder / f"unit-{unit:06d}.jsonl"

    def report(self, unit: int) -> Path:
        """Written last: a unit is done if and only if it is there."""
        return self.folder / f"unit-{unit:06d}.json"

    def counts(self, unit: int) -> UnitCounts:
        raw = json.loads(self.report(unit).read_text(encoding="utf-8"))
        dropped = {lang: Counter(reasons) for lang, reasons in raw.pop("dropped").items()}
        return UnitCounts(**{name: Counter(c) for name, c in raw.items()}, dropped=dropped)

    def __call__(self, unit: int) -> int:
        """Do one unit; returns its number."""
        rows: list[dict] = []
        counts, skipped = UnitCounts(), []
        table = self.scan.unit(unit)
        verdicts = self.selection.verdicts(
            unit * UNIT_ROWS, unit * UNIT_ROWS + table.num_rows
        ).tolist()
        for row, verdict in zip(table.to_pylist(), verdicts, strict=True):
            reason, detail = REASONS.get(verdict), ""
            if verdict == KEPT:
                roman, detail = self._romanize(row)
                reason = self._reason(row["text"], roman, detail)
                if reason is None:
                    rows.append(self._pair(row, roman, counts))
            if reason:
                counts.drop(row["lang"], reason)
            elif detail:
                reason = "romanizer_fallback"
                counts.fallback[row["lang"]] += 1
            if (
                reason and verdict != NOT_SAMPLED
            ):  # what was not sampled is counted only: it may be most of a corpus
                skipped.append(
                    skipped_entry(row["source"], row["number"], row["lang"], reason, detail)
                )
        write_part(self.chunk_file(unit), pa.Table.from_pylist(rows, SCHEMA))
        atomic_write(self.skipped(unit), "".join(skipped))
        atomic_write(self.report(unit), json.dumps(vars(counts), sort_keys=True))
        return unit

    def _romanize(self, row: dict) -> tuple[str, str]:
        if row["romanized"] is not None:
            return row["romanized"].strip(), ""
        roman, error = romanize_line(self.romanizer, row["text"], row["lang"].split("_")[0])
        return roman.strip(), error

    def _reason(self, text: str, roman: str, error: str) -> str | None:
        if error and self.rules.romanizer_errors == "drop":
            return "romanizer_error"
        if not roman:
            return "empty_romanization"
        return "identical" if roman == text and self.rules.unchanged == "drop" else None

    def _pair(self, row: dict, roman: str, counts: UnitCounts) -> dict:
        lang, heldout, identical = (
            row["lang"],
            self.rules.is_heldout(row["id"]),
            roman == row["text"],
        )
        counts.kept[lang] += 1
        counts.heldout[lang] += heldout
        counts.identical[lang] += identical
        return {
            "id": row["id"],
            "lang": lang,
            "text": row["text"],
            "romanized": roman,
            "identical": identical,
            "heldout": heldout,
        }
