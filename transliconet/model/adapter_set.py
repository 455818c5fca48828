"""A folder of adapters per language or script: a folder of peft for each, and an index."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file

from transliconet.errors import CheckpointError, Option, first_line
from transliconet.model.adapter_choice import PER, AdapterChoice, inject
from transliconet.model.load_adapter import AdapterFolder, adapter_folder
from transliconet.model.lora import LoraSettings

if TYPE_CHECKING:
    from transliconet.model.encoder import Encoder

INDEX = "adapters.json"
"""File that says what each of the folders beside it is for."""
OF_PEFT, ROWS = "base_model.model.", ".trainable_tokens_delta"
"""What names of weights in a folder of peft begin with, and how that of new rows ends."""
REMEDY = "Copy it again from the run"


@dataclass(frozen=True)
class AdapterSet:
    """A folder of adapters per language or script, which belong to one encoder.

    Args:
        path: of the folder.
        per: ``language`` or ``script``.
        names: of the adapters, and of their folders in it.
        base: one of them, for what they have in common: base model, embedding rows, tokenizer.
    """

    path: str
    per: str
    names: tuple[str, ...]
    base: AdapterFolder

    def put_into(self, encoder: "Encoder") -> None:
        """Put all adapters, and the embedding rows that came with them, into their encoder.

        Args:
            encoder: the base, with as many embedding rows as the adapters need; changed in place.

        Raises:
            CheckpointError: they do not fit, or cannot be read.
        """
        try:
            config = self._inject(encoder)
        # peft, safetensors and torch raise errors of many kinds
        except Exception as error:
            raise CheckpointError(
                Option("path", self.path),
                f"its adapters cannot be put into {self.base.base} ({first_line(error)})",
                REMEDY,
                code="TLN-CKPT-424",
            ) from error
        encoder.masked_lm.requires_grad_(False)
        encoder.lora = LoraSettings(config.r, config.lora_alpha, per=self.per)
        encoder.adapters = AdapterChoice(self.per, self.names)
        encoder.adapters.attach(encoder.masked_lm)

    def _inject(self, encoder: "Encoder") -> Any:
        """Read the folders one after the other; returns the configuration of the last."""
        import peft

        body = encoder.masked_lm.base_model
        for name in self.names:
            folder = Path(self.path) / name
            config = peft.LoraConfig.from_pretrained(folder)
            config.trainable_token_indices = None  # they become ordinary rows
            inject(config, body, name)
            state = {}
            for key, values in load_file(folder / "adapter_model.safetensors").items():
                if key.endswith(ROWS):
                    rows = encoder.masked_lm.get_input_embeddings().weight
                    with torch.no_grad():
                        rows[list(self.base.rows)] = values
                else:
                    state[key.removeprefix(OF_PEFT)] = values
            peft.set_peft_model_state_dict(body, state, adapter_name=name)
        return config


def adapter_set(path: str) -> AdapterSet | None:
    """The adapters in a folder; None if it has no index of adapters.

    Raises:
        CheckpointError: the index, or the first of the folders, is damaged.
    """
    file = Path(path) / INDEX
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        per, names = content["per"], tuple(map(str, content["adapters"]))
        if per not in PER:
            raise ValueError(f"per {per}")
        base = adapter_folder(str(Path(path) / names[0]))
        if base is None:
            raise ValueError(f"there is no folder {names[0]}")
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise CheckpointError(
            file, f"damaged ({first_line(error)})", REMEDY, code="TLN-CKPT-425"
        ) from error
    return AdapterSet(path, per, names, base)


def write_index(folder: Path, per: str, names: Sequence[str]) -> None:
    """Write :data:`INDEX`.

    Args:
        folder: that has the folders of the adapters.
        per: ``language`` or ``script``.
        names: of the adapters.
    """
    content = {"per": per, "adapters": list(names)}
    (folder / INDEX).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
