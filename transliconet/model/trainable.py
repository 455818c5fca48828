"""Which weights of an encoder are trained at all."""

from collections.abc import Callable

from torch import nn

from transliconet.errors import require_choice, require_range
from transliconet.model.encoder import Encoder
from transliconet.model.rows import train_new_rows


def _everything(encoder: Encoder) -> None:
    """Nothing is frozen."""


def _embeddings(encoder: Encoder) -> None:
    encoder.masked_lm.requires_grad_(False)
    encoder.masked_lm.get_input_embeddings().requires_grad_(True)


TRAINABLE: dict[str, Callable[[Encoder], None]] = {
    "all": _everything,
    "embeddings": _embeddings,
    "new_rows": train_new_rows,
    "new_rows_and_body": lambda encoder: train_new_rows(encoder, body=True),
}


def choose_trainable(encoder: Encoder, trainable: str = "all", frozen_layers: int = 0) -> None:
    """Freeze what is not to be trained.

    Args:
        encoder: changed in place.
        trainable: ``all``; ``embeddings``, every row of the embedding matrix; ``new_rows``, those
            that vocabulary extension added; or ``new_rows_and_body``, these and the layers, but not
            the original rows.
        frozen_layers: number of the lowest transformer layers that stay as they are. Where any do,
            so do the position embeddings and the norm below them; ``trainable`` decides about the
            subword embeddings.

    Raises:
        ConfigError: an unknown choice, or more layers than the encoder has.
        CheckpointError: new rows are asked for and there are none.
    """
    require_choice("trainable", trainable, TRAINABLE)
    require_range("frozen_layers", frozen_layers, least=0, most=encoder.layers)
    TRAINABLE[trainable](encoder)
    if frozen_layers:
        body = encoder.masked_lm.roberta
        for part in (
            body.embeddings.position_embeddings,
            body.embeddings.token_type_embeddings,
            body.embeddings.LayerNorm,
        ):
            part.requires_grad_(False)
        for layer in body.encoder.layer[:frozen_layers]:
            layer.requires_grad_(False)


def set_dropout(encoder: Encoder, probability: float) -> None:
    """Drop this share of states and attention weights everywhere, whatever the checkpoint's
    configuration says.

    Towards fixed targets (anchors) 0 learns faster in a short run; the papers keep the
    checkpoint's, 0.1.
    """
    require_range("dropout", probability, least=0, most=0.9)
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability


def checkpoint_layers(encoder: Encoder) -> None:
    """Keep only each layer's input for the backward pass and compute the rest again (Chen et al.,
    2016).
    """
    encoder.masked_lm.activation_checkpointing_enable({"use_reentrant": False})


def compile_layers(encoder: Encoder) -> None:
    """``torch.compile`` each layer for any number of tokens; names of weights stay as they are."""
    for layer in encoder.masked_lm.roberta.encoder.layer:
        layer.compile(dynamic=True)
