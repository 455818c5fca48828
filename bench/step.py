"""One training step at Glot500's size: a plain training loop against this package.

    python bench/step.py --pairs ui --tokenizer e5 [--rounds 3] [--steps 6] [--threads 2]

The model has random weights of Glot500's shape (401,145 tokens × 768, 12 layers) and is trained by
MLM + TCM as in TransliCo, in float32. ``plain`` does what the paper describes: random batches of 24
pairs, each view padded to its longest row, one forward pass a view that keeps the states of all
layers, the head at masked positions, and AdamW over all weights. ``full`` is this package with all
weights trained. ``trim`` also trims the vocabulary to the tokens that the pairs use (method=trim,
grafted back at the end).

The engines take turns, and each run is a process of its own. Printed are medians over rounds with
minimum and maximum: pairs per second, real tokens per second, the share of the machine's rate for
matrix products, peak memory, and the time of each phase.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
import torch
import torch.nn.functional as F
from tabulate import tabulate
from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaForMaskedLM

from transliconet.batch import ATTENTION_MASK, IGNORE, LABELS, PAIR_INDEX
from transliconet.data.batching import PairFeatures
from transliconet.data.collate import Collator
from transliconet.data.masking import Masking, mask_tokens
from transliconet.data.sampler import PairBatchSampler
from transliconet.model.encoder import Encoder
from transliconet.objectives.base import combine, state_requests
from transliconet.objectives.encode import MASKED, encode
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.pairs import PairsFolder
from transliconet.tokens.cache import cached_token_ids
from transliconet.tokens.padding import Vocabulary, content_mask, pad
from transliconet.train.optim import parameter_groups
from transliconet.vocab.trim import keep_tokens

VOCABULARY_SIZE, WIDTH, LAYERS, HEADS, POSITIONS = 401_145, 768, 12, 12, 512
PAIRS = 24
PHASES = ("data", "encoder", "head", "backward", "optimizer")


class Clock:
    """Seconds by phase, and the number of pairs and tokens."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.pairs = self.tokens = self.computed = self.masked = 0

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[phase] += time.perf_counter() - start

    def count(self, pairs: int, tokens: int, computed: int, masked: int) -> None:
        self.pairs, self.tokens = self.pairs + pairs, self.tokens + tokens
        self.computed, self.masked = self.computed + computed, self.masked + masked


def gemm_rate() -> float:
    """Floating-point operations a second of a large matrix product."""
    a, b = torch.randn(3072, 3072), torch.randn(3072, 3072)
    seconds = []
    for _ in range(6):
        start = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - start)
    return 2 * 3072**3 / median(seconds[1:])


def flops(clock: Clock, vocabulary_size: int) -> float:
    """Floating-point operations of both passes: six for each weight and real token."""
    layer = 4 * WIDTH * WIDTH + 2 * WIDTH * 4 * WIDTH
    return 6.0 * (
        LAYERS * layer * clock.tokens + (WIDTH * vocabulary_size + WIDTH * WIDTH) * clock.masked
    )


def model(tokenizer, vocabulary_size: int) -> XLMRobertaForMaskedLM:  # type: ignore[no-untyped-def]
    config = XLMRobertaConfig(
        vocab_size=vocabulary_size,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=4 * WIDTH,
        max_position_embeddings=POSITIONS + 2,
        type_vocab_size=1,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(0)
    return XLMRobertaForMaskedLM(config).train()


def learn(
    loss: torch.Tensor, module: torch.nn.Module, optimizer: torch.optim.Optimizer, clock: Clock
) -> None:
    """Backward pass and optimizer step."""
    with clock("backward"):
        loss.backward()
    with clock("optimizer"):
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()


def plain(options: argparse.Namespace) -> tuple[Clock, int]:
    """The training loop that the paper describes."""
    tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
    pairs = cached_token_ids(PairsFolder.open(options.pairs), tokenizer, POSITIONS)
    vocabulary, masking = Vocabulary.from_tokenizer(tokenizer), Masking()
    masked_lm = model(tokenizer, VOCABULARY_SIZE)
    optimizer = torch.optim.AdamW(masked_lm.parameters(), lr=2e-5)
    order = np.random.default_rng(0).permutation(len(pairs))
    generator = torch.Generator().manual_seed(0)
    clock = Clock()
    for step in range(options.steps + 1):
        if step == 1:
            clock = Clock()  # the first step allocates
        with clock("data"):
            chosen = order[step * PAIRS : (step + 1) * PAIRS]
            views = []
            for rows in (pairs.native, pairs.romanized):
                ids, attention = pad([rows[i] for i in chosen], vocabulary.pad_id)
                content = content_mask(ids, attention, vocabulary.special_ids)
                masked, labels = mask_tokens(ids, content, vocabulary, masking, generator)
                views.append((masked, attention, content, labels))
        loss, pooled = torch.zeros(()), []
        for masked, attention, content, labels in views:
            with clock("encoder"):
                out = masked_lm.roberta(
                    masked, attention_mask=attention.long(), output_hidden_states=True
                )
                weights = content.unsqueeze(-1).float()
                pooled.append((out.hidden_states[8] * weights).sum(1) / weights.sum(1))
            with clock("head"):
                chosen_tokens = labels != IGNORE
                logits = masked_lm.lm_head(out.last_hidden_state[chosen_tokens])
                loss = loss + F.cross_entropy(logits, labels[chosen_tokens])
        with clock("head"):
            vectors = torch.cat(pooled)
            scores = (vectors @ vectors.T).fill_diagonal_(float("-inf"))
            target = torch.arange(2 * PAIRS).roll(PAIRS)
            loss = loss + 0.5 * 0.5 * F.cross_entropy(scores, target)
        learn(loss, masked_lm, optimizer, clock)
        clock.count(
            PAIRS,
            sum(int(v[1].sum()) for v in views),
            sum(v[0].numel() for v in views),
            sum(int((v[3] != IGNORE).sum()) for v in views),
        )
    return clock, VOCABULARY_SIZE


def engine(options: argparse.Namespace, trim: bool) -> tuple[Clock, int]:
    """The training step of ``transliconet train``."""
    tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
    folder = PairsFolder.open(options.pairs)
    if trim:
        pairs = cached_token_ids(folder, tokenizer, POSITIONS)
        used = np.unique(np.concatenate([pairs.native.values, pairs.romanized.values]))
        encoder = keep_tokens(
            Encoder(model(tokenizer, len(tokenizer)), tokenizer, "trimmed"), used.tolist()
        )
    else:
        encoder = Encoder(model(tokenizer, VOCABULARY_SIZE), tokenizer, "full")
    pairs = cached_token_ids(folder, encoder.tokenizer, POSITIONS)
    encoder.train()
    tcm = TransliterationContrast(  # as TransliCo has it
        weight=0.5, scale=0.5, layer=8, similarity="dot", temperature=1.0, input=MASKED
    )
    objectives = {"mlm": MaskedLanguageModel(), "tcm": tcm}
    requests = state_requests(objectives, encoder)
    optimizer = torch.optim.AdamW(parameter_groups(encoder, 0.01), lr=2e-5, fused=True)
    features = PairFeatures(pairs.lengths, text_digests=pairs.text_digests)
    batches = iter(PairBatchSampler(features, PAIRS))
    collate = Collator(pairs, Vocabulary.from_tokenizer(encoder.tokenizer), Masking())
    clock = Clock()
    for step in range(options.steps + 1):
        if step == 1:
            clock = Clock()
        with clock("data"):
            batch = collate(next(batches))
        with clock("encoder"):
            encoded = encode(encoder, batch, requests)
        with clock("head"):
            loss, _ = combine(objectives, encoded)
        learn(loss, encoder, optimizer, clock)
        tokens = int(batch[ATTENTION_MASK].sum())
        clock.count(len(batch[PAIR_INDEX]), tokens, tokens, int((batch[LABELS] != IGNORE).sum()))
    return clock, encoder.masked_lm.config.vocab_size


ENGINES = {
    "plain": plain,
    "full": lambda options: engine(options, trim=False),
    "trim": lambda options: engine(options, trim=True),
}


def measure(options: argparse.Namespace) -> None:
    """Run one engine in this process, and print its result as a line of JSON."""
    torch.set_num_threads(options.threads)
    rate = gemm_rate()
    clock, vocabulary_size = ENGINES[options.engine](options)
    total = sum(clock.seconds.values())
    found = {
        "pairs/s": clock.pairs / total,
        "real tokens/s": clock.tokens / total,
        "tokens a pair": clock.tokens / clock.pairs,
        "computed tokens a pair": clock.computed / clock.pairs,
        "% of GEMM rate": 100 * flops(clock, vocabulary_size) / total / rate,
        "GFLOP/s of GEMM": rate / 1e9,
        "peak GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "vocabulary": vocabulary_size,
    }
    print(
        json.dumps(
            found | {f"{phase}, s/step": clock.seconds[phase] / options.steps for phase in PHASES}
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument(
        "--tokenizer", type=Path, required=True, help="folder with XLM-R's tokenizer"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        measure(options)
        return
    found: defaultdict[str, list[dict[str, float]]] = defaultdict(list)
    for _ in range(options.rounds):
        for name in ENGINES:
            done = subprocess.run(
                [sys.executable, __file__, *sys.argv[1:], "--engine", name],
                capture_output=True,
                text=True,
            )
            if done.returncode:
                raise SystemExit(done.stderr[-2000:])
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    rows = []
    for what in found["plain"][0]:
        row = [what]
        for runs in found.values():
            values = [run[what] for run in runs]
            row.append(f"{median(values):.2f} ({min(values):.2f}–{max(values):.2f})")
        rows.append(row)
    print(tabulate(rows, ["", *found], tablefmt="github"))
    for name in ("full", "trim"):
        for what, wanted in (("pairs/s", "times"), ("peak GB", "times the memory")):
            ratios = [a[what] / b[what] for a, b in zip(found[name], found["plain"], strict=True)]
            print(
                f"{name} / plain, {what}: {median(ratios):.2f} "
                f"({min(ratios):.2f}–{max(ratios):.2f}) {wanted}"
            )


if __name__ == "__main__":
    main()
