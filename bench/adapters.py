"""Compare adapters with training all weights: retrieval, memory and speed after the same steps.

    python bench/adapters.py --pairs ui --encoder e5 --out adapters [--steps 40] [--replay 0]

Anchored contrast, the vocabulary as it is; without replay, nothing but the low rank holds native
text in place. Each variant runs in a process of its own, so that its peak memory can be read.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

VARIANTS = {  # name → (trainable, learning rate, settings of the adapters)
    "untouched": ("", 0.0, {}),
    "all weights": ("all", 2e-4, {}),
    "lora": ("lora", 1e-3, {}),
    "dora": ("lora", 1e-3, {"dora": True}),
}


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Train and probe one variant, in this process."""
    import transliconet as tn
    from transliconet.objectives.anchored import AnchoredContrast

    trainable, rate, lora = VARIANTS[options.variant]
    encoder, pairs = (
        tn.load(options.encoder, prompt=options.prompt),
        tn.PairsFolder.open(options.pairs),
    )
    found: dict[str, float] = {}
    if trainable:
        out = options.out / options.variant.replace(" ", "_")
        objective = {"anchor": AnchoredContrast(replay=options.replay)}
        started = time.process_time()
        result = tn.fit(
            encoder,
            pairs,
            objective,
            out,
            steps=options.steps,
            overwrite=True,
            batch_size=options.batch_size,
            max_length=64,
            learning_rate=rate,
            dropout=0.0,
            trainable=trainable,
            lora=tn.LoraSettings(**lora),
            checkpoints=None,
        )
        found["pairs/s"] = options.steps * options.batch_size / result.seconds
        found["CPU s"] = time.process_time() - started
        found["GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        encoder = tn.load(result.export)
        if result.adapter is not None:
            files = [file.stat().st_size for file in result.adapter.iterdir()]
            found["adapter MB"] = sum(files) / 2**20
    probe = tn.RetrievalProbe(pivots=["eng_Latn"])
    scores = tn.mean_accuracies(probe.run(encoder, pairs))
    return {**found, **{task: 100 * score for task, score in scores.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pairs", required=True)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--prompt", default="query: ")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--replay", type=float, default=0.0)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS))
    parser.add_argument("--variant", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.variant:
        print(json.dumps(measure(options)))
        return
    for variant in options.variants:
        command = [sys.executable, *sys.argv, "--variant", variant]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        scores = json.loads(done.stdout.splitlines()[-1])
        cells = [f"{name} {value:.2f}" for name, value in scores.items()]
        print(f"{variant}: {', '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
