"""Time and peak memory of ``prepare``, by the size of the corpus and the number of processes.

    python bench/prepare.py FILE.parquet [--times 1 4 16] [--processes 1 2] [--romanizer uroman]

The file is long Parquet (id, lang, text). Larger corpora repeat its lines with a running number
before each, so that there are no duplicates. Every run is a process of its own; printed are its
peak memory and that of its largest worker.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq


def write_corpus(source: Path, folder: Path, times: int) -> int:
    folder.mkdir()
    rows, number = pq.read_table(source, columns=["lang", "text"]).to_pylist(), 0
    files = {
        lang: (folder / f"{lang}.txt").open("w", encoding="utf-8")
        for lang in {r["lang"] for r in rows}
    }
    for repeat in range(times):
        for row in rows:
            text = " ".join(row["text"].split())
            files[row["lang"]].write(f"{repeat} {text}\n")
            number += 1
    for f in files.values():
        f.close()
    return number


RUN = """
import json, resource, sys, time
from transliconet.corpus.sources.text import TextFiles
from transliconet.corpus.prepare import prepare
from transliconet.romanizers.registry import romanizer
started = time.perf_counter()
if __name__ == "__main__":
    _, text, out, name, processes = sys.argv
    options = {"processes": int(processes), "progress": False}
    prepare(TextFiles(text), romanizer(name), out, **options)
    seconds = time.perf_counter() - started
    own, worker = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    peak = [resource.getrusage(who).ru_maxrss / 1024 for who in (own, worker)]
    print(json.dumps({"seconds": seconds, "own_mb": peak[0], "worker_mb": peak[1]}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--times", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--processes", type=int, nargs="+", default=[1])
    parser.add_argument("--romanizer", default="uroman")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "run.py"
        script.write_text(RUN)
        for times in options.times:
            corpus = Path(folder) / f"corpus{times}"
            lines = write_corpus(options.file, corpus, times)
            for processes in options.processes:
                out = Path(folder) / f"pairs{times}-{processes}"
                arguments = [
                    sys.executable,
                    str(script),
                    str(corpus),
                    str(out),
                    options.romanizer,
                    str(processes),
                ]
                done = subprocess.run(arguments, capture_output=True, text=True, check=True)
                r = json.loads(done.stdout.splitlines()[-1])
                print(
                    f"{times}x: {lines} lines, {processes} process(es): {r['seconds']:.0f} s, "
                    f"{lines / r['seconds']:.0f} lines/s, peak {r['own_mb']:.0f} MB, "
                    f"a worker {r['worker_mb']:.0f} MB",
                    flush=True,
                )


if __name__ == "__main__":
    main()
