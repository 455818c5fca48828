"""Which parameters decay, and how the learning rate moves."""

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import get_linear_schedule_with_warmup

from transliconet.errors import require_range


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Two groups: weights of two or more dimensions decay; biases and norms do not."""
    require_range("optim.weight_decay", weight_decay, least=0)
    trainable = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    return [g for g in groups if g["params"]]


def linear_warmup_decay(optimizer: Optimizer, total_steps: int, warmup: float = 0.1) -> LambdaLR:
    """Linear from 0 to the learning rate over ``warmup`` (a share of ``total_steps``), then linear to 0."""
    require_range("optim.scheduler.warmup", warmup, least=0, most=1)
    return get_linear_schedule_with_warmup(optimizer, round(warmup * total_steps), total_steps)
