"""Which parameters decay, and how the learning rate moves."""

import re
from collections import defaultdict

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import get_linear_schedule_with_warmup

from transliconet.errors import require_range
from transliconet.model.rows import NewRows

LR_FACTOR = "lr_factor"
"""Key of a parameter group: its learning rate is this times the optimizer's."""


def parameter_groups(
    model: nn.Module, weight_decay: float, new_rows_lr_factor: float = 1.0, layer_decay: float = 1.0
) -> list[dict]:
    """Weights of two or more dimensions decay; biases and norms do not, and neither do rows of new
    pieces.

    Args:
        model: its trainable parameters are taken.
        weight_decay: of the weights.
        new_rows_lr_factor: learning rate of new rows, as a factor: each is seen rarely, so they can
            take larger steps.
        layer_decay: each layer's learning rate as a factor of that of the layer above, the
            embeddings' of the lowest layer's (Howard & Ruder, 2018, section 3.2); 1: all alike.
    """
    require_range("weight_decay", weight_decay, least=0)
    require_range("new_rows_lr_factor", new_rows_lr_factor, above=0)
    require_range("layer_decay", layer_decay, above=0, most=1)
    new = {id(m.new) for m in model.modules() if isinstance(m, NewRows)}
    depths: dict[int, int] = {}
    for name, parameter in model.named_parameters(
        remove_duplicate=False
    ):  # the head's table is the embeddings', tied
        depths[id(parameter)] = max(_depth(name), depths.get(id(parameter), -1))
    top = max(depths.values(), default=0)
    groups: defaultdict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for parameter in filter(lambda p: p.requires_grad, model.parameters()):
        if id(parameter) in new:
            key = (0.0, new_rows_lr_factor)
        else:
            depth = depths[id(parameter)]
            below = top - depth if depth >= 0 else 0
            key = (weight_decay if parameter.ndim >= 2 else 0.0, layer_decay**below)
        groups[key].append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, LR_FACTOR: factor}
        for (decay, factor), parameters in sorted(
            groups.items(), reverse=True, key=lambda item: item[0]
        )
    ]


def _depth(name: str) -> int:
    """0 for the embeddings, i + 1 for layer i, -1 for what stands above the layers."""
    if ".embeddings." in f".{name}":
        return 0
    layer = re.search(r"encoder\.layer\.(\d+)\.", name)
    return int(layer[1]) + 1 if layer else -1


def linear_warmup_decay(optimizer: Optimizer, total_steps: int, warmup: float = 0.1) -> LambdaLR:
    """Linear from 0 to the learning rate over ``warmup`` (a share of ``total_steps``), then linear
    to 0.
    """
    require_range("warmup", warmup, least=0, most=1)
    return get_linear_schedule_with_warmup(optimizer, round(warmup * total_steps), total_steps)
