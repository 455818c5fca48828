"""The choice among the scanned rows: one of each set of duplicates, and as many a language as
sampling says.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from transliconet.corpus.sampling import Sampling
from transliconet.corpus.scan import PARTITIONS, RECORD, Scan, partition_file

KEPT, DUPLICATE, NEAR_DUPLICATE, NOT_SAMPLED = range(4)
REASONS = {DUPLICATE: "duplicate", NEAR_DUPLICATE: "near_duplicate", NOT_SAMPLED: "not_sampled"}
BLOCK = 1 << 20
BINS = 1 << 12


@dataclass(frozen=True)
class Selection:
    """Verdict of every scanned row, in a file; ``counts[lang][verdict]``."""

    file: Path
    counts: Mapping[str, list[int]]

    def verdicts(self, start: int, stop: int) -> np.ndarray:
        """(stop − start,) uint8, of :data:`KEPT` … :data:`NOT_SAMPLED`."""
        return np.fromfile(self.file, np.uint8, stop - start, offset=start)


def select(
    scan: Scan, sampling: Sampling, duplicates: bool = True, near: bool = False
) -> Selection:
    """Judge every row of ``scan``.

    Args:
        scan: the first pass.
        sampling: how many lines of each language.
        duplicates: drop all but one row of the same text in a language: the one of lowest priority,
            so the choice does not depend on the order of the files.
        near: also drop rows that share a MinHash band with a row of lower priority.
    """
    file = scan.folder / "verdicts.bin"
    file.write_bytes(b"")
    if scan.rows == 0:
        return Selection(file, {})
    verdicts = np.memmap(file, np.uint8, "w+", shape=(scan.rows,))
    if duplicates:
        _drop_duplicates(scan, "exact", verdicts, DUPLICATE)
    if near:
        _drop_duplicates(scan, "near", verdicts, NEAR_DUPLICATE)
    usable = _counts(scan, verdicts)
    if not sampling.takes_everything:
        taken = sampling.allocate({lang: c[KEPT] for lang, c in usable.items()})
        _drop_unsampled(
            scan, verdicts, {lang: n for lang, n in taken.items() if n < usable[lang][KEPT]}
        )
    verdicts.flush()
    return Selection(file, _counts(scan, verdicts))


def _drop_duplicates(scan: Scan, name: str, verdicts: np.ndarray, verdict: int) -> None:
    for partition in range(PARTITIONS):
        records = np.fromfile(partition_file(scan.folder, name, partition), RECORD)
        records = records[verdicts[records["row"]] == KEPT]
        if not len(records):
            continue
        keys = records["key"]
        order = np.lexsort((records["row"], records["priority"], keys[:, 1], keys[:, 0]))
        keys, rows = keys[order], records["row"][order]
        repeated = np.zeros(len(rows), bool)
        repeated[1:] = (keys[1:] == keys[:-1]).all(1)
        verdicts[rows[repeated]] = verdict


def _blocks(scan: Scan, verdicts: np.ndarray) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Slices of the rows, with their language numbers and whether they are kept so far."""
    languages = scan.language_numbers()
    for start in range(0, scan.rows, BLOCK):
        block = slice(start, min(start + BLOCK, scan.rows))
        yield block, np.asarray(languages[block], np.int64), verdicts[block] == KEPT


def _counts(scan: Scan, verdicts: np.ndarray) -> dict[str, list[int]]:
    counts = np.zeros((len(scan.languages), len(REASONS) + 1), np.int64)
    for block, languages, _ in _blocks(scan, verdicts):
        np.add.at(counts, (languages, verdicts[block]), 1)
    return {lang: row.tolist() for lang, row in zip(scan.languages, counts, strict=True)}


def _drop_unsampled(scan: Scan, verdicts: np.ndarray, taken: Mapping[str, int]) -> None:
    """Keep the ``taken`` rows of lowest priority of each language named; others are taken whole.

    Two passes bound the memory: a histogram of priorities finds the bin that holds the last row
    taken, then only the priorities of that bin are sorted.
    """
    priorities = scan.priorities()
    shift = np.uint64(64 - BINS.bit_length() + 1)
    histogram = np.zeros((len(scan.languages), BINS), np.int64)
    for block, languages, kept in _blocks(scan, verdicts):
        np.add.at(
            histogram, (languages[kept], (priorities[block][kept] >> shift).astype(np.int64)), 1
        )
    number_of = {lang: i for i, lang in enumerate(scan.languages)}
    wanted = np.full(len(scan.languages), -1, np.int64)
    for lang, number in taken.items():
        wanted[number_of[lang]] = number
    cumulative = histogram.cumsum(1)
    last_bin = (cumulative < wanted[:, None]).sum(1)  # the bin in which the wanted-th row lies
    before = np.where(
        last_bin > 0,
        np.take_along_axis(cumulative, np.maximum(last_bin - 1, 0)[:, None], 1)[:, 0],
        0,
    )
    in_bin: dict[int, list[np.ndarray]] = {number_of[lang]: [] for lang in taken}
    for block, languages, kept in _blocks(scan, verdicts):
        bins = (priorities[block] >> shift).astype(np.int64)
        edge = kept & (wanted[languages] >= 0) & (bins == last_bin[languages])
        for language in np.unique(languages[edge]):
            in_bin[int(language)].append(priorities[block][edge & (languages == language)])
    limit = np.full(len(scan.languages), np.iinfo(np.uint64).max, np.uint64)
    for language, parts in in_bin.items():
        rest = int(wanted[language] - before[language])
        limit[language] = np.sort(np.concatenate(parts))[rest - 1] if wanted[language] > 0 else 0
    for block, languages, kept in _blocks(scan, verdicts):
        over = (priorities[block] > limit[languages]) | (wanted[languages] == 0)
        part = verdicts[block]
        part[kept & over] = NOT_SAMPLED
        verdicts[block] = part
