"""What a checkpoint says about its sentence vectors, in the files of sentence-transformers.

::

    modules.json                        the modules, in order
    1_Pooling/config.json               from token states to one vector
    sentence_bert_config.json           length limit; number of layers where not all are used
    config_sentence_transformers.json   prompts, and the name of the default one
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from transformers import PreTrainedTokenizerBase
from transformers.utils import cached_file

from transliconet.errors import CheckpointError, Option

log = logging.getLogger(__name__)

POOLING_NAMES = {
    "cls": "cls",
    "max": "max",
    "mean": "mean_with_special",
    "mean_sqrt_len_tokens": "mean_sqrt_len",
    "weightedmean": "weighted",
    "lasttoken": "last_token",
}
"""Name of a pooling in sentence-transformers → the name here. Its mean includes special tokens."""
OLD_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""Keys that are true or false, in files of sentence-transformers before 6 → the name of today."""
PROMPTS_FILE = "config_sentence_transformers.json"
DEFAULT_POOLING = "mean"
DEFAULT_MAX_LENGTH = 512
"""Pooling, and length in tokens, of an encoder whose checkpoint says nothing about them."""
AUTO = "auto"
"""Value of an option: as the checkpoint says."""
UNLIMITED = 1_000_000
"""A tokenizer without a length limit has a greater number than this in its place."""
HALF = ("bfloat16", "float16")
"""Data types of weights that are loaded as float32."""
KNOWN_MODULES = ("Transformer", "WordWeights", "Pooling", "Normalize")


@dataclass(frozen=True)
class SentenceSettings:
    """What a checkpoint says about its sentence vectors.

    Args:
        pooling: one of :data:`transliconet.model.pooling.POOLINGS`; None where nothing is said.
        layer: number of the hidden layer; None for the last.
        max_length: tokens, special tokens included; None where nothing is said.
        prompts: name → text that is put before a sentence.
        default_prompt: name of the one that is used where none is chosen; None for none.
        not_computed: what sentence-transformers computes for it and this package does not.
    """

    pooling: str | None = None
    layer: int | None = None
    max_length: int | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    not_computed: Sequence[str] = ()

    def prompt(self, chosen: str | None = None) -> str:
        """The text that is put before each sentence.

        Args:
            chosen: the name of a prompt, or a text; None: the checkpoint's default.
        """
        if chosen is None:
            chosen = self.default_prompt or ""
        return self.prompts.get(chosen, chosen)


def read_sentence_settings(path: str, tokenizer: PreTrainedTokenizerBase) -> SentenceSettings:
    """Read the files of sentence-transformers of a checkpoint.

    Args:
        path: a folder, or a name on the Hugging Face hub.
        tokenizer: of the checkpoint. Recent checkpoints have their length limit there.

    Returns:
        What they say; nothing for a checkpoint without ``modules.json``.

    Raises:
        CheckpointError: a file is damaged.
    """
    modules = _read_json(path, "modules.json", list)
    if modules is None:
        return SentenceSettings()
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    not_computed = [f"module {kind}" for kind in kinds if kind not in KNOWN_MODULES]
    pooling: str | None = None
    for module, kind in zip(modules, kinds, strict=True):
        if kind != "Pooling":
            continue
        pooled = _read_json(path, f"{module.get('path', '')}/config.json", dict) or {}
        name = _pooling_name(pooled)
        pooling = POOLING_NAMES.get(name)
        if pooling is None:
            not_computed.append(f"pooling {name}")
        if pooled.get("include_prompt") is False:
            not_computed.append("include_prompt=false")
    # WordWeights before the mean: special tokens have no weight, as an export writes it
    if pooling == "mean_with_special" and "WordWeights" in kinds:
        pooling = "mean"
    transformer = _read_json(path, "sentence_bert_config.json", dict) or {}
    prompts = _read_json(path, PROMPTS_FILE, dict) or {}
    max_length = transformer.get("max_seq_length") or tokenizer.model_max_length
    arguments = transformer.get("config_args") or transformer.get("config_kwargs") or {}
    if transformer.get("do_lower_case"):
        not_computed.append("do_lower_case=true")
    settings = SentenceSettings(
        pooling=pooling,
        layer=arguments.get("num_hidden_layers"),
        max_length=max_length if max_length < UNLIMITED else None,
        prompts=prompts.get("prompts") or {},
        default_prompt=prompts.get("default_prompt_name"),
        not_computed=tuple(not_computed),
    )
    warn_of_what_is_not_computed(path, settings)
    return settings


def with_prompts(settings: SentenceSettings, path: str) -> SentenceSettings:
    """Settings with the prompts of another folder, if that has any.

    Raises:
        CheckpointError: its file of prompts is damaged.
    """
    found = _read_json(path, PROMPTS_FILE, dict)
    if found is None:
        return settings
    default = found.get("default_prompt_name")
    return replace(settings, prompts=found.get("prompts") or {}, default_prompt=default)


def _pooling_name(settings: Mapping[str, Any]) -> str:
    """The pooling as sentence-transformers names it now; several are joined by ``+``."""
    modes = settings.get("pooling_mode")
    if modes is None:
        modes = [name for key, name in OLD_KEYS.items() if settings.get(key)] or ["mean"]
    return modes if isinstance(modes, str) else "+".join(modes)


def checkpoint_file(path: str, name: str) -> str | None:
    """The path of a file of a checkpoint on this machine; None if it is not there.

    Args:
        path: a folder, or a name on the Hugging Face hub.
        name: of the file.

    Raises:
        OSError: there is no such name on the hub, or no access to it.
    """
    file: str | None = cached_file(
        path,
        name,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    return file


def _read_json(path: str, name: str, kind: type) -> Any:
    """The content of a file of the checkpoint; None if it is not there."""
    file = checkpoint_file(path, name)
    if file is None:
        return None
    try:
        with open(file, encoding="utf-8") as opened:
            content = json.load(opened)
        if isinstance(content, kind):
            return content
        raise TypeError(f"it holds no {kind.__name__}")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(
            Option("path", path),
            f"{name} is damaged ({error})",
            "Copy it again, or remove the files of sentence-transformers",
            code="TLN-CKPT-419",
        ) from error


def warn_of_differences(name: str, own: SentenceSettings, **used: Any) -> None:
    """Warn, once, where other settings are used than the checkpoint's own.

    Args:
        name: of the encoder.
        own: what the checkpoint says.
        used: ``pooling``, ``layer``, ``max_length`` or ``prompt`` of this run.
    """
    own_values = {
        "pooling": own.pooling,
        "layer": own.layer,
        "max_length": own.max_length,
        "prompt": own.prompt() if own.default_prompt else None,
    }
    for option, value in used.items():
        expected = own_values[option]
        if expected is not None and value is not None and value != expected:
            _warn(f"{option}={value!r} is used; {name} itself has {option}={expected!r}")


def warn_of_dtype(name: str, dtype: object) -> None:
    """Warn, once, where a checkpoint's weights have less than the float32 that is used."""
    short = str(dtype).removeprefix("torch.")
    if short in HALF:
        _warn(
            f"dtype='float32' is used; {name} itself has dtype={short!r}, in which "
            "sentence-transformers gives slightly other vectors"
        )


def warn_of_what_is_not_computed(name: str, own: SentenceSettings) -> None:
    """Warn, once, where sentence-transformers would give other vectors."""
    if own.not_computed:
        what = ", ".join(own.not_computed)
        _warn(f"{name}: sentence-transformers also computes {what}; its vectors are others")


@cache
def _warn(message: str) -> None:
    log.warning(message)
