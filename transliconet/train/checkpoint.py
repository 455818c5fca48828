"""Checkpoints that are whole or not there at all, and which of them to keep."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO

from transliconet.errors import CheckpointError
from transliconet.storage import atomic_file


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the file and renames: a run killed while it saves leaves the checkpoint that
    was there before.

    Lightning's own goes through the system's temporary folder, from where a file is copied, not
    renamed.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        with atomic_file(path, durable=True) as partial, partial.open("wb") as file:
            torch.save(checkpoint, file)

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Callable | None = lambda storage, loc: storage,
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """Only tensors and plain data are read, whatever is asked for."""
        return super().load_checkpoint(path, map_location, weights_only=True)


class LastAndBest(ModelCheckpoint):
    """Lightning's, but that ``last.ckpt`` is of the last step: Lightning's stays at the last
    multiple of ``every_n_train_steps``, if the run reached one.

    It is saved when the last batch is done, not when training ends: by then Lightning counts an
    epoch that a number of steps cut short as complete, and a run that goes on from there would
    leave out the rest of it.
    """

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *batch: Any
    ) -> None:
        super().on_train_batch_end(trainer, pl_module, *batch)
        ends = (
            trainer.should_stop
            or trainer.global_step == trainer.max_steps
            or (trainer.is_last_batch and trainer.current_epoch + 1 == trainer.max_epochs)
        )
        if ends and self.save_last and not self._should_skip_saving_checkpoint(trainer):
            self._save_last_checkpoint(trainer, self._monitor_candidates(trainer))


def best_checkpoint(run: Path) -> str:
    """Name of the file in ``run/checkpoints`` that scored best, as its last checkpoint has it on
    record.

    Raises:
        CheckpointError: the run kept none by a metric, or it is gone.
    """
    folder = run / "checkpoints"
    last = folder / "last.ckpt"
    kept = []
    if last.is_file():
        states = torch.load(last, map_location="cpu", weights_only=True, mmap=True).get(
            "callbacks", {}
        )
        kept = [
            s
            for s in states.values()
            if s.get("best_model_path") and s.get("monitor") not in (None, "step")
        ]
    there = sorted(f.name for f in folder.glob("*.ckpt")) or ["none"]
    if not kept:
        raise CheckpointError(
            "checkpoint=best",
            f"{run} kept no checkpoint by a metric",
            f"Train with checkpoint.monitor and checkpoint.save_top_k=1. There: {', '.join(there)}",
            code="TLN-CKPT-800",
        )
    name = Path(kept[0]["best_model_path"]).name
    if name not in there:
        raise CheckpointError(
            "checkpoint=best",
            f"{name} is not in {folder} any more",
            f"There: {', '.join(there)}",
            code="TLN-CKPT-801",
        )
    return name
