"""Hidden states of a base model: by its layers, of rows without padding, or by transformers, of
padded rows.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from transliconet.model.packing import Packing
from transliconet.model.shapes import (
    AFTER_PADDING,
    FROM_ZERO,
    ROTARY,
    Shape,
    final_norm,
    layers_of,
    submodule,
)


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Within the block there is no dropout; after it the module is in the mode of before."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)


def packed_states(
    masked_lm: PreTrainedModel,
    shape: Shape,
    vectors: Tensor,
    positions: Tensor,
    packing: Packing,
    layers: Collection[int],
) -> dict[int, Tensor]:
    """Hidden states of rows without padding. Layers above the wanted ones are not computed.

    Args:
        masked_lm: the model.
        shape: its row in the table of shapes.
        vectors: (1, T, H) vectors of the T tokens of all rows.
        positions: (1, T) int64.
        packing: of the T tokens.
        layers: the wanted ones.

    Returns:
        Layer → (1, T, H).
    """
    body, blocks = masked_lm.base_model, layers_of(masked_lm, shape)
    # all states from here on: (1, T, H)
    states = _below_layers(body, shape, vectors, positions)
    kept = {0: states} if 0 in layers else {}
    shared = _shared_arguments(body, shape, states, positions)
    for number, layer in enumerate(blocks[: max(layers)], start=1):
        states = layer(states, packing=packing, **_arguments(layer, shape, shared))
        if number in layers:
            kept[number] = states
    norm = final_norm(masked_lm, shape)
    if norm is not None and len(blocks) in layers:
        kept[len(blocks)] = norm(states)
    return kept


def _below_layers(body: nn.Module, shape: Shape, vectors: Tensor, positions: Tensor) -> Tensor:
    """(1, T, H) token vectors → (1, T, H) input of the first layer."""
    states = vectors
    embeddings = submodule(body, shape.embeddings)
    if embeddings is not None:
        absolute = shape.positions in (FROM_ZERO, AFTER_PADDING)
        arguments = {"position_ids": positions} if absolute else {}
        # input_ids has no default in all of them
        states = embeddings(input_ids=None, inputs_embeds=vectors, **arguments)
    projection = submodule(body, shape.projection)
    return states if projection is None else projection(states)


def _shared_arguments(
    body: Any, shape: Shape, states: Tensor, positions: Tensor
) -> dict[str, dict[str, Any]]:
    """Arguments that layers take beside states and packing, by their kind of attention."""
    if shape.adapters:
        config = body.config
        chosen = list(config.languages).index(config.default_language)
        return {"": {"lang_ids": torch.tensor([chosen], device=states.device)}}  # one for each row
    if shape.positions != ROTARY:
        return {"": {}}
    if not shape.local_attention:
        return {"": {"position_embeddings": body.rotary_emb(states, positions)}}
    # layers with a local window may rotate by other frequencies
    kinds = sorted(set(body.config.layer_types))
    return {
        kind: {"position_embeddings": body.rotary_emb(states, positions, kind)} for kind in kinds
    }


def _arguments(layer: nn.Module, shape: Shape, shared: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return shared[str(layer.attention_type) if shape.local_attention else ""]


def padded_states(
    masked_lm: PreTrainedModel,
    vectors: Tensor,
    positions: Tensor | None,
    packing: Packing,
    layers: Collection[int],
) -> dict[int, Tensor]:
    """Hidden states of padded rows, all of which transformers computes.

    Args:
        masked_lm: the model.
        vectors: (1, T, H) vectors of the T tokens of all rows.
        positions: (1, T) int64; None: the model counts.
        packing: of the T tokens.
        layers: the wanted ones.

    Returns:
        Layer → (1, T, H).
    """
    rows, longest = packing.shape
    inputs = packing.spread(vectors).squeeze(1)  # (N, L, H), tokens on the left of their rows
    if packing.mask is None:
        mask = torch.ones(rows, longest, dtype=torch.long, device=inputs.device)
    else:
        mask = packing.mask[:, 0, 0].long()  # (N, L)
    arguments: dict[str, Tensor] = {}
    if positions is not None:
        spread = packing.spread(positions.unsqueeze(-1))  # (N, 1, L, 1)
        arguments["position_ids"] = spread[:, 0, :, 0]
    out = masked_lm.base_model(
        inputs_embeds=inputs,
        attention_mask=mask,
        output_hidden_states=True,
        return_dict=True,
        **arguments,
    )
    kept = {}
    for layer in layers:
        states = packing.gather(out.hidden_states[layer].unsqueeze(1))  # (T, 1, H)
        kept[layer] = states.transpose(0, 1)  # (1, T, H)
    return kept
