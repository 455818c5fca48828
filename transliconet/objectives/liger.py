"""The loss over a large vocabulary by Liger Kernel's fused linear cross-entropy, for GPUs. Untested
on GPU hardware.
"""

import importlib.util
from collections.abc import Sequence

import torch
from torch import Tensor

from transliconet.errors import ConfigError, require_choice

KERNELS = ("chunked", "liger")


def require_kernel(option: str, kernel: str) -> None:
    """Check that a kernel is there.

    Raises:
        ConfigError: it is unknown, or Liger's and the package or a GPU is missing.
    """
    require_choice(option, kernel, KERNELS)
    remedy = f"{option}=chunked computes the same anywhere"
    if kernel == "liger" and importlib.util.find_spec("liger_kernel") is None:
        raise ConfigError(
            f"{option}=liger",
            "no Liger Kernel here",
            f"pip install 'transliconet[gpu]'; {remedy}",
            code="TLN-CONFIG-502",
        )
    if kernel == "liger" and not torch.cuda.is_available():
        raise ConfigError(
            f"{option}=liger", "it takes a GPU, and torch finds none", remedy, code="TLN-CONFIG-503"
        )


def liger_loss(
    states: Tensor,
    weight: Tensor,
    bias: Tensor,
    labels: Tensor,
    share: Tensor,
    sizes: Sequence[int],
    chunk_size: int,
) -> Tensor:
    """:func:`transliconet.objectives.vocabulary_loss.vocabulary_loss` by fused kernels (Hsu et al.,
    2024, arXiv 2410.10989).

    Liger's means and sums have one factor for all rows and an own gradient of W for each call. So
    the losses are asked
    for row by row and weighed here: it then makes the gradients in the backward pass, from logits
    computed once more, and all groups share them.

    Args:
        states: (M, H), M at least 1.
        share: (M,) float32, the factor of each row's loss.
        chunk_size: rows of logits at once, rounded up to a power of 2.
    """
    from liger_kernel.transformers.functional import liger_fused_linear_cross_entropy

    rows, width = states.shape
    # Liger's budget of logits in multiples of M·H numbers; its default, 1, would be a row or two of
    # this vocabulary.
    budget = -(-len(weight) * min(chunk_size, rows) // (rows * width))
    losses = liger_fused_linear_cross_entropy(
        states,
        weight,
        labels,
        bias,
        reduction="none",
        accum_dtype=torch.float32,
        chunk_mem_const=budget,
    )
    return torch.stack([group.sum() for group in (losses * share).split(list(sizes))])
