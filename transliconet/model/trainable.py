"""Which weights of an encoder are trained, its dropout, and how its layers are computed."""

from collections.abc import Callable, Sequence

from torch import nn

from transliconet.errors import (
    CheckpointError,
    ConfigError,
    Option,
    require_choice,
    require_range,
)
from transliconet.model.adapter_choice import adapter_names
from transliconet.model.adapters import train_adapters
from transliconet.model.encoder import Encoder
from transliconet.model.layers import require_layers
from transliconet.model.lora import LoraSettings
from transliconet.model.rows import train_new_rows
from transliconet.model.shapes import parts_below_layers

Train = Callable[[Encoder, LoraSettings, Sequence[str]], None]
"""Freezes what is not trained, given the settings of adapters and the languages."""


def _train_everything(encoder: Encoder, lora: LoraSettings, tags: Sequence[str]) -> None:
    """Nothing is frozen."""


def _train_embeddings(encoder: Encoder, lora: LoraSettings, tags: Sequence[str]) -> None:
    encoder.masked_lm.requires_grad_(False)
    encoder.masked_lm.get_input_embeddings().requires_grad_(True)


def _train_adapters_and_rows(encoder: Encoder, lora: LoraSettings, tags: Sequence[str]) -> None:
    train_adapters(encoder, lora, new_rows=True, names=_names(lora, tags))


def _names(lora: LoraSettings, tags: Sequence[str]) -> list[str] | None:
    return None if lora.per is None else adapter_names(tags, lora.per)


TRAINABLE: dict[str, Train] = {
    "all": _train_everything,
    "embeddings": _train_embeddings,
    "new_rows": lambda encoder, lora, tags: train_new_rows(encoder),
    "new_rows_and_body": lambda encoder, lora, tags: train_new_rows(encoder, body=True),
    "lora": lambda encoder, lora, tags: train_adapters(encoder, lora, names=_names(lora, tags)),
    "new_rows_and_lora": _train_adapters_and_rows,
}
WITH_ADAPTERS = ("lora", "new_rows_and_lora")
"""Choices that put low-rank adapters into the layers."""


def choose_trainable(
    encoder: Encoder,
    trainable: str = "all",
    frozen_layers: int = 0,
    lora: LoraSettings | None = None,
    tags: Sequence[str] = (),
) -> None:
    """Freeze all weights that are not to be trained.

    Args:
        encoder: changed in place.
        trainable: ``all``; ``embeddings``, the embedding matrix alone; ``new_rows``, the embedding
            rows that vocabulary extension added; ``new_rows_and_body``, these and the layers, but
            not the original rows; ``lora``, low-rank adapters in the layers; or
            ``new_rows_and_lora``.
        frozen_layers: number of the lowest transformer layers to freeze. If there are any, position
            embeddings and the norm below the layers are frozen, too; the token embeddings follow
            ``trainable``.
        lora: of the adapters; None: the defaults.
        tags: the languages that are trained on, for adapters per language or script.

    Raises:
        ConfigError: an unknown choice, more layers than the encoder has, an encoder whose adapters
            have not been merged, or see
            :func:`transliconet.model.adapters.train_adapters`.
        CheckpointError: new rows are to be trained, and the encoder has none; or layers are to be
            frozen, and it is not known where they are.
    """
    require_choice("trainable", trainable, TRAINABLE)
    require_range("frozen_layers", frozen_layers, least=0, most=encoder.layers)
    if encoder.adapters is not None:
        raise ConfigError(
            "encoder",
            f"it has adapters per {encoder.adapters.per}, which cannot be trained further",
            "Train from their base, or merge them first: transliconet export",
            code="TLN-CONFIG-417",
        )
    TRAINABLE[trainable](encoder, lora or LoraSettings(), tags)
    if frozen_layers:
        _freeze_lowest_layers(encoder, frozen_layers)


def _freeze_lowest_layers(encoder: Encoder, number: int) -> None:
    """Freeze layers and everything below them but the embedding matrix.

    Raises:
        CheckpointError: it is not known where the layers are.
    """
    blocks = require_layers(encoder, "Leave frozen_layers=0")
    matrix, *others = parts_below_layers(encoder.masked_lm, encoder.shape)
    in_matrix = {id(parameter) for parameter in matrix.parameters()}
    for part in (*others, *blocks[:number]):
        for parameter in part.parameters():
            if id(parameter) not in in_matrix:
                parameter.requires_grad_(False)


def set_dropout(encoder: Encoder, probability: float) -> None:
    """Set the dropout of states and attention weights in all layers.

    With fixed targets (anchors), a short run learns faster without dropout. The papers keep the
    0.1 of the checkpoint's configuration.

    Args:
        encoder: changed in place.
        probability: 0 … 0.9.

    Raises:
        ConfigError: ``probability`` is out of range.
    """
    require_range("dropout", probability, least=0, most=0.9)
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability


def checkpoint_layers(encoder: Encoder) -> None:
    """Gradient checkpointing (Chen et al., 2016, arXiv 1604.06174): only the input of each layer is
    kept for the backward pass, and the rest is computed again.

    Raises:
        CheckpointError: transformers does not have it for this architecture.
        ConfigError: see :func:`_require_one_adapter`.
    """
    _require_one_adapter(encoder, "gradient_checkpointing")
    if not encoder.masked_lm.supports_gradient_checkpointing:
        raise CheckpointError(
            encoder.name,
            f"{encoder.masked_lm.config.model_type} has no gradient checkpointing",
            "Leave gradient_checkpointing=false",
            code="TLN-CKPT-413",
        )
    encoder.masked_lm.activation_checkpointing_enable({"use_reentrant": False})


def compile_layers(encoder: Encoder) -> None:
    """Compile each layer by ``torch.compile``, for any number of tokens. Names of weights do not
    change.

    Raises:
        ConfigError: see :func:`_require_one_adapter`.
    """
    _require_one_adapter(encoder, "compile")
    for layer in encoder.blocks:
        layer.compile(dynamic=True)


def _require_one_adapter(encoder: Encoder, option: str) -> None:
    """Refuse what would compute a layer without knowing the adapters of its tokens.

    Raises:
        ConfigError: there are adapters per language or script.
    """
    if encoder.adapters is not None:
        raise ConfigError(
            Option(option, True),
            f"not together with adapters per {encoder.adapters.per}",
            "Leave it off; micro_batch=16 saves memory, too",
            code="TLN-CONFIG-418",
        )
