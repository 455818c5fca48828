"""Weights spread over devices (FSDP): how they are trained, and how a checkpoint of them becomes
one again.

The strategy takes GPUs, and is untested on them; what it does to the encoder is tested with torch's
own FSDP on CPU.
"""

import pickle
import tempfile
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.strategies import FSDPStrategy
from torch.distributed.checkpoint.format_utils import dcp_to_torch_save
from torch.distributed.fsdp.wrap import ModuleWrapPolicy
from transformers.models.xlm_roberta.modeling_xlm_roberta import XLMRobertaLayer

from transliconet.errors import CheckpointError, first_line

METADATA = ".metadata"
"""What a sharded checkpoint's folder has, and a checkpoint's file has not."""
PLAIN = {
    ("torch", "Size"),
    ("torch.serialization", "_get_layout"),
    ("pathlib", "PosixPath"),
    ("pathlib", "Path"),
}
"""What the description of the shards may name beside dtypes and the classes of
torch.distributed.checkpoint.
"""


def unit_policy() -> ModuleWrapPolicy:
    """Each transformer layer is gathered by itself; embeddings and head share a table, and so a
    unit: the rest.
    """
    return ModuleWrapPolicy({XLMRobertaLayer})


def fsdp_strategy(**options: Any) -> FSDPStrategy:
    """Lightning's strategy with :func:`unit_policy` and sharded checkpoints; ``options`` are its
    own.
    """
    return FSDPStrategy(auto_wrap_policy=unit_policy(), state_dict_type="sharded", **options)


class _PlainUnpickler(pickle.Unpickler):
    """Reads what torch writes of tensors' places, and nothing that could run."""

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        described = module.startswith("torch.distributed.checkpoint.") and isinstance(found, type)
        if (module, name) in PLAIN or described or isinstance(found, torch.dtype):
            return found
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def is_sharded(checkpoint: str | Path) -> bool:
    return (Path(checkpoint) / METADATA).is_file()


def gathered_state(checkpoint: str | Path) -> dict[str, torch.Tensor]:
    """The model's state of a sharded checkpoint, in one process. Only tensors and plain data are
    read.

    Raises:
        CheckpointError: it is damaged or holds code.
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
