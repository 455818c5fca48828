"""Contrastive learning with batches larger than memory: time and peak memory of a training step,
with and without GradCache.

    python bench/gradcache.py --pairs ui --encoder e5 [--sizes 64 256 4096] [--micro-batch 64] \\
        [--threads 2]

Each batch size runs in a process of its own; sizes up to ``--whole`` also run without GradCache.
The step is TCM at the last layer with AdamW. CPU seconds are the sum over all threads: on a machine
with other work they are more reliable than pairs per second.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from tabulate import tabulate

from transliconet.data.collate import Collator
from transliconet.data.sampler import BatchPlan
from transliconet.model.encoder import Encoder
from transliconet.objectives.encode import CLEAN, encode
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.pairs import PairsFolder
from transliconet.tokens.cache import cached_token_ids
from transliconet.tokens.padding import Vocabulary


def measure(options: argparse.Namespace, size: int, micro_batch: int | None) -> None:
    torch.set_num_threads(options.threads)
    encoder = Encoder.from_pretrained(str(options.encoder)).train()
    pairs = cached_token_ids(PairsFolder.open(options.pairs), encoder.tokenizer, 64)
    objective = TransliterationContrast(
        layer="last", input=CLEAN, similarity="cosine", temperature=0.05
    )
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=1e-6, fused=True)
    chosen = np.random.default_rng(0).choice(len(pairs), size, replace=False)
    collate = Collator(pairs, Vocabulary.from_tokenizer(encoder.tokenizer))
    batch = collate(BatchPlan((0,), chosen))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    start, busy = time.perf_counter(), time.process_time()
    encoded = encode(encoder, batch, objective.reads(encoder), micro_batch=micro_batch)
    objective(encoded)["tcm"].backward()
    optimizer.step()
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    parts = "whole" if micro_batch is None else f"{micro_batch} texts at a time"
    print(
        json.dumps(
            [size, parts, objective.negatives_per_text(size), size / seconds, busy, before, peak]
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 256, 4096])
    parser.add_argument("--whole", type=int, default=256)
    parser.add_argument("--micro-batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(options, options.one[0], options.one[1] or None)
        return
    rows = []
    for size in options.sizes:
        for micro_batch in (
            (0, options.micro_batch) if size <= options.whole else (options.micro_batch,)
        ):
            command = [
                sys.executable,
                __file__,
                *sys.argv[1:],
                "--one",
                str(size),
                str(micro_batch),
            ]
            rows.append(
                json.loads(
                    subprocess.run(command, capture_output=True, text=True, check=True).stdout
                )
            )
    heads = ["pairs", "encoded", "negatives a text", "pairs/s", "CPU s", "GB before", "peak GB"]
    print(tabulate(rows, heads, tablefmt="github", floatfmt=".2f"))


if __name__ == "__main__":
    main()
