"""``prepare``: scan, select, romanize unit by unit, and put the folder together."""

import json
import logging
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from transliconet.corpus.chunks import Rules, UnitCounts, UnitJob
from transliconet.corpus.cleaning import Cleaning
from transliconet.corpus.dedup import NearDuplicates
from transliconet.corpus.sampling import Sampling
from transliconet.corpus.scan import UNIT_ROWS, Ledger, Scan, scan
from transliconet.corpus.selection import KEPT, REASONS, Selection, select
from transliconet.corpus.sources.base import Reader
from transliconet.corpus.workers import run_chunks
from transliconet.errors import DataError
from transliconet.outputs import RESULT
from transliconet.pairs import PairsFolder, new_pairs_folder, pack
from transliconet.romanizers.base import Romanizer, romanize_line
from transliconet.storage import atomic_write

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides which pairs come out, source and romanizer aside."""

    cleaning: Cleaning = field(default_factory=Cleaning)
    sampling: Sampling = field(default_factory=Sampling)
    rules: Rules = field(default_factory=Rules)

    def describe(self) -> dict[str, Any]:
        return {
            "clean": asdict(self.cleaning),
            "sample": asdict(self.sampling),
            "rules": asdict(self.rules),
        }


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
    the same call goes on from there.

    Raises:
        DataError: no pair is left.
        ConfigError: ``out`` is there already, is being written by another process, or an option is
            impossible.
    """
    recipe = recipe or Recipe()
    plan = {
        "sources": reader.sources(),
        **recipe.describe(),
        "romanizer": {"name": romanizer.name, "version": romanizer.version},
    }
    with new_pairs_folder(out, plan, overwrite) as work:
        scanned = _scanned(reader, recipe, work / "scan", progress)
        selection = select(
            scanned, recipe.sampling, recipe.rules.duplicates == "drop", _near(recipe) is not None
        )
        (work / "units").mkdir(exist_ok=True)
        job = UnitJob(work / "units", scanned, selection, romanizer, recipe.rules)
        _do_units(job, engine, processes, progress)
        units = range(scanned.units)
        counts = [job.counts(u) for u in units]
        rows = sum(sum(c.kept.values()) for c in counts)
        if not rows:
            reasons = dict(_total_dropped(scanned.ledger, counts)) or "the source has no lines"
            raise DataError(
                f"out={out}",
                f"no pair is left to write ({reasons})",
                "Check the source and the rules",
                code="TLN-DATA-100",
            )
        made = work / RESULT
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        pack([job.chunk_file(u) for u in units], made / "data")
        with (made / "skipped.jsonl").open("wb") as f:
            for file in (scanned.folder / "skipped.jsonl", *(job.skipped(u) for u in units)):
                f.write(file.read_bytes())
        manifest = {"rows": rows, **plan, **_account(scanned, counts)}
        (made / "manifest.json").write_text(
            json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
    return PairsFolder.open(out)


@dataclass(frozen=True)
class Estimate:
    """What :func:`prepare` would write, and the seconds that romanizing would take in one
    process.
    """

    languages: dict[str, dict[str, Any]]
    seconds: float


def estimate(
    reader: Reader,
    romanizer: Romanizer,
    recipe: Recipe | None = None,
    progress: bool = True,
    sample: int = 2000,
) -> Estimate:
    """Scan and select without writing anything that stays; the romanizer's rate is measured on
    ``sample`` lines.

    Lines that romanizing itself would drop are counted as kept.
    """
    recipe = recipe or Recipe()
    with tempfile.TemporaryDirectory(prefix="transliconet-") as folder:
        scanned = _scanned(reader, recipe, Path(folder) / "scan", progress)
        selection = select(
            scanned, recipe.sampling, recipe.rules.duplicates == "drop", _near(recipe) is not None
        )
        kept = {lang: c[KEPT] for lang, c in selection.counts.items()}
        accounted = _account(scanned, [_selection_counts(selection)])["languages"]
        rate = _lines_per_second(scanned, romanizer, sample)
    return Estimate(accounted, sum(kept.values()) / rate if rate else 0.0)


def _near(recipe: Recipe) -> NearDuplicates | None:
    threshold = recipe.rules.near_duplicates
    return None if threshold is None else NearDuplicates(threshold)


def _scanned(reader: Reader, recipe: Recipe, folder: Path, progress: bool) -> Scan:
    """The first pass, done now or by the run that was interrupted."""
    done = folder / "scan.json"
    if done.is_file():
        raw = json.loads(done.read_text(encoding="utf-8"))
        ledger = Ledger(Counter(raw["read"]))
        for lang, reasons in raw["dropped"].items():
            ledger.dropped[lang].update(reasons)
        log.info("going on with an interrupted run: %d lines are scanned", raw["rows"])
        return Scan(folder, raw["rows"], raw["languages"], ledger)
    shutil.rmtree(folder, ignore_errors=True)
    lines = tqdm(
        reader, desc="scan", unit=" lines", unit_scale=True, disable=not progress, mininterval=1
    )
    sampling = recipe.sampling
    scanned = scan(
        lines,
        folder,
        recipe.cleaning,
        _near(recipe),
        sampling.seed,
        sampling.latin,
        sampling.same_ids,
    )
    ledger = scanned.ledger
    content = {
        "rows": scanned.rows,
        "languages": scanned.languages,
        "read": ledger.read,
        "dropped": ledger.dropped,
    }
    atomic_write(done, json.dumps(content))
    return scanned


def _do_units(job: UnitJob, engine: str, processes: int, progress: bool) -> None:
    units = range(job.scan.units)
    todo = [u for u in units if not job.report(u).is_file()]
    if len(todo) < len(units):
        log.info("%d of %d units are romanized already", len(units) - len(todo), len(units))
    done = min((len(units) - len(todo)) * UNIT_ROWS, job.scan.rows)
    with tqdm(
        total=job.scan.rows,
        initial=done,
        desc="romanize",
        unit=" lines",
        disable=not progress,
        mininterval=1,
    ) as bar:
        for unit in run_chunks(job, todo, processes, engine):
            bar.update(min(UNIT_ROWS, job.scan.rows - unit * UNIT_ROWS))


def _selection_counts(selection: Selection) -> UnitCounts:
    counts = UnitCounts(kept=Counter({lang: c[KEPT] for lang, c in selection.counts.items()}))
    for lang, verdicts in selection.counts.items():
        counts.dropped[lang] = Counter(
            {reason: verdicts[v] for v, reason in REASONS.items() if verdicts[v]}
        )
    return counts


def _lines_per_second(scanned: Scan, romanizer: Romanizer, sample: int) -> float:
    units = np.random.default_rng(0).permutation(scanned.units)[:8]
    rows = [
        row
        for u in units
        for row in scanned.unit(int(u)).to_pylist()[: -(-sample // max(1, len(units)))]
    ]
    if not rows:
        return 0.0
    romanize_line(romanizer, "а", "rus")  # loads the tables
    started = time.perf_counter()
    for row in rows:
        romanize_line(romanizer, row["text"], row["lang"].split("_")[0])
    return len(rows) / max(time.perf_counter() - started, 1e-9)


def _total_dropped(ledger: Ledger, counts: Sequence[UnitCounts]) -> Counter[str]:
    parts = [*ledger.dropped.values(), *(reasons for c in counts for reasons in c.dropped.values())]
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return total


def _account(scanned: Scan, counts: Sequence[UnitCounts]) -> dict[str, Any]:
    """Read, kept and dropped of each language: every line that was read is in one of the two."""
    languages: dict[str, dict[str, Any]] = {}
    for lang in sorted(scanned.ledger.read):
        dropped = Counter(scanned.ledger.dropped.get(lang, {}))
        for c in counts:
            dropped.update(c.dropped.get(lang, {}))
        entry: dict[str, Any] = {"read": scanned.ledger.read[lang]}
        for name in ("kept", "heldout", "identical", "fallback"):
            entry[name] = sum(getattr(c, name)[lang] for c in counts)
        languages[lang] = {**entry, "dropped": dict(sorted(dropped.items()))}
    return {
        "languages": languages,
        "dropped": dict(sorted(_total_dropped(scanned.ledger, counts).items())),
    }
