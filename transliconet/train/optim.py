"""Which parameters have weight decay, and how the learning rate changes."""

from collections import defaultdict

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import get_linear_schedule_with_warmup

from transliconet.errors import require_range
from transliconet.model.encoder import Encoder
from transliconet.model.rows import NewRows
from transliconet.model.shapes import parts_below_layers

LR_FACTOR = "lr_factor"
"""Key of a parameter group: its learning rate is this times the optimizer's."""


def parameter_groups(
    encoder: Encoder, weight_decay: float, new_rows_lr_factor: float = 1.0, layer_decay: float = 1.0
) -> list[dict]:
    """Parameter groups for an optimizer.

    Parameters of two or more dimensions have weight decay. Biases, norms and new embedding rows
    have none.

    Args:
        encoder: its trainable parameters are grouped.
        weight_decay: of the parameters that have it.
        new_rows_lr_factor: learning rate of new embedding rows, and of embeddings of languages and
            scripts, as a factor of the optimizer's. New tokens are rare, so their rows are updated
            seldom and can take larger steps.
        layer_decay: learning rate of each layer as a factor of that of the layer above it; the
            embeddings are below the lowest layer (Howard & Ruder, 2018, section 3.2). 1: all layers
            have the same.

    Returns:
        Groups with ``params``, ``weight_decay`` and :data:`LR_FACTOR`, in a fixed order.

    Raises:
        ConfigError: a value is out of range.
    """
    require_range("weight_decay", weight_decay, least=0)
    require_range("new_rows_lr_factor", new_rows_lr_factor, above=0)
    require_range("layer_decay", layer_decay, above=0, most=1)
    new_rows = {id(module.new) for module in encoder.modules() if isinstance(module, NewRows)}
    if encoder.language_script is not None:
        new_rows.update(map(id, encoder.language_script.parameters()))
    depths = _parameter_depths(encoder)
    top = max(depths.values(), default=0)
    # (weight decay, factor of the learning rate) → parameters
    groups: defaultdict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for parameter in encoder.parameters():
        if not parameter.requires_grad:
            continue
        if id(parameter) in new_rows:
            key = (0.0, new_rows_lr_factor)
        else:
            depth = depths[id(parameter)]
            below = top - depth if depth >= 0 else 0
            decay = weight_decay if parameter.ndim >= 2 else 0.0
            key = (decay, layer_decay**below)
        groups[key].append(parameter)
    # a fixed order, since optimizer states in checkpoints are numbered by it
    return [
        {"params": groups[decay, factor], "weight_decay": decay, LR_FACTOR: factor}
        for decay, factor in sorted(groups, reverse=True)
    ]


def _parameter_depths(encoder: Encoder) -> dict[int, int]:
    """``id`` of each parameter → its depth: 0 for the embeddings, i + 1 for layer i, -1 for
    everything above the layers.
    """
    depths = {id(parameter): -1 for parameter in encoder.parameters()}
    # a matrix that the head shares is at the depth of the embeddings
    for part in parts_below_layers(encoder.masked_lm, encoder.shape):
        depths.update((id(parameter), 0) for parameter in part.parameters())
    for depth, layer in enumerate(encoder.blocks, start=1):
        depths.update((id(parameter), depth) for parameter in layer.parameters())
    return depths


def linear_warmup_decay(optimizer: Optimizer, total_steps: int, warmup: float = 0.1) -> LambdaLR:
    """Linear warm-up from 0 to the optimizer's learning rate, then linear decay to 0.

    Args:
        optimizer: its learning rate is the highest.
        total_steps: optimizer steps of the run.
        warmup: share of ``total_steps`` that the warm-up takes, 0 … 1.

    Raises:
        ConfigError: ``warmup`` is no share.
    """
    require_range("warmup", warmup, least=0, most=1)
    return get_linear_schedule_with_warmup(optimizer, round(warmup * total_steps), total_steps)
