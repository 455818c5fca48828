"""Ends a run whose loss is not a number or whose memory runs out, with a remedy, and warns of
bfloat16 on a processor that has no instructions for it.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytorch_lightning as pl
import torch
from pytorch_lightning.accelerators import CPUAccelerator
from torch import Tensor

from transliconet.batch import PAIR_INDEX
from transliconet.errors import TrainingError

log = logging.getLogger(__name__)

MAX_PAIRS_NAMED = 20
"""Number of pairs that an error names."""


class StopOnNaN(pl.Callback):
    """Ends the run where the loss is NaN or infinite, naming the batch's pairs.

    Args:
        pair_names: from positions in the training pairs to ids a user can find, ``hin_Deva 17``.
    """

    def __init__(self, pair_names: Callable[[Sequence[int]], Sequence[str]]) -> None:
        self.pair_names = pair_names

    def on_train_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: dict[str, Tensor],
        batch_idx: int,
    ) -> None:
        self._pairs = batch[PAIR_INDEX]

    def on_before_backward(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, loss: Tensor
    ) -> None:
        if bool(torch.isfinite(loss)):
            return
        positions = self._pairs.tolist()
        names = ", ".join(self.pair_names(positions[:MAX_PAIRS_NAMED]))
        if len(positions) > MAX_PAIRS_NAMED:
            names += f" and {len(positions) - MAX_PAIRS_NAMED} more"
        terms = []
        for name, value in trainer.callback_metrics.items():
            if name.startswith("loss/"):
                terms.append(f"{name} {value.item():.3g}")
        raise TrainingError(
            f"step {trainer.global_step}",
            f"the loss is {loss.item()} ({', '.join(terms)}); pairs: {names}",
            "Look at these pairs; if they are sound, lower the learning rate, raise the "
            "temperature, or use precision=bf16-mixed in place of 16-mixed",
            code="TLN-TRAIN-800",
        )


OUT_OF_MEMORY = ("not enough memory", "can't allocate memory", "out of memory")
"""Parts of torch's messages when the memory of a CPU or GPU runs out."""


@contextmanager
def explain_out_of_memory(batch_size: int, max_length: int) -> Iterator[None]:
    """Turn an out-of-memory error into one that names the options that save memory.

    Raises:
        TrainingError: the block ran out of memory.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        text = str(error)
        by_type = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not by_type and not any(words in text for words in OUT_OF_MEMORY):
            raise
        reason = text.splitlines()[0][:150] if text else "MemoryError"
        raise TrainingError(
            f"batch_size={batch_size}, max_length={max_length}",
            f"out of memory ({reason})",
            "From the least harmful: micro_batch=64 (same loss, less memory, slower), "
            "gradient_checkpointing=true, precision=bf16-mixed, max_length=64, method=trim (a "
            "small vocabulary), a smaller batch_size (fewer negatives)",
            code="TLN-TRAIN-801",
        ) from error


def warn_of_slow_bfloat16(trainer: pl.Trainer) -> None:
    """Warn if training in bfloat16 would take longer than in float32.

    Older processors have no instructions for bfloat16. Its products are then emulated.
    """
    on_cpu = isinstance(trainer.accelerator, CPUAccelerator)
    if not on_cpu or not str(trainer.precision).startswith("bf16"):
        return
    slowdown = bfloat16_slowdown()
    if slowdown > 1.5:
        log.warning(
            "precision=%s: bfloat16 takes %.0f times as long as float32 on this processor. "
            "Use precision=32-true",
            trainer.precision,
            slowdown,
        )


def bfloat16_slowdown(size: int = 256) -> float:
    """Time of a matrix product in bfloat16 on this CPU, divided by that in float32.

    Args:
        size: of the matrices, which are square.
    """
    seconds = []
    for dtype in (torch.bfloat16, torch.float32):
        matrix = torch.ones(size, size, dtype=dtype)
        runs = []
        for _ in range(5):
            started = time.perf_counter()
            matrix @ matrix
            runs.append(time.perf_counter() - started)
        seconds.append(min(runs))
    return seconds[0] / seconds[1]
