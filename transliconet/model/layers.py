"""The transformer layers of an encoder: required where something works on them, and reduced to some
of them.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from transliconet.errors import CheckpointError, ConfigError, Option
from transliconet.model.encoder import Encoder, EncoderLike

PER_LAYER = ("layer_types",)
"""Settings of a configuration that have one entry for each layer."""


def require_layers(encoder: Encoder, remedy: str) -> Sequence[nn.Module]:
    """The transformer layers, from the lowest to the highest.

    Args:
        encoder: of any architecture.
        remedy: what to do where its layers are not known.

    Raises:
        CheckpointError: it is not known where they are.
    """
    if not encoder.blocks:
        raise CheckpointError(
            encoder.name, "it is not known where its layers are", remedy, code="TLN-CKPT-411"
        )
    return encoder.blocks


def even_layers(number: int, total: int) -> list[int]:
    """The ``number`` of ``total`` layers that are evenly spaced and end with the last one: every
    f-th layer, where ``total`` is f times ``number`` (BiStil; Ansell et al., 2023, arXiv
    2306.01709, section 3.1).

    Args:
        number: how many.
        total: of the layers, which are counted from 1.

    Raises:
        ConfigError: ``number`` is not between 1 and ``total``.

    >>> even_layers(6, 12), even_layers(2, 5), even_layers(3, 3)
    ([2, 4, 6, 8, 10, 12], [3, 5], [1, 2, 3])
    """
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= total:
        raise ConfigError(
            Option("layers", number),
            f"the encoder has {total} layers",
            f"Give a number from 1 to {total}",
            code="TLN-CONFIG-420",
        )
    return [math.ceil(place * total / number) for place in range(1, number + 1)]


def keep_layers(encoder: Encoder, kept: Sequence[int]) -> Encoder:
    """Reduce an encoder to some of its layers. Embeddings and masked-LM head stay.

    In an architecture whose first layer is built unlike the others (ModernBERT's has no norm before
    its attention), the first of the kept layers is always that one. The given encoder is changed:
    use the one that is returned.

    Args:
        encoder: of any architecture whose layers are known.
        kept: numbers of the layers, from 1, ascending.

    Raises:
        CheckpointError: it is not known where its layers are.
    """
    blocks = require_layers(encoder, "Take another encoder")
    numbers = list(kept)
    if _weight_names(blocks[numbers[0] - 1]) != _weight_names(blocks[0]):
        numbers[0] = 1
    chosen = [blocks[number - 1] for number in numbers]
    body, config = encoder.masked_lm.base_model, encoder.masked_lm.config
    holder, _, name = str(encoder.shape.layers).rpartition(".")
    setattr(body.get_submodule(holder), name, nn.ModuleList(chosen))
    for setting in PER_LAYER:
        values = getattr(config, setting, None)
        if values is not None:
            setattr(config, setting, [values[number - 1] for number in numbers])
    config.num_hidden_layers = len(numbers)
    sentence = encoder.sentence
    if sentence.layer is not None:  # the highest of the kept layers that it had below it
        below = sum(number <= sentence.layer for number in numbers)
        sentence = replace(sentence, layer=max(below, 1))
    shallow = Encoder(
        encoder.masked_lm, encoder.tokenizer, encoder.name, sentence, prompt=encoder.prompt
    )
    shallow.language_script = encoder.language_script
    return shallow


def _weight_names(layer: nn.Module) -> list[str]:
    return sorted(name for name, _ in layer.named_parameters())


def layer_numbers(encoder: EncoderLike, layers: int | str | Sequence[int | str]) -> list[int]:
    """The indices of one or several layers among the hidden states, without repetitions.

    Args:
        encoder: has the layers.
        layers: ``last``, a number, or several of these.

    Raises:
        ConfigError: the encoder has no such layer, or ``layers`` is empty.
    """
    several = layers if isinstance(layers, Sequence) and not isinstance(layers, str) else [layers]
    if not several:
        raise ConfigError(
            Option("layer", "[]"),
            "no layer",
            "Name one, e.g. 8, or several, [4, 8, last]",
            code="TLN-CONFIG-401",
        )
    return list(dict.fromkeys(encoder.layer_number(layer) for layer in several))
