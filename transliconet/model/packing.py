"""Rows without their padding: one long row of real tokens, whose texts attend to themselves
alone.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

PACKED_ATTENTION = "transliconet_packed"
"""What transformers calls :func:`packed_attention`."""


@dataclass(frozen=True)
class Packing:
    """Where the T real tokens of N rows stand.

    Args:
        shape: N, and the number of tokens of the longest row.
        positions: (T,) int64, where each token is in the flattened rows once their tokens are moved
            to the left; None where no row has padding.
        mask: (N, 1, 1, L) bool, True at tokens; None likewise.
        real: (N, L₀) bool, the tokens in the rows as they came.
    """

    shape: tuple[int, int]
    positions: Tensor | None
    mask: Tensor | None
    real: Tensor

    @classmethod
    def from_mask(cls, attention_mask: Tensor) -> "Packing":
        """From (N, L₀) bool, True at tokens; padding may stand anywhere."""
        lengths = attention_mask.sum(1)  # (N,)
        shape = (len(lengths), int(lengths.max()))
        # (N, L) True at the tokens, moved to the left of their rows
        filled = torch.arange(shape[1], device=lengths.device) < lengths.unsqueeze(1)
        if bool(filled.all()):
            return cls(shape, None, None, attention_mask)
        positions = filled.flatten().nonzero().squeeze(1)  # (T,)
        return cls(shape, positions, filled[:, None, None], attention_mask)

    def pack(self, values: Tensor) -> Tensor:
        """(N, L₀, …) → (T, …), row after row."""
        return values[self.real]

    def unpack(self, states: Tensor) -> Tensor:
        """(T, H) → (N, L₀, H), zeros at padding."""
        whole = states.new_zeros(*self.real.shape, states.shape[-1])
        return whole.masked_scatter(self.real.unsqueeze(-1), states)

    def spread(self, states: Tensor) -> Tensor:
        """(heads, T, d) → (N, heads, L, d), as attention takes it."""
        rows, longest = self.shape
        heads, _, width = states.shape
        flat = states.transpose(0, 1)
        if self.positions is not None:
            flat = flat.new_zeros(rows * longest, heads, width).index_copy(0, self.positions, flat)
        return flat.reshape(rows, longest, heads, width).transpose(1, 2)

    def gather(self, states: Tensor) -> Tensor:
        """(N, heads, L, d) → (T, heads, d), the reverse of :meth:`spread`."""
        flat = states.transpose(1, 2).flatten(0, 1)
        return flat if self.positions is None else flat.index_select(0, self.positions)


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    packing: Packing | None = None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: object,
) -> tuple[Tensor, Tensor | None]:
    """Attention within each packed row: everything but this is computed for real tokens only.

    Args:
        query, key, value: (1, heads, T, d).
        packing: of the T tokens; None, where the model is called from elsewhere, leaves it to
            transformers.

    Returns:
        (1, T, heads, d), and no weights.
    """
    if packing is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **others
        )
    q, k, v = (packing.spread(states[0]) for states in (query, key, value))
    out = F.scaled_dot_product_attention(
        q, k, v, attn_mask=packing.mask, dropout_p=dropout, scale=scaling
    )
    return packing.gather(out).unsqueeze(0), None


AttentionInterface.register(PACKED_ATTENTION, packed_attention)
AttentionMaskInterface.register(PACKED_ATTENTION, sdpa_mask)
