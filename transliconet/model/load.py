"""Loading an encoder from a folder or the Hugging Face hub: model, tokenizer, and the checks that
both are whole.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from transliconet.errors import CheckpointError, ConfigError, Option, first_line
from transliconet.model.adapter_set import INDEX, adapter_set
from transliconet.model.deberta_head import adopt_published_head, head_options
from transliconet.model.load_adapter import CONFIG as ADAPTER_CONFIG
from transliconet.model.load_adapter import adapter_folder
from transliconet.model.sentence import (
    SentenceSettings,
    read_sentence_settings,
    warn_of_dtype,
    with_prompts,
)
from transliconet.model.shapes import known_shape
from transliconet.third_party import no_loading_bars

LOADING_LIBRARIES = ("safetensors", "tokenizers", "builtins", "huggingface_hub")
"""Top-level modules of the exceptions that mean that a file cannot be read."""
REMEDY = (
    "Give a folder with config.json, model.safetensors and tokenizer.json, "
    "or a hub name that is reachable"
)
SENTENCEPIECE = ".model"
"""Ending of the tokenizer's file in checkpoints that ship no ``tokenizer.json``."""
HEAD_MISSING = "masked_lm_head_missing"
"""Setting in ``config.json`` of an encoder whose checkpoint had no masked-LM head: what stands in
its place is random.
"""


def checkpoint_path(path: str) -> str:
    """A folder, or a name on the hub.

    Raises:
        CheckpointError: it does not exist, or has neither ``config.json`` nor that of adapters.
    """
    path = str(Path(path).expanduser()) if path and Path(path).expanduser().exists() else path
    local = bool(path) and Path(path).is_dir()
    if not path or Path(path).is_file() or (not local and path.startswith((".", "/", "~"))):
        raise CheckpointError(Option("path", path), "no such folder", REMEDY, code="TLN-CKPT-401")
    known = [(Path(path) / name).is_file() for name in ("config.json", ADAPTER_CONFIG, INDEX)]
    if local and not any(known):
        raise CheckpointError(
            Option("path", path), "no config.json in it", REMEDY, code="TLN-CKPT-402"
        )
    return path


def load_parts(
    path: str, language: str | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, SentenceSettings]:
    """Model, tokenizer, and what is said about sentence vectors, of a checkpoint or of adapters,
    which are merged into the encoder that they belong to. Those per language or script are not:
    of them, the encoder is loaded.

    Args:
        path: of the checkpoint or the adapters.
        language: see :func:`load_model`.

    Raises:
        CheckpointError, ConfigError: see the functions below.
    """
    several = adapter_set(path)
    adapter = adapter_folder(path) if several is None else several.base
    if adapter is None:
        masked_lm = load_model(path, load_config(path), language)
        tokenizer = load_tokenizer(path)
        return masked_lm, tokenizer, read_sentence_settings(path, tokenizer)
    base = checkpoint_path(adapter.base)
    masked_lm = load_model(base, load_config(base), language)
    if several is None:
        adapter.merge_into(masked_lm)
    else:
        adapter.add_missing_rows(masked_lm)
    tokenizer = load_tokenizer(adapter.path if adapter.has_tokenizer else base)
    sentence = with_prompts(read_sentence_settings(base, tokenizer), adapter.path)
    return masked_lm, tokenizer, sentence


def load_config(path: str) -> PreTrainedConfig:
    """The configuration of a checkpoint.

    Raises:
        CheckpointError: it cannot be read, or its architecture is not one of transformers.
    """
    with _loading(path, "its configuration"):
        content, _ = PreTrainedConfig.get_config_dict(path)
    model_type = content.get("model_type")
    if "auto_map" in content and model_type not in CONFIG_MAPPING:
        raise CheckpointError(
            Option("path", path),
            f"its architecture, {model_type!r}, is code in the checkpoint, which is not run",
            "Use a version of it that has been converted for transformers",
            code="TLN-CKPT-409",
        )
    with _loading(path, "its configuration"):
        return AutoConfig.from_pretrained(path)


def model_class(config: PreTrainedConfig) -> Any:
    """``AutoModelForMaskedLM``, or ``AutoModel`` for an architecture without a masked-LM head."""
    if type(config) in MODEL_FOR_MASKED_LM_MAPPING:
        return AutoModelForMaskedLM
    return AutoModel


def load_model(path: str, config: PreTrainedConfig, language: str | None) -> PreTrainedModel:
    """The model of a checkpoint, in float32 and in evaluation mode.

    Args:
        path: of the checkpoint.
        config: of the checkpoint.
        language: whose adapters are used, of an encoder that has adapters (X-MOD).

    Raises:
        CheckpointError: weights of its body are missing, or cannot be read.
        ConfigError: see :func:`_choose_adapters`.
    """
    with _loading(path, "its weights"), no_loading_bars():
        masked_lm, report = model_class(config).from_pretrained(
            path, dtype=torch.float32, output_loading_info=True, **head_options(config)
        )
        adopted = adopt_published_head(masked_lm, path, report["unexpected_keys"])
    warn_of_dtype(path, config.dtype)
    prefix = f"{masked_lm.base_model_prefix}."
    if masked_lm.base_model is masked_lm:
        prefix = ""
    missing = sorted(report["missing_keys"])
    # sentence encoders have no head; but with random weights in the body all vectors are noise
    of_body = [key for key in missing if key.startswith(prefix)]
    of_body = [key for key in of_body if not key.removeprefix(prefix).startswith("pooler.")]
    if of_body:
        raise CheckpointError(
            Option("path", path),
            f"weights are missing: {of_body[0]} and {len(of_body) - 1} more",
            REMEDY,
            code="TLN-CKPT-404",
        )
    of_head = [key for key in missing if prefix and not key.startswith(prefix)]
    # a bias of zeros is as good as none
    if not adopted and any(not key.endswith("bias") for key in of_head):
        setattr(masked_lm.config, HEAD_MISSING, True)
    _choose_adapters(masked_lm, language)
    return masked_lm.eval()


def _choose_adapters(masked_lm: PreTrainedModel, language: str | None) -> None:
    """Choose the language whose adapters all text goes through.

    Raises:
        ConfigError: none is chosen of several, or the encoder does not have it.
    """
    shape = known_shape(masked_lm.config)
    if shape is None or not shape.adapters:
        if language is None:
            return
        raise ConfigError(
            Option("language", language),
            "the encoder has no adapters",
            "Leave language= away",
            code="TLN-CONFIG-403",
        )
    languages = masked_lm.config.languages
    chosen = language or masked_lm.config.default_language
    if chosen not in languages:
        raise ConfigError(
            Option("language", chosen),
            "the encoder has adapters for single languages",
            f"Choose those of one: {', '.join(languages)}",
            code="TLN-CONFIG-404",
        )
    masked_lm.config.default_language = chosen


def load_tokenizer(path: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a checkpoint.

    Raises:
        CheckpointError: it cannot be read, or has no subwords.
    """
    with _loading(path, "its tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(path)
        if str(tokenizer.init_kwargs.get("vocab_file")).endswith(SENTENCEPIECE):
            tokenizer = _converted(path, tokenizer)
    # where its files are missing, transformers makes an empty tokenizer
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise CheckpointError(
            Option("path", path),
            "its tokenizer has no subwords: files are missing",
            REMEDY,
            code="TLN-CKPT-405",
        )
    return tokenizer


def _converted(path: str, tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """A tokenizer that was made from a SentencePiece model, as an export of it will be read.

    Some classes of transformers put special tokens around a text only when they read
    ``tokenizer.json``.
    """
    with TemporaryDirectory() as folder:
        load_config(path).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        converted = AutoTokenizer.from_pretrained(folder)
    converted.name_or_path = path
    return converted


@contextmanager
def _loading(path: str, what: str) -> Iterator[None]:
    """Turn exceptions for files that cannot be read into a :class:`CheckpointError`."""
    try:
        yield
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        problem = f"{what} cannot be loaded ({first_line(error)})"
        raise CheckpointError(Option("path", path), problem, REMEDY, code="TLN-CKPT-406") from error
    except Exception as error:
        if type(error).__module__.split(".")[0] not in LOADING_LIBRARIES:
            raise
        raise CheckpointError(
            Option("path", path),
            f"{what} cannot be loaded ({error})",
            REMEDY,
            code="TLN-CKPT-407",
        ) from error
