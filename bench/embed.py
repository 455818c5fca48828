"""Throughput of ``transliconet.embed`` and of ``SentenceTransformer.encode`` in sentences per
second, for the same model, text and vectors.

    pip install sentence-transformers   # needed for this comparison only
    python bench/embed.py --encoder e5 --parquet FILE.parquet [--sentences 2000] [--rounds 3] \\
        [--threads 2]

Both use float32, mean pooling over all tokens but padding, and the same maximal length. ``encode``
runs with its default batch size, 32, and with those of ``--batches``. The text is a random sample
of the file's rows (long Parquet: id, lang, text) or of a pairs folder's native view (``--pairs``).

Every run is a process of its own, and the two sides take turns. A run is timed after a warm-up on
64 sentences, by the clock and in CPU time, which other work on the machine disturbs less. Its
memory is the peak of the process, and the growth during the run without the result. Printed are
medians over rounds with minimum and maximum, ratios within rounds, and the lowest cosine between
the vectors of both sides.

With ``--times 1 8``, ``transliconet.embed`` also embeds the sample several times over, numbered so
that no text is repeated, and its memory without the result is reported. ``--rounds 0`` does that
alone.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow.parquet as pq
import torch
from tabulate import tabulate

OURS, DEFAULT = "transliconet", 32


def sample(options: argparse.Namespace) -> list[str]:
    """The sample of sentences, the same in every process."""
    if options.pairs:
        from transliconet.pairs import PairsFolder

        column = PairsFolder.open(options.pairs).split("all")["text"]
    else:
        column = pq.read_table(options.parquet, columns=["text"])["text"]
    rows = random.Random(0).sample(range(len(column)), min(options.sentences, len(column)))
    every = column.to_pylist()
    return [every[i] for i in rows]


def repeated(texts: Sequence[str], times: int) -> list[str]:
    return [text if turn == 0 else f"{turn} {text}" for turn in range(times) for text in texts]


def ours(options: argparse.Namespace) -> Callable[[Sequence[str]], np.ndarray]:
    import transliconet as tn

    encoder = tn.load(str(options.encoder))
    return lambda texts: tn.embed(
        encoder,
        texts,
        pooling="mean_with_special",
        max_length=options.max_length,
        batch_tokens=options.batch_tokens,
    )


def theirs(options: argparse.Namespace, batch: int) -> Callable[[Sequence[str]], np.ndarray]:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    body = Transformer(str(options.encoder), max_seq_length=options.max_length)
    model = SentenceTransformer(
        modules=[body, Pooling(body.get_word_embedding_dimension(), "mean")], device="cpu"
    )
    return lambda texts: model.encode(list(texts), batch_size=batch, show_progress_bar=False)


def peak() -> float:
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(options: argparse.Namespace) -> None:
    """Run one side in this process, and print its result as a line of JSON."""
    torch.set_num_threads(options.threads)
    texts = repeated(sample(options), options.repeat)
    name, _, batch = options.side.partition(" ")
    encode = ours(options) if name == OURS else theirs(options, int(batch))
    encode(texts[:64])
    before, started, worked = peak(), time.perf_counter(), time.process_time()
    vectors = encode(texts)
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    np.save(options.vectors, vectors[: options.sentences])
    held = vectors.nbytes / 1024**2
    rates = {"sentences/s": len(texts) / seconds, "sentences/CPU s": len(texts) / worked}
    print(json.dumps({**rates, "peak MB": peak(), "grown MB": peak() - before - held}))


def run(options: argparse.Namespace, side: str, vectors: Path, repeat: int = 1) -> dict[str, float]:
    done = subprocess.run(
        [
            sys.executable,
            __file__,
            *sys.argv[1:],
            "--side",
            side,
            "--vectors",
            vectors,
            "--repeat",
            str(repeat),
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def spread(values: Sequence[float], digits: int = 0) -> str:
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def lowest_cosine(a: np.ndarray, b: np.ndarray) -> float:
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(1) / lengths).min())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--encoder", type=Path, required=True)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--parquet", type=Path)
    source.add_argument("--pairs", type=Path)
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--batch-tokens", type=int, default=4096, help="of transliconet.embed")
    parser.add_argument(
        "--batches", type=int, nargs="*", default=[8, 16, 64], help="further batch sizes of encode"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--times",
        type=int,
        nargs="*",
        default=[],
        help="repetitions of the sample, to show how memory grows",
    )
    for hidden in ("--side", "--vectors", "--repeat"):
        parser.add_argument(
            hidden, help=argparse.SUPPRESS, type=int if hidden == "--repeat" else str
        )
    options = parser.parse_args()
    if options.side:
        measure(options)
        return
    sides = [OURS, *(f"encode {size}" for size in sorted({DEFAULT, *options.batches}))]
    found: defaultdict[str, list[dict[str, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        files = {side: Path(folder) / f"{number}.npy" for number, side in enumerate(sides)}
        for _ in range(options.rounds):
            for side, file in files.items():
                found[side].append(run(options, side, file))
        columns = list(found[OURS][0]) if options.rounds else []
        rows = [
            [side, *(spread([r[what] for r in runs]) for what in columns)]
            for side, runs in found.items()
        ]
        print(tabulate(rows, ["", *columns], tablefmt="github"))
        for side in sides[1:] if options.rounds else []:
            for what in ("sentences/s", "sentences/CPU s"):
                ratios = [a[what] / b[what] for a, b in zip(found[OURS], found[side], strict=True)]
                print(f"{OURS} / {side}, {what}: {spread(ratios, 2)}")
            cosine = lowest_cosine(np.load(files[OURS]), np.load(files[side]))
            print(f"  lowest cosine of their vectors {cosine:.7f}")
        for times in options.times:
            again = run(options, OURS, files[OURS], times)
            rates = ", ".join(f"{what} {value:.0f}" for what, value in again.items())
            print(f"{times} times the text: {rates}")


if __name__ == "__main__":
    main()
