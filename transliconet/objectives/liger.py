"""The loss over a large vocabulary by Liger Kernel's fused linear cross-entropy, for GPUs.

Untested on GPU hardware.
"""

import importlib.util
from collections.abc import Sequence

import torch
from torch import Tensor

from transliconet.errors import ConfigError, Option, require_choice

KERNELS = ("chunked", "liger")


def require_kernel(kernel: str) -> None:
    """Check that a kernel can be used here.

    Raises:
        ConfigError: it is unknown, or Liger's and the package or a GPU is missing.
    """
    require_choice("kernel", kernel, KERNELS)
    remedy = "kernel=chunked computes the same anywhere"
    if kernel == "liger" and importlib.util.find_spec("liger_kernel") is None:
        raise ConfigError(
            Option("kernel", kernel),
            "Liger Kernel is not installed",
            f"pip install 'transliconet[gpu]'; {remedy}",
            code="TLN-CONFIG-502",
        )
    if kernel == "liger" and not torch.cuda.is_available():
        raise ConfigError(
            Option("kernel", kernel),
            "it needs a GPU, and torch finds none",
            remedy,
            code="TLN-CONFIG-503",
        )


def liger_loss(
    states: Tensor,
    weight: Tensor,
    bias: Tensor,
    labels: Tensor,
    row_factors: Tensor,
    sizes: Sequence[int],
    chunk_size: int,
) -> Tensor:
    """:func:`transliconet.objectives.vocabulary_loss.vocabulary_loss` by fused kernels (Hsu et al.,
    2024, arXiv 2410.10989).

    Liger's means and sums have one factor for all rows and a gradient of W of their own for each
    call. So the losses are asked for row by row and weighed here. It then computes the gradients in
    the backward pass, from logits computed once more, and all groups share them.

    Args:
        states: (M, H), M at least 1.
        weight, bias, labels: (V, H), (V,), (M,).
        row_factors: (M,) float32, the factor of each row's loss.
        sizes: rows of each of G groups.
        chunk_size: rows of logits at once, rounded up to a power of 2.

    Returns:
        (G,) float32.
    """
    from liger_kernel.transformers.functional import liger_fused_linear_cross_entropy

    rows, width = states.shape
    # Liger's budget of logits in multiples of M·H numbers. Its default, 1, would be a row or two of
    # a large vocabulary.
    budget = -(-len(weight) * min(chunk_size, rows) // (rows * width))
    losses = liger_fused_linear_cross_entropy(
        states,
        weight,
        labels,
        bias,
        reduction="none",
        accum_dtype=torch.float32,
        chunk_mem_const=budget,
    )  # (M,)
    groups = (losses * row_factors).split(list(sizes))
    return torch.stack([group.sum() for group in groups])
