"""What an objective is, and how several are summed."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from transliconet.batch import PAIR_INDEX
from transliconet.errors import ConfigError
from transliconet.model.encoder import EncoderLike
from transliconet.objectives.encode import EncodedPairs, Reads


class Objective(Protocol):
    """One weighted part of the training loss."""

    @property
    def weight(self) -> float: ...
    @property
    def native_share(self) -> float:
        """Share of a batch's pairs whose native row it needs; what no objective needs is not
        computed.
        """
        ...

    def reads(self, encoder: EncoderLike) -> Reads:
        """The states it needs. Raises ConfigError for a layer that the encoder does not have."""
        ...

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        """Its unweighted terms by name, each a scalar; they are summed, then weighted."""
        ...


@runtime_checkable
class Contrastive(Protocol):
    """An objective with negatives."""

    def negatives_per_text(self, pairs: int) -> int:
        """Negatives of each text in a batch of ``pairs`` a process."""
        ...


def active(objectives: Mapping[str, Objective | None]) -> dict[str, Objective]:
    """The objectives that are switched on (not None, weight above 0).

    Raises:
        ConfigError: none is.
    """
    on = {name: o for name, o in objectives.items() if o is not None and o.weight > 0}
    if not on:
        raise ConfigError(
            "objective",
            "no objective has a weight above 0",
            "Switch one on, e.g. objective.tcm.weight=0.5",
            code="TLN-CONFIG-501",
        )
    return on


def combine(
    objectives: Mapping[str, Objective], encoded: EncodedPairs
) -> tuple[Tensor, dict[str, Tensor]]:
    """The total loss, ``Σ weight · Σ terms``, and every unweighted term by name."""
    terms: dict[str, Tensor] = {}
    total = torch.zeros((), device=encoded.batch[PAIR_INDEX].device)
    for objective in objectives.values():
        parts = objective(encoded)
        total = total + objective.weight * torch.stack(list(parts.values())).sum()
        terms.update(parts)
    return total, terms
