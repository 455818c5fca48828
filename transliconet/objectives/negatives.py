"""Which pairs of a batch have the same text, and so must not be each other's negatives."""

import torch
from torch import Tensor

from transliconet.objectives.similarity import inner_products


def duplicate_texts(input_ids: Tensor, content_mask: Tensor, overlap: float = 1.0) -> Tensor:
    r"""Pairs of rows whose sets of tokens overlap by ``overlap`` or more.

    The overlap is Jaccard's, :math:`|A \cap B| / |A \cup B|`, over the distinct content tokens of
    two rows. 1 finds equal texts (and those with the same words in another order), 0.8 also those
    that differ in one word of ten.

    Args:
        input_ids: (N, L) int64.
        content_mask: (N, L) bool.
        overlap: above 0, at most 1.

    Returns:
        (N, N) bool, symmetric, True on the diagonal. A row without content is a duplicate of itself
        only.

    >>> ids = torch.tensor([[5, 6], [6, 5], [5, 7]])
    >>> duplicate_texts(ids, torch.ones(3, 2, dtype=torch.bool)).int().tolist()
    [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    """
    distinct, column = torch.unique(input_ids, return_inverse=True)  # (U,), (N, L)
    contains = torch.zeros(len(input_ids), len(distinct), device=input_ids.device)
    contains.scatter_reduce_(1, column, content_mask.float(), "amax")  # (N, U) of 0 and 1
    intersection = inner_products(contains, contains)  # (N, N)
    sizes = contains.sum(1)  # (N,)
    union = sizes.unsqueeze(0) + sizes.unsqueeze(1) - intersection
    own = torch.eye(len(input_ids), dtype=torch.bool, device=input_ids.device)
    overlapping = (intersection >= overlap * union) & (intersection > 0)
    return overlapping | own


def duplicate_pairs(input_ids: Tensor, content_mask: Tensor, overlap: float) -> Tensor:
    """Pairs whose native *or* romanized texts are the same.

    Different words of two languages may have the same romanization, and one word may have several.
    As negatives, such pairs would train the encoder to tell apart what is the same.

    Args:
        input_ids, content_mask: (2B, L), rows of both views.
        overlap: see :func:`duplicate_texts`.

    Returns:
        (B, B) bool.
    """
    pairs = len(input_ids) // 2
    native = duplicate_texts(input_ids[:pairs], content_mask[:pairs], overlap)
    romanized = duplicate_texts(input_ids[pairs:], content_mask[pairs:], overlap)
    return native | romanized
