"""Which parameters decay, and how the learning rate moves."""

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import get_linear_schedule_with_warmup

from transliconet.errors import require_range
from transliconet.model.rows import NewRows

LR_FACTOR = "lr_factor"
"""Key of a parameter group: its learning rate is this times the optimizer's."""


def parameter_groups(model: nn.Module, weight_decay: float, new_rows_lr: float = 1.0) -> list[dict]:
    """Weights of two or more dimensions decay; biases and norms do not, and neither do rows of new pieces.

    Args:
        model: its trainable parameters are taken.
        weight_decay: of the weights.
        new_rows_lr: learning rate of new rows, as a factor: each is seen rarely, so they can take larger steps.
    """
    require_range("optim.weight_decay", weight_decay, least=0)
    require_range("optim.new_rows_lr", new_rows_lr, above=0)
    new = [m.new for m in model.modules() if isinstance(m, NewRows)]
    trainable = [p for p in model.parameters() if p.requires_grad and not any(p is n for n in new)]
    groups = [
        {"params": new, "weight_decay": 0.0, LR_FACTOR: new_rows_lr},
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    return [g for g in groups if g["params"]]


def linear_warmup_decay(optimizer: Optimizer, total_steps: int, warmup: float = 0.1) -> LambdaLR:
    """Linear from 0 to the learning rate over ``warmup`` (a share of ``total_steps``), then linear to 0."""
    require_range("optim.scheduler.warmup", warmup, least=0, most=1)
    return get_linear_schedule_with_warmup(optimizer, round(warmup * total_steps), total_steps)
