"""What ``prepare`` would write and how long it would take, without writing it."""

import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from transliconet.corpus.counts import PairCounts, by_language
from transliconet.corpus.prepare import scan_once
from transliconet.corpus.recipe import Recipe
from transliconet.corpus.scan import Scan
from transliconet.corpus.selection import KEPT, REASONS, Selection, select
from transliconet.corpus.sources.base import Reader
from transliconet.romanizers.base import Romanizer, romanize_line

CHUNKS_SAMPLED = 8


@dataclass(frozen=True)
class Estimate:
    """What :func:`~transliconet.corpus.prepare.prepare` would write.

    Args:
        languages: tag → counts, as in the manifest.
        seconds: time to romanize everything in one process, once the romanizer is loaded.
        loading: seconds that each process takes to load the romanizer.
    """

    languages: dict[str, dict[str, Any]]
    seconds: float
    loading: float


def estimate(
    reader: Reader,
    romanizer: Romanizer,
    recipe: Recipe | None = None,
    progress: bool = True,
    sample: int = 2000,
) -> Estimate:
    """Scan and select as ``prepare`` does, and measure the romanizer. Nothing stays on disk.

    Args:
        reader: the source of the lines.
        romanizer: is timed.
        recipe: what is cleaned, sampled, dropped and held out.
        progress: show a progress bar.
        sample: number of lines that are romanized to measure the rate.

    Returns:
        The counts and times. Lines that would be dropped after romanizing are counted as kept.

    Raises:
        ConfigError: an option is impossible.
    """
    recipe = recipe or Recipe()
    with tempfile.TemporaryDirectory(prefix="transliconet-") as folder:
        scanned = scan_once(reader, recipe, Path(folder) / "scan", progress)
        selection = select(scanned, recipe)
        counts = _selected(selection)
        languages = by_language(scanned.counts, [counts])
        rows = _sampled_rows(scanned, sample)
    loading = _seconds(romanizer, rows[:1])
    per_line = _seconds(romanizer, rows) / max(1, len(rows))
    return Estimate(languages, counts.kept.total() * per_line, loading)


def _selected(selection: Selection) -> PairCounts:
    counts = PairCounts()
    for lang, verdicts in selection.counts.items():
        counts.kept[lang] = verdicts[KEPT]
        dropped = {reason: verdicts[verdict] for verdict, reason in REASONS.items()}
        counts.dropped[lang] = +Counter(dropped)  # without zeros
    return counts


def _sampled_rows(scanned: Scan, sample: int) -> list[dict[str, Any]]:
    chunks = np.random.default_rng(0).permutation(scanned.chunks)[:CHUNKS_SAMPLED]
    rows: list[dict[str, Any]] = []
    for chunk in chunks.tolist():
        rows += scanned.chunk(chunk).slice(0, -(-sample // len(chunks))).to_pylist()
    return rows


def _seconds(romanizer: Romanizer, rows: list[dict[str, Any]]) -> float:
    started = time.perf_counter()
    for row in rows:
        if row["romanized"] is None:  # what the source has romanized costs nothing
            romanize_line(romanizer, row["text"], row["lang"])
    return time.perf_counter() - started
