"""Checkpoints: atomic writing, which of them to keep, and reading one safely."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor

from transliconet.errors import CheckpointError, Option, TransliconetError, first_line
from transliconet.storage import atomic_file
from transliconet.train.module import PREFIX
from transliconet.train.sharded import gathered_state, is_sharded

CHECKPOINTS, LAST, BEST = "checkpoints", "last.ckpt", "best"
"""The checkpoints' folder in a run folder, the file that a resumed run starts from, and the name of
the best checkpoint.
"""


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint under another name and then renames it. A run that is killed while it
    saves leaves the previous checkpoint as it was.

    Lightning's own class writes to the system's temporary folder, from which a file may be copied
    rather than renamed.
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
        """Read a checkpoint, always with ``weights_only``: tensors and plain data alone."""
        return super().load_checkpoint(path, map_location, weights_only=True)


class RunCheckpoint(ModelCheckpoint):
    """Lightning's ModelCheckpoint, for runs that may be killed at any moment and whose folder may
    be moved.

    - ``last.ckpt`` is always of the last step. It is saved when the last batch is done, not when
      training ends: by then Lightning counts an epoch that ``max_steps`` has interrupted as
      complete, and a resumed run would skip the rest of it.
    - A checkpoint that is no longer among the best is deleted after ``last.ckpt`` is written,
      so that every file named there exists.
    - A resumed run deletes the files that its ``last.ckpt`` does not name: a killed process
      wrote them after it.

    Args:
        dirpath: folder of the checkpoints.
        options: of Lightning's ``ModelCheckpoint``.
    """

    def __init__(self, dirpath: str | Path, **options: Any) -> None:
        super().__init__(
            dirpath,
            save_last=True,
            save_on_exception=False,
            enable_version_counter=False,  # or there would be a last-v1.ckpt
            **options,
        )
        self._superseded: list[str] = []

    @property
    def state_key(self) -> str:
        return type(self).__qualname__  # Lightning's depends on options that may change

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *batch: Any
    ) -> None:
        super().on_train_batch_end(trainer, pl_module, *batch)
        last_epoch = trainer.current_epoch + 1 == trainer.max_epochs
        ends = (
            trainer.should_stop
            or trainer.global_step == trainer.max_steps
            or (trainer.is_last_batch and last_epoch)
        )
        if ends and not self._should_skip_saving_checkpoint(trainer):
            self._save_last_checkpoint(trainer, self._monitor_candidates(trainer))

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Do nothing: the checkpoint was saved after the last batch."""

    def _save_last_checkpoint(
        self, trainer: pl.Trainer, monitor_candidates: dict[str, Tensor]
    ) -> None:
        super()._save_last_checkpoint(trainer, monitor_candidates)
        for path in self._superseded:
            super()._remove_checkpoint(trainer, path)
        self._superseded.clear()

    def _should_remove_checkpoint(self, trainer: pl.Trainer, previous: str, current: str) -> bool:
        # Lightning would keep the file that the run was resumed from for ever
        return previous != current and Path(previous).parent == Path(str(self.dirpath))

    def _remove_checkpoint(self, trainer: pl.Trainer, filepath: str) -> None:
        self._superseded.append(filepath)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the scores of the files in the folder, also where the folder was moved."""
        kept: dict[str, Tensor] = {}
        same_metric = state_dict["monitor"] == self.monitor
        if same_metric:
            for path, score in state_dict["best_k_models"].items():
                if self._here(path).is_file():
                    kept[str(self._here(path))] = score
        best = min if self.mode == "min" else max
        worst = max if self.mode == "min" else min
        self.best_k_models = kept
        if kept:
            self.best_model_path = best(kept, key=lambda path: kept[path])
            self.best_model_score = kept[self.best_model_path]
            self.kth_best_model_path = worst(kept, key=lambda path: kept[path])
            self.kth_value = kept[self.kth_best_model_path]
        self.last_model_path = str(self._here(LAST))
        self._delete_unknown({*kept, self.last_model_path} if same_metric else None)

    def _here(self, path: str) -> Path:
        return Path(str(self.dirpath)) / Path(path).name

    @rank_zero_only
    def _delete_unknown(self, known: set[str] | None) -> None:
        if known is None:
            return
        for file in Path(str(self.dirpath)).glob("*.ckpt"):
            if str(file) not in known and file.is_file():
                file.unlink()


def best_checkpoint(run: Path) -> str:
    """Name of the file in ``run/checkpoints`` that scored best, according to the last checkpoint.

    Raises:
        CheckpointError: the run kept no checkpoint by a metric, or the file is missing.
    """
    folder = run / CHECKPOINTS
    last = folder / LAST
    states = _callback_states(last) if last.is_file() else {}
    chosen = [state for state in states.values() if _is_by_metric(state)]
    there = ", ".join(_names(folder))
    if not chosen:
        raise CheckpointError(
            Option("checkpoint", BEST),
            f"{run} kept no checkpoint by a metric",
            f"Train with a monitor and save_top_k=1 for the checkpoints. There: {there}",
            code="TLN-CKPT-800",
        )
    name = Path(chosen[0]["best_model_path"]).name
    if name not in _names(folder):
        raise CheckpointError(
            Option("checkpoint", BEST),
            f"{name} is not in {folder} any more",
            f"There: {there}",
            code="TLN-CKPT-801",
        )
    return name


def _is_by_metric(state: Any) -> bool:
    path = state.get("best_model_path") if isinstance(state, dict) else None
    return bool(path and isinstance(path, str)) and state.get("monitor") not in (None, "step")


def checkpoint_path(run: Path, checkpoint: str) -> Path:
    """Path of a checkpoint in a run folder.

    Args:
        run: the run folder.
        checkpoint: a file name, or ``best``.

    Raises:
        CheckpointError: there is no such checkpoint.
    """
    path = run / CHECKPOINTS / (best_checkpoint(run) if checkpoint == BEST else checkpoint)
    if not os.path.exists(path):  # also False for a name that is too long
        raise CheckpointError(
            Option("checkpoint", checkpoint),
            f"not in {path.parent}",
            f"There: {', '.join(_names(path.parent))}",
            code="TLN-CKPT-804",
        )
    return path


def _names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.ckpt")) or ["none"]


def fitting_state(file: str | Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's part of a checkpoint, of which only tensors and plain data are read.

    Args:
        file: the checkpoint, a file or an FSDP folder.
        expected: state of the encoder, whose names and shapes the checkpoint must have.

    Raises:
        CheckpointError: there is no such file, it is damaged or holds code, or it is of another
            model.
    """
    if not Path(file).is_file() and not is_sharded(file):
        raise CheckpointError(
            file,
            "no such checkpoint",
            "Give a file of a run's checkpoints/ folder",
            code="TLN-CKPT-805",
        )
    content = gathered_state(file) if is_sharded(file) else _content(file).get("state_dict")
    if not isinstance(content, dict) or not all(map(torch.is_tensor, content.values())):
        raise _unreadable(file, "it holds no state of a model")
    state = {k.removeprefix(PREFIX): v for k, v in content.items() if k.startswith(PREFIX)}
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    wanted = {name: tuple(value.shape) for name, value in expected.items()}
    names = wanted.keys() | shapes.keys()
    differing = sorted(name for name in names if wanted.get(name) != shapes.get(name))
    if differing:
        name = differing[0]
        raise CheckpointError(
            file,
            f"does not fit the encoder: {name} has shape {shapes.get(name, ())} there and "
            f"{wanted.get(name, ())} here, and {len(differing) - 1} more differ",
            "Use the encoder that the checkpoint was trained with",
            code="TLN-CKPT-806",
        )
    return state


@contextmanager
def restoring(file: Path | None, has_begun: Callable[[], bool]) -> Iterator[None]:
    """Errors of the block concern the checkpoint ``file`` as long as training has not begun.

    Args:
        file: that Lightning restores a run from; None where it starts from scratch.
        has_begun: whether the run has been restored and trains.

    Raises:
        CheckpointError: the file does not restore a run.
    """
    try:
        yield
    except (TransliconetError, OSError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # whatever Lightning stumbles on in what the file holds
        if file is None or has_begun():
            raise
        raise _unreadable(file, f"it restores no run: {first_line(error)}") from error


def callback_state(file: str | Path, name: str) -> dict[str, Any]:
    """The state that the callback ``name`` saved in a checkpoint's file; empty if it saved none."""
    if not Path(file).is_file():
        return {}
    state = _callback_states(file).get(name, {})
    return state if isinstance(state, dict) else {}


def _callback_states(file: str | Path) -> dict[str, Any]:
    states = _content(file).get("callbacks", {})
    return states if isinstance(states, dict) else {}


def _content(file: str | Path) -> dict[str, Any]:
    """Tensors and plain data of a checkpoint's file. Tensors are read from the disk when they are
    used.
    """
    try:
        content = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    # torch raises pickle, zip, key and runtime errors for a file it cannot read
    except Exception as error:
        raise _unreadable(file, _without_advice(first_line(error))) from error
    if not isinstance(content, dict):
        raise _unreadable(file, "it holds no checkpoint")
    return content


def _without_advice(message: str) -> str:
    """torch's message without its advice to turn off safe loading."""
    return "it may hold code" if "weights" in message.lower() else message


def _unreadable(file: str | Path, why: str) -> CheckpointError:
    return CheckpointError(
        file,
        f"cannot be loaded ({why})",
        "Take another checkpoint of this run",
        code="TLN-CKPT-807",
    )
