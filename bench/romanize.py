"""The package's romanizer against uroman: lines per second, and the number of lines that differ.

    python bench/romanize.py FILE.parquet [FILE.parquet …] [--sample 3000] [--processes 1 2 4]

Files are long Parquet (id, lang, text), and both romanizers run in this process. The package's
reads every row in order, with an empty cache at the start. uroman reads a random sample
(``--sample 0``: every row), from which its time for all rows is extrapolated; every line of the
sample is compared. With ``--processes``, the package's romanizer also reads the rows in several
processes, a contiguous part in each. Loading the tables is never part of the time.
"""

import argparse
import multiprocessing
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
from uroman.uroman import Uroman

from transliconet.romanizers.fast_uroman import CachedUroman

Row = tuple[str, str]


def outcome(romanize: Callable[[str, str], str], row: Row) -> object:
    try:
        return romanize(row[1], row[0])
    except Exception as error:
        return type(error), str(error)


def timed(romanize: Callable[[str, str], str], rows: Sequence[Row]) -> tuple[list[object], float]:
    start = time.perf_counter()
    results = [outcome(romanize, row) for row in rows]
    return results, time.perf_counter() - start


def compare(name: str, rows: Sequence[Row], sample: int, reference: Uroman) -> None:
    ours, fast = timed(CachedUroman().romanize, rows)
    chosen = sorted(random.Random(0).sample(range(len(rows)), min(sample or len(rows), len(rows))))
    theirs, slow = timed(reference.romanize_string, [rows[i] for i in chosen])
    differ = [rows[i] for i, other in zip(chosen, theirs, strict=True) if ours[i] != other]
    slow *= len(rows) / len(chosen)
    rates = (
        f"ours {len(rows) / fast:.0f}/s, uroman {len(rows) / slow:.0f}/s, ratio {slow / fast:.1f}"
    )
    print(
        f"{name}: {len(differ)} of {len(chosen)} lines compared differ; {len(rows)} lines: {rates}",
        flush=True,
    )
    for row in differ[:5]:
        print("   differs:", *row)


def load(barrier: object) -> None:
    global _ours, _barrier
    _ours, _barrier = CachedUroman(), barrier


def work(rows: Sequence[Row]) -> float:
    """Seconds for the rows, measured from the moment at which every process is ready."""
    _barrier.wait()  # type: ignore[attr-defined]
    return timed(_ours.romanize, rows)[1]


def scale(name: str, rows: Sequence[Row], processes: int) -> None:
    context = multiprocessing.get_context("spawn")
    share = -(-len(rows) // processes)
    with ProcessPoolExecutor(processes, context, load, (context.Barrier(processes),)) as pool:
        slowest = max(pool.map(work, [rows[i * share : (i + 1) * share] for i in range(processes)]))
    print(f"{name}: {processes} process(es): {len(rows) / slowest:.0f}/s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument(
        "--sample", type=int, default=3000, help="number of rows that uroman reads; 0: all"
    )
    parser.add_argument(
        "--processes",
        type=int,
        nargs="*",
        default=[],
        help="also run the package's romanizer in N processes",
    )
    options = parser.parse_args()
    reference = Uroman()
    for file in options.files:
        table = pq.read_table(file, columns=["lang", "text"])
        rows = list(zip(table["lang"].to_pylist(), table["text"].to_pylist(), strict=True))
        latin = [(lang[:3], text) for lang, text in rows if lang.endswith("Latn")]
        other = [(lang[:3], text) for lang, text in rows if not lang.endswith("Latn")]
        for name, part in (("not Latin", other), ("Latin", latin)):
            if part:
                compare(f"{file.stem}, {name}", part, options.sample, reference)
                for processes in options.processes:
                    scale(f"{file.stem}, {name}", part, processes)


if __name__ == "__main__":
    main()
