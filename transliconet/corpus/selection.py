"""The choice among the scanned rows: one of each set of duplicates, and as many of each language as
the sampling says.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from transliconet.corpus.recipe import Recipe
from transliconet.corpus.scan import BY_ID, BY_TEXT, KEY_RECORD, NEAR, PARTITIONS, Scan, key_file

KEPT, DUPLICATE, NEAR_DUPLICATE, DUPLICATE_ID, NOT_SAMPLED = range(5)
REASONS = {
    DUPLICATE: "duplicate",
    NEAR_DUPLICATE: "near_duplicate",
    DUPLICATE_ID: "duplicate_id",
    NOT_SAMPLED: "not_sampled",
}
ROWS_AT_A_TIME = 1 << 20
HISTOGRAM_BITS = 12
"""Priorities are counted by their highest bits."""


@dataclass(frozen=True)
class Selection:
    """What becomes of every scanned row.

    Args:
        file: a byte a row, its verdict: :data:`KEPT` … :data:`NOT_SAMPLED`.
        counts: language → number of rows with each verdict.
    """

    file: Path
    counts: Mapping[str, list[int]]

    def verdicts(self, start: int, stop: int) -> np.ndarray:
        """(stop − start,) uint8: the verdicts of the rows from ``start`` on, up to ``stop``."""
        return np.fromfile(self.file, np.uint8, stop - start, offset=start)


def select(scan: Scan, recipe: Recipe) -> Selection:
    """Decide which rows are kept.

    Of the rows of a language with the same text (or nearly the same, with ``near_duplicates``), the
    one of lowest priority is kept, so that the choice does not depend on the order of the files;
    then of those with the same id. Then the sampling takes its share of what is left.

    Args:
        scan: the first pass.
        recipe: its rules and sampling.

    Returns:
        The verdict on each row.
    """
    file = scan.folder / "verdicts.bin"
    _make_room(file, scan.rows)
    if scan.rows == 0:
        return Selection(file, {})
    verdicts = np.memmap(file, np.uint8, "r+", shape=(scan.rows,))
    if recipe.rules.duplicates == "drop":
        _drop_repeated(scan, BY_TEXT, verdicts, DUPLICATE)
    if recipe.rules.near_duplicates is not None:
        _drop_repeated(scan, NEAR, verdicts, NEAR_DUPLICATE)
    _drop_repeated(scan, BY_ID, verdicts, DUPLICATE_ID)
    if not recipe.sampling.takes_everything:
        usable = {lang: counts[KEPT] for lang, counts in _count(scan, verdicts).items()}
        wanted = recipe.sampling.allocate(usable)
        wanted = {lang: number for lang, number in wanted.items() if number < usable[lang]}
        _drop_unsampled(scan, verdicts, wanted)
    verdicts.flush()
    return Selection(file, _count(scan, verdicts))


def _make_room(file: Path, size: int) -> None:
    """Write a file of ``size`` zeros and reserve its disk space.

    Otherwise, writing to the memory-mapped file would kill the process where the disk is full.
    """
    with file.open("wb") as new:
        if size:
            os.posix_fallocate(new.fileno(), 0, size)


def _drop_repeated(scan: Scan, kind: str, verdicts: np.ndarray, verdict: int) -> None:
    """Give ``verdict`` to all rows with the same key but the one of lowest priority."""
    for partition in range(PARTITIONS):
        records = np.fromfile(key_file(scan.folder, kind, partition), KEY_RECORD)
        records = records[verdicts[records["row"]] == KEPT]
        if not len(records):
            continue
        keys = records["key"]  # (N, 2)
        order = np.lexsort((records["row"], records["priority"], keys[:, 1], keys[:, 0]))
        keys, rows = keys[order], records["row"][order]
        repeated = np.zeros(len(rows), bool)
        repeated[1:] = (keys[1:] == keys[:-1]).all(1)
        verdicts[rows[repeated]] = verdict


def _slices(scan: Scan, verdicts: np.ndarray) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Slices of the rows, with their language numbers and whether they are kept so far."""
    languages = scan.language_numbers()
    for start in range(0, scan.rows, ROWS_AT_A_TIME):
        rows = slice(start, min(start + ROWS_AT_A_TIME, scan.rows))
        yield rows, np.asarray(languages[rows], np.int64), verdicts[rows] == KEPT


def _count(scan: Scan, verdicts: np.ndarray) -> dict[str, list[int]]:
    counts = np.zeros((len(scan.languages), len(REASONS) + 1), np.int64)
    for rows, languages, _ in _slices(scan, verdicts):
        np.add.at(counts, (languages, verdicts[rows]), 1)
    return {lang: row.tolist() for lang, row in zip(scan.languages, counts, strict=True)}


def _drop_unsampled(scan: Scan, verdicts: np.ndarray, wanted: Mapping[str, int]) -> None:
    """Keep the ``wanted`` rows of lowest priority of each language named; others are kept whole."""
    number_of = {lang: number for number, lang in enumerate(scan.languages)}
    wanted_of = np.full(len(scan.languages), -1, np.int64)  # (languages,); -1: all
    for lang, number in wanted.items():
        wanted_of[number_of[lang]] = number
    limits = _highest_priority_kept(scan, verdicts, wanted_of)
    priorities = scan.priorities()
    for rows, languages, kept in _slices(scan, verdicts):
        over = (priorities[rows] > limits[languages]) | (wanted_of[languages] == 0)
        of_slice = verdicts[rows]
        of_slice[kept & over] = NOT_SAMPLED
        verdicts[rows] = of_slice


def _highest_priority_kept(scan: Scan, verdicts: np.ndarray, wanted_of: np.ndarray) -> np.ndarray:
    """(languages,) uint64: the priority of the last row that is taken of each language.

    Two passes bound the memory: a histogram of priorities finds the bin in which that row lies,
    then only the priorities of that bin are sorted.
    """
    priorities = scan.priorities()
    languages_number = len(scan.languages)
    shift = np.uint64(64 - HISTOGRAM_BITS)
    histogram = np.zeros((languages_number, 1 << HISTOGRAM_BITS), np.int64)
    for rows, languages, kept in _slices(scan, verdicts):
        bins = (priorities[rows][kept] >> shift).astype(np.int64)
        np.add.at(histogram, (languages[kept], bins), 1)

    up_to_bin = histogram.cumsum(1)  # (languages, bins)
    last_bin = (up_to_bin < wanted_of[:, None]).sum(1)  # (languages,)
    bin_before = np.maximum(last_bin - 1, 0)[:, None]
    before_bin = np.take_along_axis(up_to_bin, bin_before, 1)[:, 0]
    before_bin = np.where(last_bin > 0, before_bin, 0)

    in_last_bin: dict[int, list[np.ndarray]] = {
        int(language): [] for language in np.flatnonzero(wanted_of > 0)
    }
    for rows, languages, kept in _slices(scan, verdicts):
        bins = (priorities[rows] >> shift).astype(np.int64)
        at_limit = kept & (wanted_of[languages] > 0) & (bins == last_bin[languages])
        for language in np.unique(languages[at_limit]):
            chosen = at_limit & (languages == language)
            in_last_bin[int(language)].append(priorities[rows][chosen])

    limits = np.full(languages_number, np.iinfo(np.uint64).max, np.uint64)
    for language, parts in in_last_bin.items():
        rest = int(wanted_of[language] - before_bin[language])
        limits[language] = np.sort(np.concatenate(parts))[rest - 1]
    return limits
