"""What stops a run that has gone wrong, with words for it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytorch_lightning as pl
import torch
from torch import Tensor

from transliconet.batch import PAIR_INDEX
from transliconet.errors import TrainingError

SHOWN = 20
"""Pair ids that an error names."""


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
        names = list(self.pair_names(positions[:SHOWN]))
        more = f" and {len(positions) - SHOWN} more" if len(positions) > SHOWN else ""
        terms = {k: v.item() for k, v in trainer.callback_metrics.items() if k.startswith("loss/")}
        raise TrainingError(
            f"step {trainer.global_step}",
            f"the loss is {loss.item()} ({', '.join(f'{k} {v:.3g}' for k, v in terms.items())}); pairs: "
            f"{', '.join(names)}{more}",
            "Look at these pairs; if they are sound, lower optim.optimizer.lr, raise the temperature, or set "
            "trainer.precision=bf16-mixed in place of 16-mixed",
            code="TLN-TRAIN-800",
        )


@contextmanager
def explain_out_of_memory(batch_size: int, max_length: int) -> Iterator[None]:
    """Turn running out of memory into words about the options that save it.

    Raises:
        TrainingError: the block ran out of memory.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        text = str(error)
        if not isinstance(error, torch.OutOfMemoryError | MemoryError) and not any(
            words in text
            for words in ("not enough memory", "can't allocate memory", "out of memory")
        ):
            raise
        raise TrainingError(
            f"data.batch_size={batch_size}, data.max_length={max_length}",
            f"out of memory ({text.splitlines()[0][:150] if text else 'MemoryError'})",
            "Least harmful first: micro_batch=64 (same loss, less memory, slower), gradient_checkpointing=true, "
            "trainer.precision=bf16-mixed, data.max_length=64, method=trim (a small vocabulary), a smaller "
            "data.batch_size (fewer negatives)",
            code="TLN-TRAIN-801",
        ) from error
