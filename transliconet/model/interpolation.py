"""Weights between those before and after training."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from transliconet.errors import ConfigError, Option, require_range
from transliconet.model.encoder import Encoder
from transliconet.model.trainable import WITH_ADAPTERS


@dataclass(frozen=True)
class StartingWeights:
    """The weights with which training began, without the token embeddings, and the share that they
    keep in the trained encoder.

    A fine-tuned model does its new task better, and what it could before worse. Of the weights on
    the line between both, many do nearly as well as either where it is the better one (WiSE-FT,
    Wortsman et al., 2022, arXiv 2109.01903, equation 1):

    .. math:: \\theta = s \\, \\theta_\\text{start} + (1 - s) \\, \\theta_\\text{trained}

    Token embeddings stay as trained: rows of new subwords have no start that is worth keeping.

    Args:
        share: s, from 0, nothing changes, to 1, only token embeddings stay as trained.
        weights: by name, as ``encoder.named_parameters()`` names them.
    """

    share: float
    weights: Mapping[str, Tensor]

    @classmethod
    def from_encoder(cls, encoder: Encoder, share: float, trainable: str) -> "StartingWeights":
        """Copy the weights of an encoder before it is trained. With ``share`` 0, none is copied.

        Args:
            encoder: it has no adapters yet.
            share: see the class.
            trainable: what will be trained (:func:`transliconet.model.trainable.choose_trainable`).

        Raises:
            ConfigError: ``share`` is out of range, or adapters will be trained.
        """
        require_range("start_share", share, least=0, most=1)
        if not share:
            return cls(share, {})
        if trainable in WITH_ADAPTERS:
            raise ConfigError(
                Option("start_share", share),
                f"trainable={trainable} trains adapters, not the weights themselves",
                "Leave it at 0; a smaller lora.alpha weakens the adapters",
                code="TLN-CONFIG-426",
            )
        matrix = encoder.masked_lm.get_input_embeddings().weight
        weights = {
            name: weight.detach().clone()
            for name, weight in encoder.named_parameters()
            if weight is not matrix
        }
        return cls(share, weights)

    @torch.no_grad()
    def blend_into(self, encoder: Encoder) -> None:
        """Move the weights of the trained encoder towards the starting ones, in place.

        Args:
            encoder: on the CPU, with an ordinary embedding matrix
                (:func:`transliconet.model.rows.restore_matrix`). Weights that it did not begin with
                stay as trained.
        """
        for name, weight in encoder.named_parameters():
            if name in self.weights:
                # training may have changed the precision, as bf16-true does
                weight.lerp_(self.weights[name].to(weight), self.share)
