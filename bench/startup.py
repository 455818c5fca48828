"""Seconds until a command says its first word, and CPU seconds until it ends: help, errors in the
configuration, and commands that go on to work.

    python bench/startup.py [--starts 5] [--python PATH] [--before FILE] [--write FILE]

Each number is the median of several starts in new interpreters. ``--write`` keeps them in a JSON
file; ``--before`` compares with such a file, of another checkout.

CPU seconds on one core of a busy machine, medians of three starts (*: one start), before and after
configurations were checked without torch. Before, errors came after torch had been imported:

    =================  ======  =====  =====
    command            before  after  ratio
    =================  ======  =====  =====
    --help               0.46   0.26   0.56
    train --help         1.65   0.51   0.31
    report --help        1.60   0.39   0.25
    probe --help         1.60   0.40   0.25
    no such key          1.04   0.83   0.79
    no value            8.63*   0.91   0.11
    no pairs folder     8.88*   0.92   0.10
    =================  ======  =====  =====
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

STARTS = {
    "--help": "transliconet --help",
    "train --help": "transliconet train --help",
    "report --help": "transliconet report --help",
    "probe --help": "transliconet probe --help",
    "no value": "transliconet train",
    "no such key": "transliconet train pairs=x objective.tcm.temp=1",
    "no pairs folder": "transliconet train pairs=nowhere encoder=e5_small",
    "no results": "transliconet report results=nowhere",
    "train": "transliconet train pairs=pairs encoder.path=nowhere encoder=local out=run",
    "probe": "transliconet probe pairs=pairs encoder.path=nowhere out=probed.json",
}
"""Name → command. The last two read a pairs folder and fail when they load the encoder."""


def start(command: str, python: str, folder: Path) -> tuple[float, float]:
    """Seconds until the first byte of output, and CPU seconds of the whole process."""
    arguments = [python, "-m", *command.split()]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with subprocess.Popen(
        arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        first_word = time.perf_counter() - began
        process.stdout.read()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return first_word, cpu


def measure(starts: int, python: str) -> dict[str, list[float]]:
    """Name → median seconds to the first word, median CPU seconds."""
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "kat_Geor.txt").write_text("გამარჯობა\nკარგი\n", encoding="utf-8")
        prepared = ("prepare", "corpus.paths=[kat_Geor.txt]", "out=pairs", "progress=false")
        command = [python, "-m", "transliconet", *prepared]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for name, command_line in STARTS.items():
            runs = [start(command_line, python, folder) for _ in range(starts)]
            words, cpu = zip(*runs, strict=True)
            found[name] = [median(words), median(cpu)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    found = measure(options.starts, options.python)
    if options.write:
        options.write.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    before = json.loads(options.before.read_text()) if options.before else {}
    print(f"{'':<18}{'first word, s':>16}{'CPU s':>10}{'before':>10}{'ratio':>8}")
    for name, (word, cpu) in found.items():
        line = f"{name:<18}{word:>16.2f}{cpu:>10.2f}"
        if name in before:
            then = before[name][1]
            line += f"{then:>10.2f}{cpu / then:>8.2f}"
        print(line)


if __name__ == "__main__":
    main()
