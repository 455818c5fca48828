"""The second pass: each chunk of scanned rows is romanized and written by itself, so that a killed
run keeps every chunk that is done.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from transliconet.corpus.counts import PairCounts
from transliconet.corpus.recipe import Rules
from transliconet.corpus.scan import CHUNK_ROWS, Scan
from transliconet.corpus.selection import KEPT, NOT_SAMPLED, REASONS, Selection
from transliconet.corpus.skipped import skipped_entry
from transliconet.pairs import SCHEMA, write_part
from transliconet.romanizers.base import Romanizer, romanize_line
from transliconet.storage import atomic_write
from transliconet.unicode_script import scripts_in


@dataclass(frozen=True)
class ChunkRomanizer:
    """Romanizes chunks of a scan and writes them to a folder.

    It can be called in any process that sees the folder.

    Args:
        folder: where the files of each chunk are written.
        scan: the first pass.
        selection: what becomes of each row.
        romanizer: turns texts into Latin script.
        rules: which pairs are dropped or held out.
    """

    folder: Path
    scan: Scan
    selection: Selection
    romanizer: Romanizer
    rules: Rules

    def pairs_file(self, chunk: int) -> Path:
        """The Arrow file with the pairs of the chunk of that number."""
        return self.folder / f"chunk-{chunk:06d}.arrow"

    def skipped_file(self, chunk: int) -> Path:
        """The JSON lines that say which rows of the chunk were dropped."""
        return self.folder / f"chunk-{chunk:06d}.jsonl"

    def counts_file(self, chunk: int) -> Path:
        """The counts of the chunk. Written last: the chunk is done if and only if it is there."""
        return self.folder / f"chunk-{chunk:06d}.json"

    def counts(self, chunk: int) -> PairCounts:
        """The counts of a chunk that is done.

        Args:
            chunk: its number, from 0.

        Returns:
            Rows kept and dropped, by language.
        """
        raw = self.counts_file(chunk).read_text(encoding="utf-8")
        return PairCounts.from_dict(json.loads(raw))

    def __call__(self, chunk: int) -> int:
        """Romanize one chunk and write its files.

        Args:
            chunk: its number, from 0.

        Returns:
            The same number.
        """
        table = self.scan.chunk(chunk)
        start = chunk * CHUNK_ROWS
        verdicts = self.selection.verdicts(start, start + table.num_rows).tolist()
        counts = PairCounts()
        pairs: list[dict] = []
        skipped: list[str] = []
        for row, verdict in zip(table.to_pylist(), verdicts, strict=True):
            if verdict == NOT_SAMPLED:
                # counted only: it may be most of a corpus
                counts.drop(row["lang"], REASONS[verdict])
            elif verdict != KEPT:
                counts.drop(row["lang"], REASONS[verdict])
                skipped.append(_entry(row, REASONS[verdict]))
            else:
                self._romanize_row(row, counts, pairs, skipped)
        _count_unromanized(pairs, counts)
        write_part(self.pairs_file(chunk), pa.Table.from_pylist(pairs, SCHEMA))
        atomic_write(self.skipped_file(chunk), "".join(skipped))
        atomic_write(self.counts_file(chunk), json.dumps(vars(counts), sort_keys=True))
        return chunk

    def _romanize_row(
        self, row: dict, counts: PairCounts, pairs: list[dict], skipped: list[str]
    ) -> None:
        """Add what becomes of a row to ``counts`` and to ``pairs`` or ``skipped``."""
        lang = row["lang"]
        romanized, error = self._romanized(row)
        if reason := self._reason_to_drop(row["text"], romanized, error):
            counts.drop(lang, reason)
            skipped.append(_entry(row, reason, error))
            return
        if error:
            counts.fallback[lang] += 1
            skipped.append(_entry(row, "romanizer_fallback", error))
        pair = {
            "id": row["id"],
            "lang": lang,
            "text": row["text"],
            "romanized": romanized,
            "identical": romanized == row["text"],
            "heldout": self.rules.is_heldout(row["id"]),
        }
        pairs.append(pair)
        counts.kept[lang] += 1
        counts.heldout[lang] += pair["heldout"]
        counts.identical[lang] += pair["identical"]

    def _romanized(self, row: dict) -> tuple[str, str]:
        """The romanization, the source's own where it has one, and what the romanizer raised."""
        if row["romanized"] is not None:
            return row["romanized"].strip(), ""
        romanized, error = romanize_line(self.romanizer, row["text"], row["lang"])
        return romanized.strip(), error

    def _reason_to_drop(self, text: str, romanized: str, error: str) -> str | None:
        if error and self.rules.romanizer_errors == "drop":
            return "romanizer_error"
        if not romanized:
            return "empty_romanization"
        if romanized == text and self.rules.unchanged == "drop":
            return "identical"
        return None


def _entry(row: dict, reason: str, detail: str = "") -> str:
    place = (row["source"], row["number"])
    return skipped_entry(place, row["lang"], reason, detail=detail, text=row["text"])


def _count_unromanized(pairs: list[dict], counts: PairCounts) -> None:
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for pair in pairs:
        texts[pair["lang"]].append(pair["romanized"])
    for lang, romanized in texts.items():
        # all lines of a language together: one by one, it takes as long as reading them
        counts.letters[lang], counts.unromanized[lang] = count_letters("".join(romanized))


def count_letters(romanized: str) -> tuple[int, int]:
    """Count the letters that the romanizer left in another script.

    Args:
        romanized: any number of romanizations, joined.

    Returns:
        The number of letters, and of those that are not Latin. Letters that scripts share, such as
        the modifier ``ʼ``, count as Latin.

    >>> count_letters("Moskva, Москва")
    (12, 6)
    """
    raw = romanized.encode("utf-32-le", errors="surrogatepass")
    occurrences = np.bincount(np.frombuffer(raw, "<u4"))  # by code point
    letters = unromanized = 0
    for code in np.flatnonzero(occurrences).tolist():
        if chr(code).isalpha():
            letters += int(occurrences[code])
            if _is_foreign(chr(code)):
                unromanized += int(occurrences[code])
    return letters, unromanized


@cache
def _is_foreign(letter: str) -> bool:
    return bool(scripts_in(letter) - {"Latn"})
