"""Rows of token ids padded into a batch, and which tokens of a vocabulary are special."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from transliconet.errors import CheckpointError


@dataclass(frozen=True)
class Vocabulary:
    """What a batch needs to know of a tokenizer.

    Args:
        pad_id, mask_id: of ``<pad>`` and ``<mask>``.
        special_ids: (S,) int64, every special token.
        ordinary_ids: (V - S,) int64, every other one.
    """

    pad_id: int
    mask_id: int
    special_ids: Tensor
    ordinary_ids: Tensor

    @classmethod
    def from_tokenizer(cls, tokenizer: PreTrainedTokenizerBase) -> "Vocabulary":
        """Read what a batch needs from a tokenizer.

        Args:
            tokenizer: of a masked-LM checkpoint.

        Returns:
            Its special and ordinary ids.

        Raises:
            CheckpointError: it has no padding or no mask token.
        """
        if tokenizer.pad_token_id is None or tokenizer.mask_token_id is None:
            raise CheckpointError(
                tokenizer.name_or_path,
                "its tokenizer has no <pad> or no <mask>",
                "Use a masked-LM checkpoint",
                code="TLN-CKPT-300",
            )
        special_ids = torch.tensor(sorted(set(tokenizer.all_special_ids)))
        all_ids = torch.arange(len(tokenizer))
        ordinary_ids = all_ids[~torch.isin(all_ids, special_ids)]
        return cls(tokenizer.pad_token_id, tokenizer.mask_token_id, special_ids, ordinary_ids)


def pad(rows: list[np.ndarray], pad_id: int) -> tuple[Tensor, Tensor]:
    """Stack rows of ids of different lengths.

    Args:
        rows: N rows; the longest has L ids.
        pad_id: fills the others up.

    Returns:
        (N, L) int64 ids, and (N, L) bool attention mask, True at ids of the rows.
    """
    lengths = np.array([len(row) for row in rows])  # (N,)
    ids = np.full((len(rows), lengths.max()), pad_id, dtype=np.int64)  # (N, L)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
    attention_mask = np.arange(ids.shape[1]) < lengths[:, None]  # (N, L)
    return torch.from_numpy(ids), torch.from_numpy(attention_mask)


def content_mask(input_ids: Tensor, attention_mask: Tensor, special_ids: Tensor) -> Tensor:
    """Mark the tokens that are neither padding nor special.

    Args:
        input_ids: (N, L) int64.
        attention_mask: (N, L) bool, False at padding.
        special_ids: (S,) int64.

    Returns:
        (N, L) bool.
    """
    return attention_mask & ~torch.isin(input_ids, special_ids)
