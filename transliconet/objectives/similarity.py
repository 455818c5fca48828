"""Similarities of vectors in full precision, also where training runs in half precision."""

import torch
import torch.nn.functional as F
from torch import Tensor

SIMILARITIES = ("dot", "cosine")
"""Similarities of two vectors that a contrastive objective can take."""


def scale_for(similarity: str, vectors: Tensor) -> Tensor:
    """Scale vectors so that their inner products are the similarity.

    Args:
        similarity: one of :data:`SIMILARITIES`.
        vectors: (N, D), of any floating-point type.

    Returns:
        (N, D) float32; rows of length 1 for ``cosine``, unchanged rows for ``dot``.

    >>> scale_for("cosine", torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    vectors = vectors.float()
    return F.normalize(vectors, dim=-1) if similarity == "cosine" else vectors


def inner_products(left: Tensor, right: Tensor) -> Tensor:
    """Every inner product of two sets of vectors, in float32.

    Autocast would round them to half precision. In bfloat16, cosines near 0.9 are 0.004 apart, a
    fifth of a score at T = 0.02; float16 has no dot products above 65,504. These matrices are small
    beside the encoder's, so full precision costs little.

    Args:
        left: (N, D).
        right: (M, D).

    Returns:
        (N, M) float32.

    >>> inner_products(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]]))
    tensor([[11.]])
    """
    with torch.autocast(left.device.type, enabled=False):
        return left.float() @ right.float().T
