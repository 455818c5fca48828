"""Merging adapters into the weights of their layers, which gives an ordinary encoder; those per
language or script by weights.
"""

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from transliconet.errors import ConfigError, Option
from transliconet.model.adapter_choice import adapted_layers
from transliconet.model.adapters import NAME
from transliconet.model.encoder import Encoder


def merged_state(encoder: Encoder) -> dict[str, Tensor]:
    """The state of an ordinary model that computes what the encoder computes with its adapters."""
    if encoder.lora is None:
        return encoder.masked_lm.state_dict()
    merged = deepcopy(encoder.masked_lm)
    _merge(merged, {NAME: 1.0})
    return merged.state_dict()


def merge_adapters(encoder: Encoder, weights: Mapping[str, float] | None = None) -> None:
    r"""Put the adapters into the weights of their layers, and take them out. An encoder without
    adapters is left alone.

    Adapters :math:`k` per language or script are added up, which gives an ordinary encoder for a
    language that has none:

    .. math:: W' = W + \sum_k w_k\, s\, B_k A_k

    Args:
        encoder: changed in place.
        weights: name of an adapter → its :math:`w_k`; None: the mean of those that were trained.

    Raises:
        ConfigError: there is no such adapter, a weight is no number, or there is one adapter for
            all texts.
    """
    if encoder.lora is None:
        if weights is None:
            return
        raise _no_adapters_to_weigh(weights)
    if encoder.adapters is None:
        if weights is not None:
            raise _no_adapters_to_weigh(weights)
        weights = {NAME: 1.0}
    elif weights is None:
        names = encoder.adapters.trained()
        weights = {name: 1 / len(names) for name in names}
    else:
        _require_usable(weights, encoder.adapters.names)
    _merge(encoder.masked_lm, weights)
    encoder.lora, encoder.adapters = None, None


def _no_adapters_to_weigh(weights: Mapping[str, float]) -> ConfigError:
    return ConfigError(
        Option("merge", dict(weights)),
        "the encoder has no adapters per language or script",
        "Leave it away, or train with per=language",
        code="TLN-CONFIG-415",
    )


def _require_usable(weights: Mapping[str, float], names: Sequence[str]) -> None:
    """Refuse weights of adapters that are not there, and what is no number.

    Raises:
        ConfigError: for either.
    """
    numbers = [w for w in weights.values() if isinstance(w, int | float) and math.isfinite(w)]
    if not weights or len(numbers) < len(weights):
        raise ConfigError(
            Option("merge", dict(weights)),
            "not a number for each adapter",
            f"Give e.g. {{{names[0]}: 0.5}}",
            code="TLN-CONFIG-419",
        )
    unknown = [name for name in weights if name not in names]
    if unknown:
        raise ConfigError(
            Option("merge", dict(weights)),
            f"there is no adapter {unknown[0]}",
            f"There are {', '.join(names)}",
            code="TLN-CONFIG-416",
        )


def _merge(masked_lm: Any, weights: Mapping[str, float]) -> None:
    for path, layer in adapted_layers(masked_lm).items():
        if list(weights) == [NAME]:
            layer.merge()  # DoRA also changes lengths
        else:
            with torch.no_grad():
                for name, weight in weights.items():
                    layer.get_base_layer().weight.add_(layer.get_delta_weight(name), alpha=weight)
        masked_lm.set_submodule(path, layer.get_base_layer())
    del masked_lm.base_model.peft_config
    masked_lm.requires_grad_(True)
