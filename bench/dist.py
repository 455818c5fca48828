"""Installs each distribution into an empty environment, and uses it there as a newcomer would.

    python bench/dist.py dist/*.whl dist/*.tar.gz

The working folder is an empty one, so that nothing of a checkout is imported. Versions are those of
constraints.txt; torch is the build that pip finds. It prints the seconds of each command, and ends
at the first that fails.
"""

import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
TEXT = {
    "kat_Geor.txt": "გამარჯობა მეგობარო\nროგორ ხარ დღეს\nსად არის სადგური\nკარგი ამინდია\n",
    "rus_Cyrl.txt": "здравствуй друг\nкак дела сегодня\nгде находится вокзал\nхорошая погода\n",
}
SMALL = (
    "encoder=tiny",
    "encoder.vocab_size=120",
    "encoder.hidden_size=16",
    "encoder.layers=1",
    "encoder.heads=2",
)
COMMANDS = (
    ("--version",),
    ("train", "experiment=recommended", "--help"),
    ("prepare", "corpus.paths=[kat_Geor.txt,rus_Cyrl.txt]", "rules.heldout=0.5", "out=pairs"),
    (
        *("train", "pairs=pairs", "out=run", *SMALL, "objective=contrast", "trainer=cpu"),
        *("trainer.max_steps=1", "data.batch_size=2", "probe.candidates.min=1"),
    ),
    ("report", "results=run", "out=report"),
    ("search", "где вокзал", "encoder=run/export", "pairs=pairs", "k=2"),
)
"""What is run in the environment: a command of each kind."""


def run(arguments: Sequence[str | Path], folder: Path) -> None:
    """Run a program, and print how long it took; its output only if it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    started = time.perf_counter()
    done = subprocess.run(
        list(map(str, arguments)), cwd=folder, env=environment, capture_output=True, text=True
    )
    shown = " ".join(map(str, arguments[1:4]))
    print(f"  {time.perf_counter() - started:6.1f} s  {shown}", flush=True)
    if done.returncode:
        raise SystemExit(f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}\nstatus {done.returncode}")


def check(distribution: Path) -> None:
    """Install a wheel or sdist, and run the commands."""
    print(distribution.name)
    with tempfile.TemporaryDirectory() as temporary:
        folder, environment = Path(temporary) / "work", Path(temporary) / "environment"
        folder.mkdir()
        venv.create(environment, with_pip=True)
        python = environment / "bin" / "python"
        pip = [python, "-m", "pip", "--disable-pip-version-check", "-q"]
        run([*pip, "install", "-c", CONSTRAINTS, distribution], folder)
        for name, text in TEXT.items():
            (folder / name).write_text(text, encoding="utf-8")
        for command in COMMANDS:
            run([environment / "bin" / "transliconet", *command], folder)
        for made in ("pairs/manifest.json", "run/export/model.safetensors", "report.html"):
            if not (folder / made).is_file():
                raise SystemExit(f"{made} is missing")


def main() -> None:
    distributions = [Path(name).resolve() for name in sys.argv[1:]]
    if not distributions:
        raise SystemExit(__doc__)
    for distribution in distributions:
        check(distribution)


if __name__ == "__main__":
    main()
