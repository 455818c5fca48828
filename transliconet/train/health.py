"""Ends a run whose loss is not a number or whose memory runs out, with a remedy."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytorch_lightning as pl
import torch
from torch import Tensor

from transliconet.batch import PAIR_INDEX
from transliconet.errors import TrainingError

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
