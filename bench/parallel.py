"""Throughput of ``transliconet train`` in pairs per second: two processes against one, each with
one thread.

    python bench/parallel.py --pairs ui --encoder e5 [--rounds 3] [--steps 40]
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median


def pairs_per_s(options: argparse.Namespace, trainer: str, folder: Path) -> float:
    """Median over the logged steps but the first, summed over all processes."""
    command = [
        str(Path(sys.executable).with_name("transliconet")),
        "train",
        f"trainer={trainer}",
        f"pairs={options.pairs}",
        "encoder=local",
        f"encoder.path={options.encoder}",
        "objective=contrast",
        "data.batch_size=32",
        "data.max_length=64",
        f"trainer.max_steps={options.steps}",
        "trainer.log_every_n_steps=5",
        "probe=none",
        "logger=csv",
        "trainer.enable_progress_bar=false",
        f"out={folder}",
    ]
    subprocess.run(
        command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    with (folder / "metrics.csv").open() as file:
        rates = [
            float(row["pairs_per_s"]) for row in csv.DictReader(file) if row.get("pairs_per_s")
        ]
    return median(rates[1:])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40)
    options = parser.parse_args()
    found: dict[str, list[float]] = {"cpu": [], "ddp_2cpu": []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for trainer, rates in found.items():
                rates.append(pairs_per_s(options, trainer, Path(folder) / f"{trainer}{number}"))
    for trainer, rates in found.items():
        print(f"{trainer}: {median(rates):.1f} pairs/s ({min(rates):.1f}–{max(rates):.1f})")
    ratios = [two / one for one, two in zip(*found.values(), strict=True)]
    print(f"two processes / one: {median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})")


if __name__ == "__main__":
    main()
