"""Compare the training recipes: same pairs, same encoder, same training time, several seeds.

    python bench/ablation.py --pairs ui --encoder e5 --transmi e5-transmi --out ablation \\
        [--minutes 2] [--seeds 0 1 2]

Each recipe is first timed over some steps. It then gets as many steps as fit into ``--minutes`` of
training; probes, and the anchors of anchored recipes, are not part of that time. Each run is also
probed at every quarter. ``--transmi`` is the output of ``transliconet vocab`` on ``--encoder``:
recipes with romanized subwords start from it, so that the vocabulary is extended once.

Writes ``runs/``, ``table.md`` and ``curves.png`` to ``--out``; finished runs are not run again.
With ``--options``, variants of the recommended recipe are compared instead, each over ``--steps``
steps, and the table is ``options.md``.
"""

import argparse
import csv
import gc
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean, stdev

import altair as alt

from transliconet.probe.results import mean_accuracies, read_results

TASKS = ("native→romanized", "romanized→eng_Latn", "native→eng_Latn")
RECIPES = {  # name → (overrides, whether it starts from the encoder with romanized subwords)
    "translico (layer 8, dot, T = 1, MLM)": (
        [
            "experiment=translico",
            "trainer=cpu",
            "trainer.accumulate_grad_batches=1",
            "data.max_length=64",
        ],
        False,
    ),
    "ppa": (
        [
            "experiment=ppa",
            "trainer=cpu",
            "trainer.accumulate_grad_batches=1",
            "data.max_length=64",
        ],
        False,
    ),
    "plain TCM (cosine, T = 0.05)": (
        ["objective=contrast", "data.batch_size=64", "data.max_length=64"],
        False,
    ),
    "anchored": (["experiment=anchored"], False),
    "recommended": (["experiment=recommended", "method=none"], True),
}
MOVING = ["objective.anchor._target_=ema.MovingAnchors", "objective.anchor.cached_negatives=0"]
OPTIONS = {  # what is changed in the recommended recipe
    "as recommended": [],
    "layer 10": ["objective.anchor.layer=10"],
    "layer 8": ["objective.anchor.layer=8"],
    "dot product, T = 0.5": ["objective.anchor.similarity=dot", "objective.anchor.temperature=0.5"],
    "dot product, T = 1": ["objective.anchor.similarity=dot", "objective.anchor.temperature=1"],
    "2,048 cached negatives": ["objective.anchor.cached_negatives=2048"],
    "negatives of the batch alone": ["objective.anchor.cached_negatives=0"],
    "… towards a moving average, decay 0.99": [*MOVING, "+objective.anchor.decay=0.99"],
    "… towards a moving average, decay 0.999": [*MOVING, "+objective.anchor.decay=0.999"],
    "a quarter of native text replayed": ["objective.anchor.replay=1"],
    "half of native text replayed": [
        "objective.anchor.replay=1",
        "objective.anchor.replay_share=0.5",
    ],
    "all the way": ["start_share=0"],
    "only equal texts excluded from the negatives": ["objective.anchor.exclude_nearest=0"],
    "batches of one language": ["data.by_language=true"],
    "a fifth with some words romanized": ["data.augment.mixed=0.2"],
    "three quarters spelled as people type": ["data.augment.typed=0.75"],
    "layer decay 0.9": ["optim.layer_decay=0.9"],
    "lowest four layers frozen": ["frozen_layers=4"],
    "rows of new subwords alone": ["trainable=new_rows"],
    "dropout 0.1": ["dropout=null"],
    "T = 0.05": ["objective.anchor.temperature=0.05"],
    "and pulled, weight 25": ["objective.anchor.pull=25"],
    "and word alignment": ["objective.word_alignment.weight=0.2"],
    "towards all similarities of the anchor": ["objective.anchor.soft_targets=true"],
}
STUDENT_T = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}
"""Two-sided 97.5 % quantiles of Student's t for the mean of n runs."""


def train(
    options: argparse.Namespace, recipe: str, seed: int, steps: int, out: Path, probe: bool
) -> None:
    overrides, extended = RECIPES[recipe]
    languages = ",".join(options.languages)
    train_on = ",".join(options.train_languages)
    probing = (
        [
            "probe.pivots=[eng_Latn]",
            f"probe.languages=[{languages}]",
            f"probe.candidates.max={options.candidates}",
            "probe.embedding.layer=last",
            f"probe_every_n_steps={max(1, steps // 4)}",
        ]
        if probe
        else ["probe=none"]
    )
    command = [
        str(Path(sys.executable).with_name("transliconet")),
        "train",
        *overrides,
        "trainer.accelerator=cpu",
        "trainer.devices=1",
        "trainer.precision=bf16-mixed",
        "encoder=local",
        f"encoder.path={options.transmi if extended else options.encoder}",
        f"pairs={options.pairs}",
        f"seed={seed}",
        f"trainer.max_steps={steps}",
        "trainer.max_epochs=-1",
        f"data.languages=[{train_on}]",
        *probing,
        "trainer.log_every_n_steps=5",
        "logger=csv",
        f"out={out}",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{recipe}, seed {seed}: {done.stderr[-2000:]}")


def steps_for(options: argparse.Namespace, recipe: str, folder: Path) -> int:
    """As many optimizer steps as the recipe makes in the given minutes, from a short run without
    its first steps.
    """
    out = folder / "timing"
    if not (out / "results.json").is_file():
        train(options, recipe, 0, 25, out, probe=False)
    batch = json.loads((out / "results.json").read_text())["config"]["data"]["batch_size"]
    with (out / "metrics.csv").open() as f:
        rates = [float(r["pairs_per_s"]) for r in csv.DictReader(f) if r["pairs_per_s"]]
    return max(8, round(options.minutes * 60 * fmean(rates[1:]) / batch))


def curve(run: Path) -> list[dict[str, float]]:
    """Probe rows of a run, the first before training."""
    before = mean_accuracies(read_results(run / "results.json")["before"])
    start = {"probe/train_seconds": 0.0, **{f"probe/{task}": before[task] for task in TASKS}}
    with (run / "metrics.csv").open() as f:
        rows = [r for r in csv.DictReader(f) if r.get("probe/train_seconds")]
    return [start, *({k: float(v) for k, v in r.items() if k.startswith("probe/")} for r in rows)]


def interval(values: Sequence[float]) -> str:
    """Mean and 95 % interval over seeds, in percent."""
    if len(values) < 2:
        return f"{100 * values[0]:.1f}"
    half = STUDENT_T[len(values)] * stdev(values) / len(values) ** 0.5
    return f"{100 * fmean(values):.1f} ± {100 * half:.1f}"


def write_table(runs: Mapping[str, Sequence[Path]], out: Path) -> None:
    lines = [
        "| recipe | steps | training, s | " + " | ".join(TASKS) + " |",
        "|:--|--:|--:|" + "--:|" * len(TASKS),
    ]
    first = curve(next(iter(runs.values()))[0])[0]
    lines.append(
        "| untouched | 0 | 0 | "
        + " | ".join(f"{100 * first[f'probe/{t}']:.1f}" for t in TASKS)
        + " |"
    )
    extended = curve(runs["recommended"][0])[0]
    cells = " | ".join(f"{100 * extended[f'probe/{t}']:.1f}" for t in TASKS)
    lines.append(f"| transmi (no training) | 0 | 0 | {cells} |")
    for recipe, folders in runs.items():
        after = [mean_accuracies(read_results(f / "results.json")["after"]) for f in folders]
        accuracies = [[means[task] for means in after] for task in TASKS]
        steps = json.loads((folders[0] / "results.json").read_text())["training"]["steps"]
        seconds = fmean(curve(f)[-1]["probe/train_seconds"] for f in folders)
        cells = " | ".join(interval(a) for a in accuracies)
        lines.append(f"| {recipe} | {steps} | {seconds:.0f} | {cells} |")
    (out / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def plot(runs: Mapping[str, Sequence[Path]], out: Path) -> None:
    rows = []
    for recipe, folders in runs.items():
        for folder in folders:
            for number, point in enumerate(curve(folder)):
                x, y = point["probe/native→eng_Latn"], point["probe/romanized→eng_Latn"]
                row = {"recipe": recipe, "run": str(folder), "number": number, "x": x, "y": y}
                rows.append(row)
    scale = alt.Scale(zero=False)
    axis = alt.Axis(format=".0%")
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("x:Q", title="native → English, Acc@1", scale=scale, axis=axis),
        y=alt.Y("y:Q", title="romanized → English, Acc@1", scale=scale, axis=axis),
        color=alt.Color("recipe:N", scale=alt.Scale(scheme="viridis")),
        shape="recipe:N",
        detail="run:N",
    )
    line = base.mark_line(strokeWidth=1).encode(order="number:Q", shape=alt.Shape())
    last = base.transform_joinaggregate(last="max(number)", groupby=["run"])
    last = last.transform_filter("datum.number == datum.last")
    chart = line + base.mark_point(filled=True, size=30) + last.mark_point(filled=True, size=130)
    chart.properties(width=480, height=380).save(out / "curves.png", scale_factor=2)


def compare_options(options: argparse.Namespace) -> None:
    """Each option for ``--steps``, all in this process, probed at the end; ``options.md``."""
    from hydra import compose, initialize_config_module

    from transliconet import Candidates, PairsFolder, RetrievalProbe, load
    from transliconet.cli.train import train as run

    pairs = PairsFolder.open(options.pairs)
    probe = RetrievalProbe(
        languages=options.languages,
        pivots=["eng_Latn"],
        metrics=(),
        candidates=Candidates(max=options.candidates),
    )
    found: dict[str, list[dict[str, float]]] = {name: [] for name in OPTIONS}
    for seed, (name, changes) in product(options.seeds, OPTIONS.items()):
        out = options.out / "options" / re.sub(r"\W+", "_", name) / str(seed)
        kept = out.with_suffix(".json")
        if not kept.is_file():
            overrides = [
                *RECIPES["recommended"][0],
                "trainer=cpu",
                "trainer.precision=bf16-mixed",
                "encoder=local",
                f"encoder.path={options.transmi}",
                f"pairs={options.pairs}",
                f"seed={seed}",
                "probe=none",
                "logger=none",
                f"trainer.max_steps={options.steps}",
                "trainer.max_epochs=-1",
                "trainer.enable_progress_bar=false",
                f"data.languages=[{','.join(options.train_languages)}]",
                f"out={out}",
                *changes,
            ]
            with initialize_config_module("transliconet.conf", version_base="1.3"):
                cfg = compose("train", overrides=overrides)
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(
                json.dumps(mean_accuracies(probe.run(load(run(cfg).export), pairs))),
                encoding="utf-8",
            )
            shutil.rmtree(out)
            gc.collect()  # a trainer and its model refer to each other
        found[name].append(json.loads(kept.read_text(encoding="utf-8")))
        write_options(found, options)


def write_options(
    found: Mapping[str, Sequence[Mapping[str, float]]], options: argparse.Namespace
) -> None:
    lines = [
        f"{options.steps} steps each.",
        "",
        "| changed | " + " | ".join(TASKS) + " |",
        "|:--|" + "--:|" * len(TASKS),
    ]
    for name, runs in found.items():
        if runs:
            lines.append(
                f"| {name} | "
                + " | ".join(interval([run[task] for run in runs]) for task in TASKS)
                + " |"
            )
    (options.out / "options.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(lines[-1], flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("--pairs", "--encoder", "--transmi", "--out"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--candidates", type=int, default=150)
    parser.add_argument(
        "--languages",
        nargs="+",
        default=["amh_Ethi", "ell_Grek", "hin_Deva", "kor_Hang", "ben_Beng"],
    )
    parser.add_argument("--train-languages", nargs="+", required=True)
    parser.add_argument("--steps", type=int, default=100, help="of each option")
    parser.add_argument(
        "--options", action="store_true", help="the recommended recipe with one option changed each"
    )
    options = parser.parse_args()
    if options.options:
        compare_options(options)
        return
    runs: dict[str, list[Path]] = {}
    steps: dict[str, int] = {}
    for seed in options.seeds:
        for recipe in RECIPES:
            folder = options.out / "runs" / recipe.split(" (")[0].replace(" ", "_")
            if recipe not in steps:
                steps[recipe] = steps_for(options, recipe, folder)
            run = folder / str(seed)
            if not (run / "results.json").is_file():
                train(options, recipe, seed, steps[recipe], run, probe=True)
            runs.setdefault(recipe, []).append(run)
            print(f"{recipe}, seed {seed}: done", flush=True)
    write_table(runs, options.out)
    plot(runs, options.out)


if __name__ == "__main__":
    main()
