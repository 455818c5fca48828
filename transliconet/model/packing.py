"""Rows without their padding: one long row of real tokens, in which each text attends only to
itself.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

PACKED_ATTENTION = "transliconet_packed"
"""Name under which transformers knows :func:`packed_attention`."""


@dataclass(frozen=True)
class Packing:
    """The places of the T real tokens of N rows.

    A row as it was given has L₀ entries, with padding anywhere. For attention the tokens of each
    row are moved to its left, which leaves L entries, the length of the longest row.

    Args:
        shape: N and L.
        positions: (T,) int64, the place of each token in the flattened (N, L) rows; None where no
            row has padding.
        mask: (N, 1, 1, L) bool, True at tokens; None where no row has padding.
        real: (N, L₀) bool, True at tokens of the rows as they were given.
    """

    shape: tuple[int, int]
    positions: Tensor | None
    mask: Tensor | None
    real: Tensor

    @classmethod
    def from_mask(cls, attention_mask: Tensor) -> "Packing":
        """From an attention mask, (N, L₀) bool, True at tokens; padding may be anywhere."""
        lengths = attention_mask.sum(1)  # (N,)
        shape = (len(lengths), int(lengths.max()))
        # (N, L) True at the tokens, moved to the left of their rows
        filled = torch.arange(shape[1], device=lengths.device) < lengths.unsqueeze(1)
        if bool(filled.all()):
            return cls(shape, None, None, attention_mask)
        positions = filled.flatten().nonzero().squeeze(1)  # (T,)
        return cls(shape, positions, filled[:, None, None], attention_mask)

    def local_mask(self, window: int) -> Tensor | None:
        """(N or 1, 1, L, L) bool, True where a token attends to another: at a distance below
        ``window`` in its row. None where all do.
        """
        longest = self.shape[1]
        if longest <= window:
            return self.mask
        places = torch.arange(longest, device=self.real.device)
        near = (places.unsqueeze(1) - places).abs() < window  # (L, L)
        if self.mask is None:
            return near[None, None]
        # padding may have no token near it, and in some kernels the softmax of nothing is NaN
        return (near & self.mask) | ~self.mask.transpose(2, 3)

    def pack(self, values: Tensor) -> Tensor:
        """(N, L₀, …) → (T, …), row after row."""
        return values[self.real]

    def unpack(self, states: Tensor) -> Tensor:
        """(T, H) → (N, L₀, H), zeros at padding."""
        whole = states.new_zeros(*self.real.shape, states.shape[-1])
        return whole.masked_scatter(self.real.unsqueeze(-1), states)

    def spread(self, states: Tensor) -> Tensor:
        """(heads, T, d) → (N, heads, L, d), the form that attention takes."""
        rows, longest = self.shape
        heads, _, width = states.shape
        flat = states.transpose(0, 1)  # (T, heads, d)
        if self.positions is not None:
            padded = flat.new_zeros(rows * longest, heads, width)
            flat = padded.index_copy(0, self.positions, flat)  # (N·L, heads, d)
        return flat.reshape(rows, longest, heads, width).transpose(1, 2)

    def gather(self, states: Tensor) -> Tensor:
        """(N, heads, L, d) → (T, heads, d), the reverse of :meth:`spread`."""
        flat = states.transpose(1, 2).flatten(0, 1)  # (N·L, heads, d)
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
    **others: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attention within each packed row.

    Only attention needs the rows apart: all other layers work on the T real tokens, token by token.

    Args:
        module: the attention layer.
        query, key, value: (1, heads, T, d); keys and values may have fewer heads, each for a group
            of queries.
        attention_mask: read only without ``packing``.
        packing: of the T tokens. None, where the model is called by other code than
            :class:`transliconet.model.encoder.Encoder`, leaves the work to transformers.
        dropout: probability of dropping an attention weight.
        scaling: factor of the scores; None: 1 / √d.
        others: further arguments of transformers' attention functions. With ``sliding_window``, a
            token attends only to tokens of its row at a distance below it.

    Returns:
        (1, T, heads, d), and None in place of the attention weights.
    """
    if packing is None:
        return sdpa_attention_forward(
            module,
            query,
            key,
            value,
            attention_mask=attention_mask,
            dropout=dropout,
            scaling=scaling,
            **others,
        )
    # padding comes back here alone: rows must not attend to each other
    q, k, v = (packing.spread(states[0]) for states in (query, key, value))  # (N, heads, L, d)
    window = others.get("sliding_window")
    mask = packing.mask if window is None else packing.local_mask(window)
    out = F.scaled_dot_product_attention(
        *(q, k, v),
        attn_mask=mask,
        dropout_p=dropout,
        scale=scaling,
        enable_gqa=k.shape[1] != q.shape[1],
    )
    return packing.gather(out).unsqueeze(0), None


AttentionInterface.register(PACKED_ATTENTION, packed_attention)
AttentionMaskInterface.register(PACKED_ATTENTION, sdpa_mask)
