"""Pooling: from token states to one vector a row."""

import torch
from torch import Tensor

from transliconet.errors import require_choice

POOLINGS = ("mean", "mean_with_special", "cls", "weighted", "max", "last_token", "mean_sqrt_len")
OR_AUTO = ("auto", *POOLINGS)
"""Values of an option: ``auto`` is as the checkpoint says (:mod:`transliconet.model.sentence`)."""


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean of the states where ``mask`` is True.

    Args:
        hidden: (N, L, H).
        mask: (N, L) bool, or non-negative weights. A row without a True gives zeros.

    Returns:
        (N, H).
    """
    weights = mask.to(hidden.dtype).unsqueeze(-1)  # (N, L, 1)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


def pool(hidden: Tensor, content_mask: Tensor, attention_mask: Tensor, pooling: str) -> Tensor:
    """Pool by name.

    * ``mean``: the mean over content tokens, which are neither special nor padding (TransliCo's
      training); for a row without content, over all its tokens.
    * ``mean_with_special``: the mean over all tokens but padding (the papers' SR-B probe).
    * ``cls``: the first token.
    * ``weighted``: the mean over all tokens but padding, where token t has the weight t
      (Muennighoff, 2022; used by MEXA, arXiv 2410.05873, section 3.2).
    * ``max``: the largest value of each dimension, over all tokens but padding.
    * ``last_token``: the last token that is not padding.
    * ``mean_sqrt_len``: the sum over all tokens but padding, by the square root of their number.

    Args:
        hidden: (N, L, H).
        content_mask: (N, L) bool, True at content tokens.
        attention_mask: (N, L) bool, True at all tokens but padding.
        pooling: one of :data:`POOLINGS`.

    Returns:
        (N, H).

    Raises:
        ConfigError: ``pooling`` is unknown.
    """
    require_choice("pooling", pooling, POOLINGS)
    if pooling == "cls":
        return hidden[:, 0]
    if pooling == "mean_with_special":
        return mean_pool(hidden, attention_mask)
    if pooling == "weighted":
        return mean_pool(hidden, attention_mask.cumsum(1) * attention_mask)
    if pooling == "max":
        return hidden.masked_fill(~attention_mask.unsqueeze(-1), -torch.inf).amax(1)
    if pooling == "last_token":
        last = attention_mask.sum(1) - 1  # (N,)
        return hidden[torch.arange(len(hidden), device=hidden.device), last]
    if pooling == "mean_sqrt_len":
        lengths = attention_mask.sum(1, keepdim=True).clamp(min=1)  # (N, 1)
        return mean_pool(hidden, attention_mask) * lengths.sqrt()
    empty = ~content_mask.any(1, keepdim=True)
    return mean_pool(hidden, content_mask | (empty & attention_mask))
