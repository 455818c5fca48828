"""Compare the recommended recipe with what sentence-transformers' trainer gives in the same time.

    python bench/baselines.py --pairs ui sib --encoder e5 --transmi e5-transmi --data DATA \\
        --out baselines [--minutes 10] [--seeds 0 1 2]

The same pairs and the same starting model, float32, batches of 64 pairs, 64 tokens a text, as many
steps as fit into ``--minutes`` of training (from a short timing run):

- ``recommended``: from ``--transmi``, the output of ``transliconet vocab`` on ``--encoder``;
- ``ranking``: MultipleNegativesRankingLoss on pairs of native and romanized text;
- ``distillation``: MSELoss; both texts are trained towards the untouched model's vector of the
  native one (Reimers & Gurevych, 2020).

Writes a table with pairs per second, peak memory, and the rows of ``bench/other_text.py``.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import fmean

from transliconet.pairs import PairsFolder

BATCH = 64
MAX_LENGTH = 64
TIMING_STEPS = 5
OURS = "recommended"
BASELINES = ("ranking", "distillation")


def training_pairs(folders: list[str]) -> list[tuple[str, str]]:
    """All pairs that are not held out: native text and its romanization."""
    pairs: list[tuple[str, str]] = []
    for folder in folders:
        table = PairsFolder.open(folder).split("train")
        pairs += zip(table["text"].to_pylist(), table["romanized"].to_pylist(), strict=True)
    return pairs


def train_recommended(options: argparse.Namespace, seed: int, steps: int, out: Path) -> float:
    """Train by the command line; returns the seconds that the training steps took."""
    first, *others = options.pairs
    command = [
        *[sys.executable, "-m", "transliconet", "train", "experiment=recommended", "method=none"],
        *["encoder=local", f"encoder.path={options.transmi}", f"pairs={first}"],
        *[f"data.also=[{','.join(others)}]", f"data.batch_size={BATCH}"],
        *[f"data.max_length={MAX_LENGTH}", "trainer=cpu", "trainer.precision=32-true"],
        *[f"trainer.max_steps={steps}", "trainer.max_epochs=-1", "probe=none", f"seed={seed}"],
        *["logger=none", f"out={out}", *options.overrides],
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    # "trained 150 steps in 640 s; …"
    return float(done.stdout.rpartition("steps in ")[2].split(" ")[0])


def train_baseline(
    options: argparse.Namespace, arm: str, seed: int, steps: int, out: Path
) -> float:
    """Train by sentence-transformers; returns the seconds that the training steps took."""
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer import losses

    model = SentenceTransformer(options.encoder, device="cpu")
    model.max_seq_length = MAX_LENGTH
    pairs = training_pairs(options.pairs)
    random.Random(seed).shuffle(pairs)
    pairs = pairs[: steps * BATCH]
    native, romanized = map(list, zip(*pairs, strict=True))
    if arm == "ranking":
        data = Dataset.from_dict({"anchor": romanized, "positive": native})
        loss = losses.MultipleNegativesRankingLoss(model)
    else:
        # the teacher's vectors are computed before training, as the anchors are
        vectors = model.encode(native, batch_size=BATCH).tolist()
        data = Dataset.from_dict({"romanized": romanized, "native": native, "label": vectors})
        loss = losses.MSELoss(model)
    settings = SentenceTransformerTrainingArguments(
        output_dir=str(out / "trainer"),
        per_device_train_batch_size=BATCH,
        max_steps=steps,
        learning_rate=2e-5 if arm == "ranking" else 1e-4,
        warmup_steps=max(1, steps // 10),
        seed=seed,
        use_cpu=True,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    trainer = SentenceTransformerTrainer(model, settings, train_dataset=data, loss=loss)
    start = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - start
    model.save(str(out / "export"))
    return seconds


def worker(options: argparse.Namespace) -> None:
    """Train one arm in this process and write what it took."""
    out = Path(options.worker_out)
    out.mkdir(parents=True, exist_ok=True)
    if options.arm == OURS:
        seconds = train_recommended(options, options.seed, options.steps, out / "run")
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        encoder = out / "run" / "export"
    else:
        seconds = train_baseline(options, options.arm, options.seed, options.steps, out)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        encoder = out / "export"
    took = {"seconds": seconds, "gigabytes": memory / 2**20, "encoder": str(encoder)}
    (out / "took.json").write_text(json.dumps(took), "utf-8")


def run(arguments: list[str], arm: str, seed: int, steps: int, out: Path) -> dict:
    """Train one arm in a process of its own, so that its peak memory is its own."""
    if not (out / "took.json").is_file():
        extra = ["--arm", arm, "--seed", str(seed), "--steps", str(steps), "--worker-out", str(out)]
        subprocess.run([sys.executable, __file__, *arguments, *extra], check=True)
    return json.loads((out / "took.json").read_text("utf-8"))


def measured(options: argparse.Namespace, encoder: str, out: Path) -> dict[str, float]:
    """The rows of bench/other_text.py."""
    file = out / "rows.json"
    if not file.is_file():
        script = str(Path(__file__).with_name("other_text.py"))
        command = [sys.executable, script, "--encoder", encoder, "--data", str(options.data)]
        command += ["--sentences", str(options.sentences), "--out", str(file)]
        command += ["--typed-column", options.typed_column]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return json.loads(file.read_text("utf-8"))


def table(results: dict[str, list[dict[str, float]]]) -> str:
    """Arms by column, means over seeds by row."""
    arms = list(results)
    lines = ["| | " + " | ".join(arms) + " |", "|:--|" + "--:|" * len(arms)]
    for row in results[OURS][0]:
        cells = [f"{fmean(seed[row] for seed in results[arm]):.1f}" for arm in arms]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", nargs="+", required=True)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--transmi", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--typed-column", default="romanized")
    parser.add_argument("--sentences", type=int, default=300)
    parser.add_argument("--overrides", nargs="*", default=[], help="of the recommended recipe")
    for name in ("--arm", "--worker-out"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    for name in ("--seed", "--steps"):
        parser.add_argument(name, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm:
        worker(options)
        return
    results: dict[str, list[dict[str, float]]] = {arm: [] for arm in (OURS, *BASELINES)}
    for arm in results:
        timing = run(sys.argv[1:], arm, 0, TIMING_STEPS, options.out / f"{arm}-timing")
        steps = int(options.minutes * 60 * TIMING_STEPS / timing["seconds"])
        for seed in options.seeds:
            out = options.out / f"{arm}-{seed}"
            took = run(sys.argv[1:], arm, seed, steps, out)
            costs = {
                "steps": steps,
                "pairs per second": steps * BATCH / took["seconds"],
                "peak memory, GB": took["gigabytes"],
            }
            results[arm].append({**costs, **measured(options, took["encoder"], out)})
    (options.out / "table.md").write_text(table(results), "utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
