"""Loading a folder of adapters: which encoder they belong to, and merging them into it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from transliconet.errors import CheckpointError, Option, first_line
from transliconet.model.sentence import checkpoint_file
from transliconet.model.vocabulary import add_rows

CONFIG = "adapter_config.json"
REMEDY = "Give a folder that peft wrote, with the base model beside it or on the hub"


@dataclass(frozen=True)
class AdapterFolder:
    """A folder, or a repository of the hub, with adapters of an encoder.

    Args:
        path: of the folder.
        base: folder or hub name of the encoder.
        rows: numbers of the embedding rows that the folder brings.
    """

    path: str
    base: str
    rows: tuple[int, ...] = ()

    @property
    def has_tokenizer(self) -> bool:
        """Whether the tokenizer is in the folder, rather than that of the base."""
        return bool(self.rows)

    def add_missing_rows(self, masked_lm: PreTrainedModel) -> None:
        """Give the encoder as many embedding rows as the folder's tokenizer has tokens."""
        first = len(masked_lm.get_input_embeddings().weight)
        missing = max(self.rows, default=-1) + 1 - first
        if missing > 0:
            add_rows(masked_lm, first, [[0]] * missing)

    def merge_into(self, masked_lm: PreTrainedModel) -> None:
        """Put adapters and embedding rows into the weights of the encoder that they belong to.

        What the masked-LM head has for new subwords beside their rows, a bias, is not in the
        folder: it becomes that of the first token.

        Args:
            masked_lm: changed in place.

        Raises:
            CheckpointError: they do not fit, or cannot be read.
        """
        try:
            from peft import PeftModel

            self.add_missing_rows(masked_lm)
            PeftModel.from_pretrained(masked_lm.base_model, self.path).merge_and_unload()
        # peft, safetensors and torch raise errors of many kinds
        except Exception as error:
            raise CheckpointError(
                Option("path", self.path),
                f"its adapters cannot be put into {self.base} ({first_line(error)})",
                REMEDY,
                code="TLN-CKPT-421",
            ) from error
        masked_lm.requires_grad_(True)


def adapter_folder(path: str) -> AdapterFolder | None:
    """The adapters at a path; None if an encoder is there.

    Args:
        path: a folder, or a name on the Hugging Face hub.

    Raises:
        CheckpointError: they are not those of an encoder, or their configuration is damaged.
    """
    if Path(path).is_dir() and not (Path(path) / CONFIG).is_file():
        return None
    try:
        file = checkpoint_file(path, CONFIG)
    except OSError:
        return None  # no such name, or no access to the hub: loading the encoder says so
    if file is None:
        return None
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
        base = content["base_model_name_or_path"]
        if not isinstance(base, str) or not base or content["peft_type"] != "LORA":
            raise ValueError("it is not LoRA, or names no base model")
        return AdapterFolder(path, base, _rows(content.get("trainable_token_indices")))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(
            Option("path", path), f"{CONFIG} is damaged ({error})", REMEDY, code="TLN-CKPT-422"
        ) from error


def _rows(indices: Any) -> tuple[int, ...]:
    """The numbers in peft's ``trainable_token_indices``: a list, or one for each module."""
    if indices is None:
        return ()
    lists = indices.values() if isinstance(indices, dict) else [indices]
    return tuple(sorted({int(number) for numbers in lists for number in numbers}))
