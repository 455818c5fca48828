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
        ConfigError: it is unknown, or it is ``liger`` and the package or a GPU is missing.
    """
    require_choice("kernel", kernel, KERNELS)
    remedy = "kernel=chunked computes the same anywhere"
    if kernel == "liger" and importlib.util.find_spec("liger_kernel") is None:
        raise ConfigError(
            Option("kernel", kernel),
            "Liger Kernel is not installed",
            f"pip install -e '.[gpu]' in a checkout; {remedy}",
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

    In Liger's own mean or sum all rows have one factor, and each call has a gradient of W of its
    own. Therefore it returns the losses row by row here, and they are weighted afterwards. In that
    mode Liger computes the logits again in the backward pass, and all groups share one gradient.

    Args:
        states: (M, H), M at least 1.
        weight, bias, labels: (V, H), (V,), (M,).
        row_factors: (M,) float32, the weight of each row's loss.
        sizes: number of rows in each of the G groups.
        chunk_size: rows of logits in memory at a time, rounded up to a power of 2.

    Returns:
        (G,) float32.
    """
    from liger_kernel.transformers.functional import liger_fused_linear_cross_entropy

    rows, width = states.shape
    # Liger takes the memory for logits in multiples of M·H numbers. With its default, 1, a chunk
    # would be a row or two of a large vocabulary.
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
