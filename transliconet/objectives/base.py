"""The protocol of training objectives, and the sum of several."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from transliconet.batch import PAIR_INDEX
from transliconet.errors import ConfigError, section
from transliconet.model.encoder import Encoder, EncoderLike
from transliconet.objectives.encode import CLEAN, EncodedPairs, StateRequests
from transliconet.tokens.fields import BatchField, BatchNeeds


class Objective(ABC):
    """One weighted part of the training loss.

    A subclass says which states of the encoder it needs (:meth:`reads`) and computes its terms from
    them. For each batch the encoder runs once for all objectives.

    A new objective is a class in any module that Python can import. The command line takes it as
    ``+objective.mine={_target_: lengths.LengthGap, weight: 0.1}``::

        from dataclasses import dataclass
        from transliconet.objectives.base import Objective
        from transliconet.objectives.encode import CLEAN, StateRequest

        @dataclass(frozen=True)
        class LengthGap(Objective):
            weight: float = 1.0

            def reads(self, encoder):
                return {StateRequest(CLEAN, encoder.layers, "mean")}

            def __call__(self, encoded):
                top = StateRequest(CLEAN, encoded.encoder.layers, "mean")
                native, romanized = encoded.views(top)
                return {"length_gap": (native.norm(dim=1) - romanized.norm(dim=1)).abs().mean()}

    One that needs more of the batch than token ids and masks declares it in :meth:`fields`.
    """

    weight: float
    """Factor in the total loss; 0 switches the objective off."""

    @property
    def native_share(self) -> float:
        """Share of a batch's pairs whose native row the objective reads. Rows that no objective
        reads are not computed.
        """
        return 1.0

    def prepare(self, encoder: Encoder, tags: Sequence[str]) -> None:  # noqa: B027 - few need it
        """Give the encoder weights that are trained for this objective alone.

        It is called once, before the optimizer is made.

        Args:
            encoder: changed in place.
            tags: the languages that are trained on.
        """

    def reads(self, encoder: EncoderLike) -> StateRequests:
        """The encoder states that the objective needs.

        Raises:
            ConfigError: the encoder has no such layer.
        """
        return set()

    def fields(self, encoder: Encoder) -> Sequence[BatchField]:
        """The batch fields that the objective needs beside token ids and masks.

        Args:
            encoder: the encoder before training.
        """
        return ()

    def negatives_per_text(self, pairs: int) -> int | None:
        """Number of negatives of each text, for the log; None for an objective without negatives.

        Args:
            pairs: pairs in the batch of each process.
        """
        return None

    def pair_losses(self, encoded: EncodedPairs) -> Tensor | None:
        """The loss of each pair, for the log.

        Negatives are those of its own process, and no gradient is needed.

        Returns:
            (B,) float32, NaN for pairs without a loss; None if the loss is not one of pairs.
        """
        return None

    @abstractmethod
    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        """The terms of the loss by name, each a scalar; :attr:`weight` multiplies their sum."""


def active(objectives: Mapping[str, Objective | None]) -> dict[str, Objective]:
    """The objectives that are switched on: those that are not None and have a weight above 0.

    Raises:
        ConfigError: no objective is switched on.
    """
    switched_on = {
        name: objective
        for name, objective in objectives.items()
        if objective is not None and objective.weight > 0
    }
    if not switched_on:
        raise ConfigError(
            "objectives",
            "none has a weight above 0",
            "Switch one on, such as tcm.weight=0.5",
            code="TLN-CONFIG-501",
        )
    return switched_on


def state_requests(objectives: Mapping[str, Objective], encoder: EncoderLike) -> StateRequests:
    """The states that the objectives read together.

    Raises:
        ConfigError: the encoder has no such layer.
    """
    requests: StateRequests = set()
    for name, objective in objectives.items():
        with section(name):
            requests |= objective.reads(encoder)
    return requests


def batch_needs(objectives: Mapping[str, Objective], encoder: Encoder) -> BatchNeeds:
    """The needs of all objectives beside token ids.

    Raises:
        ConfigError: two of them need the same field with different settings.
    """
    requests = state_requests(objectives, encoder)
    fields: dict[BatchField, None] = {}  # a set that keeps the order
    for objective in objectives.values():
        fields.update(dict.fromkeys(objective.fields(encoder)))
    masked_input = any(request.input != CLEAN for request in requests)
    return BatchNeeds(masked_input, tuple(fields))


def combine(
    objectives: Mapping[str, Objective], encoded: EncodedPairs
) -> tuple[Tensor, dict[str, Tensor]]:
    """The total loss, ``Σ weight · Σ terms``, and every unweighted term by name."""
    terms: dict[str, Tensor] = {}
    total = torch.zeros((), device=encoded.batch[PAIR_INDEX].device)
    for objective in objectives.values():
        own_terms = objective(encoded)
        total = total + objective.weight * torch.stack(list(own_terms.values())).sum()
        terms.update(own_terms)
    return total, terms


@torch.no_grad()
def weighted_pair_losses(objectives: Mapping[str, Objective], encoded: EncodedPairs) -> Tensor:
    """(B,) float32, the weighted sum over objectives of each pair's loss; NaN for a pair to which
    one gives no loss. Objectives whose loss is not one of pairs are left out.
    """
    total = torch.zeros(encoded.pairs, device=encoded.batch[PAIR_INDEX].device)
    for objective in objectives.values():
        losses = objective.pair_losses(encoded)
        if losses is not None:
            total = total + objective.weight * losses
    return total
