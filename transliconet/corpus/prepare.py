"""``prepare``: scan a source, select lines, romanize them chunk by chunk, and put the pairs folder
together.
"""

import logging
import shutil
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from transliconet.corpus.chunks import ChunkRomanizer
from transliconet.corpus.counts import PairCounts, by_language, total_dropped
from transliconet.corpus.recipe import Recipe
from transliconet.corpus.scan import CHUNK_ROWS, Scan, scan
from transliconet.corpus.selection import select
from transliconet.corpus.skipped import explain_skips
from transliconet.corpus.sources.base import Reader
from transliconet.corpus.workers import run_chunks
from transliconet.errors import DataError, Option
from transliconet.outputs import RESULT
from transliconet.pairs import PairsFolder, join_parts, new_pairs_folder, write_manifest
from transliconet.progress import Progress, progress_shown, tracked
from transliconet.romanizers.base import Romanizer, describe_romanizer

log = logging.getLogger(__name__)


def prepare(
    reader: Reader,
    romanizer: Romanizer,
    out: str | Path,
    recipe: Recipe | None = None,
    *,
    engine: str = "local",
    processes: int = 1,
    overwrite: bool = False,
    progress: bool = True,
) -> PairsFolder:
    """Write the pairs folder ``out``, whole or not at all.

    The same source, recipe and romanizer give the same bytes, whatever the engine, the number of
    processes and the interruptions. A run that was killed leaves a hidden folder beside ``out``;
    the same call continues from there.

    Args:
        reader: the source of the lines.
        romanizer: turns their texts into Latin script.
        out: the folder to write.
        recipe: what is cleaned, sampled, dropped and held out.
        engine: ``local``, or ``ray`` for a cluster.
        processes: number of processes that romanize.
        overwrite: replace a pairs folder that is at ``out``.
        progress: show progress bars.

    Returns:
        The folder, opened.

    Raises:
        DataError: no pair is left.
        ConfigError: there is something at ``out``, or an option is impossible.
        StorageError: another process is writing ``out``, or it cannot be written.
    """
    recipe = recipe or Recipe()
    plan = {
        "sources": reader.sources(),
        **recipe.describe(),
        "romanizer": describe_romanizer(romanizer),
    }
    with new_pairs_folder(out, plan, overwrite) as work:
        scanned = scan_once(reader, recipe, work / "scan", progress)
        selection = select(scanned, recipe)
        job = ChunkRomanizer(
            folder=work / "chunks",
            scan=scanned,
            selection=selection,
            romanizer=romanizer,
            rules=recipe.rules,
        )
        _romanize_chunks(job, engine, processes, progress)
        counts = [job.counts(chunk) for chunk in range(scanned.chunks)]
        if not any(chunk.kept for chunk in counts):
            raise _no_pairs(out, job, counts)
        _write_result(work / RESULT, job, counts, plan)
    return PairsFolder.open(out)


def scan_once(reader: Reader, recipe: Recipe, folder: Path, progress: bool) -> Scan:
    """Scan a source, unless an interrupted run has done so.

    Args:
        reader: the source of the lines.
        recipe: how lines are cleaned.
        folder: of the scan.
        progress: show a progress bar.

    Returns:
        The first pass.
    """
    if (done := Scan.load(folder)) is not None:
        log.info("continuing an interrupted run: %d lines were scanned", done.rows)
        return done
    with progress_shown(progress):
        return scan(tracked(reader, "scan", unit="lines"), folder, recipe)


def _romanize_chunks(job: ChunkRomanizer, engine: str, processes: int, progress: bool) -> None:
    """Do the chunks that an interrupted run didn't do."""
    job.folder.mkdir(exist_ok=True)
    chunks, rows = job.scan.chunks, job.scan.rows
    missing = [chunk for chunk in range(chunks) if not job.counts_file(chunk).is_file()]
    done = chunks - len(missing)
    if done:
        log.info("%d of %d chunks are romanized already", done, chunks)
    if not missing:
        return
    begun = min(done * CHUNK_ROWS, rows)
    with progress_shown(progress), Progress("romanize", rows, "lines", begun) as bar:
        for chunk in run_chunks(job, missing, processes, engine):
            # the last chunk may be shorter
            bar.advance(min(CHUNK_ROWS, rows - chunk * CHUNK_ROWS))


def _skipped_files(job: ChunkRomanizer) -> Iterator[Path]:
    yield job.scan.folder / "skipped.jsonl"
    yield from map(job.skipped_file, range(job.scan.chunks))


def _no_pairs(out: str | Path, job: ChunkRomanizer, counts: Sequence[PairCounts]) -> DataError:
    dropped = total_dropped(job.scan.counts, counts)
    if not dropped:
        problem = "no pair is left to write: the source has no lines"
        return DataError(Option("out", out), problem, "Check the source", code="TLN-DATA-119")
    reasons = ", ".join(f"{reason}: {number}" for reason, number in dropped.items())
    files = [file.open(encoding="utf-8") for file in _skipped_files(job)]
    try:
        first = explain_skips(chain.from_iterable(files))
    finally:
        for file in files:
            file.close()
    return DataError(
        Option("out", out),
        f"no pair is left to write ({reasons})",
        f"The first of them: {first}" if first else "Check the sampling",
        code="TLN-DATA-100",
    )


def _write_result(
    folder: Path, job: ChunkRomanizer, counts: Sequence[PairCounts], plan: dict[str, Any]
) -> None:
    """Join what the chunks wrote into one pairs folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    parts = [job.pairs_file(chunk) for chunk in range(job.scan.chunks)]
    join_parts(parts, folder / "data")
    with (folder / "skipped.jsonl").open("wb") as skipped:
        for file in _skipped_files(job):
            skipped.write(file.read_bytes())
    manifest = {
        "rows": sum(chunk.kept.total() for chunk in counts),
        **plan,
        "languages": by_language(job.scan.counts, counts),
        "dropped": total_dropped(job.scan.counts, counts),
    }
    write_manifest(folder, manifest)
