"""From token states to one vector a row."""

from torch import Tensor

from transliconet.errors import require_choice

POOLINGS = ("mean", "mean_with_special", "cls", "weighted")


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean of the states where ``mask`` is True.

    Args:
        hidden: (N, L, H).
        mask: (N, L) bool, or weights. A row without a True gives zeros.

    Returns:
        (N, H).
    """
    weights = mask.to(hidden.dtype).unsqueeze(-1)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


def pool(hidden: Tensor, content_mask: Tensor, attention_mask: Tensor, pooling: str) -> Tensor:
    """Pool by name.

    ``mean`` averages over tokens that are neither special nor padding (TransliCo's training); a row
    of special tokens alone falls back to all its tokens. ``mean_with_special`` averages over all
    tokens but padding (the papers' SR-B probe). ``cls`` takes the first token. ``weighted`` is the
    mean over all tokens but padding, the t-th weighing t (MEXA, arXiv 2410.05873, section 3.2:
    later tokens have seen more; Muennighoff, 2022).
    """
    require_choice("pooling", pooling, POOLINGS)
    if pooling == "cls":
        return hidden[:, 0]
    if pooling == "mean_with_special":
        return mean_pool(hidden, attention_mask)
    if pooling == "weighted":
        return mean_pool(hidden, attention_mask.cumsum(1) * attention_mask)
    empty = ~content_mask.any(1, keepdim=True)
    return mean_pool(hidden, content_mask | (empty & attention_mask))
