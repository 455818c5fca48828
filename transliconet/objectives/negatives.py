"""Which pairs of a batch say the same, and so must not be each other's negatives."""

import torch
from torch import Tensor

from transliconet.objectives.similarity import products


def duplicate_texts(input_ids: Tensor, content_mask: Tensor, overlap: float = 1.0) -> Tensor:
    r"""Pairs of rows whose sets of tokens overlap by ``overlap`` or more.

    The overlap is Jaccard's, :math:`|A \cap B| / |A \cup B|`, over the distinct content tokens of
    two rows. 1 finds equal texts (and those with the same words in another order), 0.8 also those
    that differ in a word of ten.

    Args:
        input_ids: (N, L) int64.
        content_mask: (N, L) bool.
        overlap: above 0, at most 1.

    Returns:
        (N, N) bool, symmetric, True on the diagonal. Rows without content are like nothing but
        themselves.

    >>> ids = torch.tensor([[5, 6], [6, 5], [5, 7]])
    >>> duplicate_texts(ids, torch.ones(3, 2, dtype=torch.bool)).int().tolist()
    [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    """
    pieces, column = torch.unique(input_ids, return_inverse=True)
    held = torch.zeros(len(input_ids), len(pieces), device=input_ids.device)
    held.scatter_reduce_(1, column, content_mask.float(), "amax")
    common = products(held, held)
    sizes = held.sum(1)
    union = sizes.unsqueeze(0) + sizes.unsqueeze(1) - common
    own = torch.eye(len(input_ids), dtype=torch.bool, device=input_ids.device)
    return (common >= overlap * union) & (common > 0) | own


def duplicate_pairs(input_ids: Tensor, content_mask: Tensor, overlap: float) -> Tensor:
    """(B, B) bool: pairs whose native *or* romanized texts are the same, from (2B, L) rows of both
    views.

    Two languages may romanize different words alike, and one word may have two romanizations;
    either way the contrast could only be met by telling apart what is the same.
    """
    pairs = len(input_ids) // 2
    native, romanized = (
        duplicate_texts(input_ids[v], content_mask[v], overlap)
        for v in (slice(pairs), slice(pairs, None))
    )
    return native | romanized
