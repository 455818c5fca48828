"""What an objective is, what it reads, and how several are summed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from transliconet import keys
from transliconet.errors import ConfigError

MASKED, CLEAN, JOINED = "masked", "clean", "joined"
"""Kinds of input: rows with masked tokens, rows as they are, and both masked rows of a pair as one (:func:`join`)."""

Reads = set[tuple[str, int]]
"""(input, hidden layer) pairs: the states an objective needs."""


class EncoderLike(Protocol):
    """What objectives ask of the encoder."""

    @property
    def layers(self) -> int: ...
    def layer_number(self, layer: int | str, option: str = ...) -> int: ...
    def hidden_states(
        self, input_ids: Tensor, attention_mask: Tensor, layers: set[int], halves: int = 1
    ) -> dict[int, Tensor]: ...
    def vocabulary_logits(self, hidden: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class EncodedPairs:
    """A batch and the hidden states that the objectives asked for, (2B, L, H) each; of joined input (B, 2L, H).

    Where the objectives read the native view of ``native`` pairs only, batch and states hold the native rows of the
    first so many, then all B romanised rows.
    """

    batch: Mapping[str, Tensor]
    hidden: Mapping[tuple[str, int], Tensor]
    encoder: EncoderLike

    @property
    def pairs(self) -> int:
        """B."""
        return len(self.batch[keys.PAIR_INDEX])

    @property
    def native(self) -> int:
        """Pairs whose native row is there."""
        return len(self.batch[keys.INPUT_IDS]) - self.pairs


class Objective(Protocol):
    """One weighted part of the training loss."""

    @property
    def weight(self) -> float: ...
    @property
    def native_share(self) -> float:
        """Share of a batch's pairs whose native row it needs; what no objective needs is not computed."""
        ...

    def reads(self, encoder: EncoderLike) -> Reads:
        """The states it needs. Raises ConfigError for a layer that the encoder does not have."""
        ...

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        """Its unweighted terms by name, each a scalar; they are summed, then weighted."""
        ...


def active(objectives: Mapping[str, Objective | None]) -> dict[str, Objective]:
    """The objectives that are switched on (not None, weight above 0).

    Raises:
        ConfigError: none is.
    """
    on = {name: o for name, o in objectives.items() if o is not None and o.weight > 0}
    if not on:
        raise ConfigError(
            "objective", "no objective has a weight above 0", "Switch one on, e.g. objective.tcm.weight=0.5"
        )
    return on


def native_rows(pairs: int, share: float) -> int:
    """How many pairs of a batch have their native row computed: ``share`` of them, rounded up."""
    return math.ceil(pairs * share)


def without_natives(batch: Mapping[str, Tensor], native: int) -> dict[str, Tensor]:
    """The batch without the native rows of all pairs but the first ``native``, cut to the longest row that is left."""
    pairs = len(batch[keys.PAIR_INDEX])
    attention = batch[keys.ATTENTION_MASK]
    rows = torch.cat([torch.arange(native), torch.arange(pairs, 2 * pairs)]).to(attention.device)
    length = int(attention[rows].any(0).sum())
    return {k: v if k in keys.BY_PAIR else v[rows, :length] for k, v in batch.items()}


def layer_numbers(encoder: EncoderLike, layers: int | str | Sequence[int | str], option: str = "layer") -> list[int]:
    """One layer or several as indices of the hidden states, each once.

    Raises:
        ConfigError: the encoder has no such layer, or none is named.
    """
    several = layers if isinstance(layers, Sequence) and not isinstance(layers, str) else [layers]
    if not several:
        raise ConfigError(f"{option}=[]", "no layer", "Name one, e.g. 8, or several, [4, 8, last]")
    return list(dict.fromkeys(encoder.layer_number(layer, option) for layer in several))


def join(rows: Tensor) -> Tensor:
    """(2B, L) rows of both views → (B, 2L): each native row with its romanised row behind it."""
    pairs = len(rows) // 2
    return torch.cat([rows[:pairs], rows[pairs:]], dim=1)


def encode(encoder: EncoderLike, batch: Mapping[str, Tensor], reads: Reads, native_share: float = 1.0) -> EncodedPairs:
    """Run the encoder once per kind of input, over romanised rows and ``native_share`` of the native ones together."""
    pairs = len(batch[keys.PAIR_INDEX])
    if (native := native_rows(pairs, native_share)) < pairs:
        batch = without_natives(batch, native)
    hidden: dict[tuple[str, int], Tensor] = {}
    for kind in sorted({kind for kind, _ in reads}):
        layers = {layer for k, layer in reads if k == kind}
        ids, attention, halves = batch[keys.INPUT_IDS], batch[keys.ATTENTION_MASK], 1
        if kind != CLEAN:
            ids = batch[keys.MASKED_IDS]
        if kind == JOINED:
            ids, attention, halves = join(ids), join(attention), 2
        states = encoder.hidden_states(ids, attention, layers, halves)
        hidden.update({(kind, layer): state for layer, state in states.items()})
    return EncodedPairs(batch, hidden, encoder)


def combine(objectives: Mapping[str, Objective], encoded: EncodedPairs) -> tuple[Tensor, dict[str, Tensor]]:
    """The total loss, ``Σ weight · Σ terms``, and every unweighted term by name."""
    terms: dict[str, Tensor] = {}
    total = torch.zeros((), device=encoded.batch[keys.PAIR_INDEX].device)
    for objective in objectives.values():
        parts = objective(encoded)
        total = total + objective.weight * torch.stack(list(parts.values())).sum()
        terms.update(parts)
    return total, terms
