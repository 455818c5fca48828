"""Masking for the masked language model (Devlin et al., 2019, section 3.1)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from transliconet.batch import IGNORE
from transliconet.errors import ConfigError, Option, require_range
from transliconet.tokens.padding import Vocabulary


@dataclass(frozen=True)
class Masking:
    """How masked input is made. The defaults are BERT's.

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
                Option("mask_share", self.mask_share),
                f"more than 1 together with random_share={self.random_share}",
                "Lower one: the rest is the share of predicted tokens that keep their id",
                code="TLN-CONFIG-322",
            )


def mask_tokens(
    input_ids: Tensor,
    content_mask: Tensor,
    vocabulary: Vocabulary,
    masking: Masking,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Choose tokens to predict, and hide them.

    Args:
        input_ids: (N, L) int64 token ids.
        content_mask: (N, L) bool, True at tokens that may be chosen (neither special nor padding).
        vocabulary: has the id of ``<mask>``, and the ordinary ids that a random token is drawn
            from.
        masking: the shares.
        generator: source of randomness; the same state gives the same masks.

    Returns:
        (N, L) ids after masking, and (N, L) labels: the original id at chosen positions,
        :data:`transliconet.batch.IGNORE` elsewhere.
    """
    shape = input_ids.shape
    predicted = (torch.rand(shape, generator=generator) < masking.probability) & content_mask
    # one draw for each token decides between <mask>, a random token and the token itself
    action = torch.rand(shape, generator=generator)  # (N, L)
    ordinary = vocabulary.ordinary_ids  # (V',)
    random_ids = ordinary[torch.randint(len(ordinary), shape, generator=generator)]  # (N, L)
    to_mask = predicted & (action < masking.mask_share)
    replaced = action < masking.mask_share + masking.random_share
    to_random = predicted & ~to_mask & replaced
    masked_ids = input_ids.masked_fill(to_mask, vocabulary.mask_id)
    masked_ids = torch.where(to_random, random_ids, masked_ids)
    labels = input_ids.masked_fill(~predicted, IGNORE)
    return masked_ids, labels
