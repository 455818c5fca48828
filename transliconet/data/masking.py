"""Masking for the masked language model (Devlin et al., 2019, section 3.1)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from transliconet.batch import IGNORE
from transliconet.errors import ConfigError, require_range


@dataclass(frozen=True)
class Masking:
    """How masked input is made.

    Args:
        probability: share of the ordinary tokens that are to be predicted.
        mask_share: of these, the share replaced by ``<mask>``.
        random_share: of these, the share replaced by a random ordinary token; the rest stays as it
            is.
    """

    probability: float = 0.15
    mask_share: float = 0.8
    random_share: float = 0.1

    def __post_init__(self) -> None:
        for name in ("probability", "mask_share", "random_share"):
            require_range(name, getattr(self, name), least=0, most=1)
        if self.mask_share + self.random_share > 1:
            raise ConfigError(
                f"masking.mask_share={self.mask_share}, masking.random_share={self.random_share}",
                "more than 1 together",
                "Lower one: the rest is the share of predicted tokens that keep their id",
                code="TLN-CONFIG-322",
            )


def mask_tokens(
    input_ids: Tensor,
    content_mask: Tensor,
    ordinary_ids: Tensor,
    mask_id: int,
    masking: Masking,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Choose tokens to predict and hide them.

    Args:
        input_ids: (N, L) int64 token ids.
        content_mask: (N, L) bool, True at tokens that may be chosen (neither special nor padding).
        ordinary_ids: (V',) int64 ids that a random replacement is drawn from: the vocabulary
            without special tokens.
        mask_id: id of ``<mask>``.
        masking: the shares.
        generator: source of randomness; the same state gives the same masks.

    Returns:
        (N, L) ids after masking, and (N, L) labels: the original id at chosen positions,
        :data:`IGNORE` elsewhere.
    """
    shape = input_ids.shape
    chosen = (torch.rand(shape, generator=generator) < masking.probability) & content_mask
    action = torch.rand(shape, generator=generator)
    random_ids = ordinary_ids[torch.randint(len(ordinary_ids), shape, generator=generator)]
    to_mask = chosen & (action < masking.mask_share)
    to_random = chosen & ~to_mask & (action < masking.mask_share + masking.random_share)
    masked = input_ids.masked_fill(to_mask, mask_id)
    masked = torch.where(to_random, random_ids, masked)
    return masked, input_ids.masked_fill(~chosen, IGNORE)
