"""Fully sharded data parallelism (FSDP): the strategy, and how a sharded checkpoint is gathered.

The strategy needs GPUs, and has not been tested on any. The way in which it shards the encoder is
tested with torch's FSDP on CPUs.
"""

import pickle
import tempfile
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.strategies import FSDPStrategy
from torch.distributed.checkpoint.format_utils import dcp_to_torch_save
from torch.distributed.fsdp.wrap import ModuleWrapPolicy

from transliconet.errors import CheckpointError, first_line
from transliconet.model.shapes import LAYER_CLASS

METADATA = ".metadata"
"""File by which a sharded checkpoint, a folder, is recognized."""
PLAIN = {
    ("torch", "Size"),
    ("torch.serialization", "_get_layout"),
    ("pathlib", "PosixPath"),
    ("pathlib", "Path"),
}
"""Names that a checkpoint's metadata may use, beside dtypes and the classes of
torch.distributed.checkpoint. All others are refused: unpickling them could run code.
"""


def unit_policy() -> ModuleWrapPolicy:
    """Each transformer layer is a unit, gathered by itself. Embeddings and head share a matrix, so
    everything outside the layers is one further unit.
    """
    return ModuleWrapPolicy({LAYER_CLASS})


def fsdp_strategy(**options: Any) -> FSDPStrategy:
    """Lightning's strategy, with :func:`unit_policy` and sharded checkpoints.

    Args:
        options: further arguments of :class:`pytorch_lightning.strategies.FSDPStrategy`.
    """
    return FSDPStrategy(auto_wrap_policy=unit_policy(), state_dict_type="sharded", **options)


class _PlainUnpickler(pickle.Unpickler):
    """Reads the metadata that torch writes, and refuses everything that could run code."""

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        described = module.startswith("torch.distributed.checkpoint.") and isinstance(found, type)
        if (module, name) in PLAIN or described or isinstance(found, torch.dtype):
            return found
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def is_sharded(checkpoint: str | Path) -> bool:
    """Whether a checkpoint is a folder of shards rather than a file."""
    return (Path(checkpoint) / METADATA).is_file()


def gathered_state(checkpoint: str | Path) -> dict[str, torch.Tensor]:
    """Gather the model's state from a sharded checkpoint, in one process.

    Only tensors and plain data are read.

    Args:
        checkpoint: folder of the shards.

    Returns:
        Name of each weight → the whole tensor, on the CPU.

    Raises:
        CheckpointError: it is damaged, or refers to code.
    """
    try:
        with (Path(checkpoint) / METADATA).open("rb") as file:
            _PlainUnpickler(file).load()
        with tempfile.TemporaryDirectory() as folder:
            whole = Path(folder) / "whole.pt"
            dcp_to_torch_save(checkpoint, whole)
            state: dict[str, torch.Tensor] = torch.load(
                whole, map_location="cpu", weights_only=True
            )["model"]
            return state
    except Exception as error:  # torch raises many kinds for shards that it cannot read
        raise CheckpointError(
            checkpoint,
            f"cannot be loaded ({first_line(error)})",
            "Take another checkpoint of this run",
            code="TLN-CKPT-802",
        ) from error
