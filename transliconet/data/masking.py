"""Masking for the masked language model (Devlin et al., 2019, section 3.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from transliconet.batch import IGNORE
from transliconet.errors import ConfigError, Option, require_choice, require_range
from transliconet.tokens.padding import Vocabulary

TOKEN, WORD, ONE_OF_WORD = "token", "word", "one_of_word"
UNITS = (TOKEN, WORD, ONE_OF_WORD)
RARE = "rare"
"""Value of :attr:`Masking.spans` for words weighted by their rarity."""


@dataclass(frozen=True)
class Masking:
    """How masked input is made. The defaults are BERT's.

    Args:
        probability: share of the ordinary tokens that are to be predicted; or two shares, at the
            beginning and at the end of the run, linear in between.
        mask_share: of these, the share replaced by ``<mask>``.
        random_share: of these, the share replaced by a random ordinary token; the rest stays as it
            is.
        unit: what is predicted or not as a whole: a ``token``; a ``word`` (whole word masking, as
            in MuRIL, arXiv 2103.10730); or ``one_of_word``, one token of a word, so that the others
            remain as context (Linguistic Entity Masking, arXiv 2501.05700). The share of tokens is
            the same for all (:func:`unit_probabilities`).
        spans: where tokens are predicted: None, anywhere; ``rare``, anywhere, but rare units more
            often (:mod:`transliconet.data.masking_units`); or a file of spans that a tagger has
            found (:func:`transliconet.tokens.spans.read_spans`), only there. A span is then one
            word.

    Raises:
        ConfigError: a share is not between 0 and 1, or the unit is unknown.
    """

    probability: float | Sequence[float] = 0.15
    mask_share: float = 0.8
    random_share: float = 0.1
    unit: str = TOKEN
    spans: str | Path | None = None

    def __post_init__(self) -> None:
        for value in self._ends:
            require_range("probability", value, least=0, most=1)
        for name in ("mask_share", "random_share"):
            require_range(name, getattr(self, name), least=0, most=1)
        require_choice("unit", self.unit, UNITS)
        if len(self._ends) != 2:
            raise ConfigError(
                Option("probability", self.probability),
                "a schedule has two shares, at the beginning and at the end",
                "Give one number, or two, [0.3, 0.05]",
                code="TLN-CONFIG-325",
            )
        if self.mask_share + self.random_share > 1:
            raise ConfigError(
                Option("mask_share", self.mask_share),
                f"more than 1 together with random_share={self.random_share}",
                "Lower one: the rest is the share of predicted tokens that keep their id",
                code="TLN-CONFIG-322",
            )

    @property
    def _ends(self) -> Sequence[float]:
        """The shares at the beginning and at the end of the run."""
        several = isinstance(self.probability, Sequence) and not isinstance(self.probability, str)
        return self.probability if several else [self.probability] * 2  # type: ignore[return-value,list-item]

    @property
    def is_scheduled(self) -> bool:
        """Whether the share changes during the run."""
        first, last = self._ends
        return first != last

    def probability_at(self, progress: float) -> float:
        r"""The share of predicted tokens when a part of the run is done (masking ratio decay; Yang
        et al., 2023, arXiv 2208.10806).

        .. math:: p(t) = p_0 + (p_1 - p_0) \, t

        Args:
            progress: t, from 0 to 1.

        >>> round(Masking(probability=[0.3, 0.05]).probability_at(0.5), 3)
        0.175
        """
        first, last = self._ends
        return first + (last - first) * progress


class Units(NamedTuple):
    """What is predicted or not as a whole in N rows.

    Args:
        numbers: (N, L) int64, the unit of its row that each token belongs to; -1 at tokens that are
            never predicted.
        weights: (N, L) float64 weight of each token's unit; the same for all tokens of a unit.
    """

    numbers: Tensor
    weights: Tensor

    @classmethod
    def single_tokens(cls, shape: torch.Size) -> "Units":
        """Each token is a unit, and all are alike."""
        numbers = torch.arange(shape[1]).expand(shape)
        return cls(numbers, torch.ones(shape, dtype=torch.float64))


class _Slots(NamedTuple):
    """Units as slots, to gather and scatter by.

    Args:
        candidate: (N, L) bool, True at tokens that may be predicted.
        slot: (N, L) int64, the unit of each candidate; all other tokens share the last slot.
        number: of slots, U.
    """

    candidate: Tensor
    slot: Tensor
    number: int

    @classmethod
    def from_units(cls, units: Units, content_mask: Tensor) -> "_Slots":
        candidate = content_mask & (units.numbers >= 0)
        number = int(units.numbers.max()) + 2 if units.numbers.numel() else 1
        return cls(candidate, units.numbers.masked_fill(~candidate, number - 1), number)

    def reduce(self, values: Tensor, reduction: str) -> Tensor:
        """(N, L) values → (N, L): at each token the sum, amin or amax over its unit."""
        of_units = values.new_zeros(len(values), self.number)
        of_units.scatter_reduce_(1, self.slot, values, reduction, include_self=False)
        return of_units.gather(1, self.slot)


def unit_probabilities(
    units: Units, content_mask: Tensor, probability: float, one_token: bool = False
) -> Tensor:
    r"""How likely each unit is chosen, so that the expected share of predicted tokens is p.

    With T the content tokens of a row, and for each of its units u a weight :math:`w_u` and the
    number of its tokens that are predicted when it is chosen, :math:`m_u`,

    .. math:: p_u = \min\Big(1, \frac{p \, T \, w_u}{\sum_v m_v w_v}\Big)

    It is p for tokens and whole words of equal weight. Where the bound of 1 is reached, fewer
    tokens are predicted.

    Args:
        units: of N rows.
        content_mask: (N, L) bool, True at tokens that may be chosen.
        probability: p.
        one_token: whether :math:`m_u` is 1 rather than the number of the unit's tokens.

    Returns:
        (N, L) float32, the probability of each token's unit; 0 at tokens that are in none.

    >>> units = Units(torch.tensor([[0, 0, 1]]), torch.ones(1, 3, dtype=torch.float64))
    >>> unit_probabilities(units, torch.ones(1, 3, dtype=torch.bool), 0.2, one_token=True)
    tensor([[0.3000, 0.3000, 0.3000]])
    """
    slots = _Slots.from_units(units, content_mask)
    # summed over tokens, these are Σ m_v w_v
    shares = units.weights.masked_fill(~slots.candidate, 0)  # (N, L)
    if one_token:
        sizes = slots.reduce(torch.ones_like(shares), "sum")  # (N, L)
        shares = shares / sizes
    tokens = content_mask.sum(1, keepdim=True)  # (N, 1)
    ratios = tokens * units.weights / shares.sum(1, keepdim=True)  # (N, L)
    chances = (probability * ratios).clamp(max=1).masked_fill(~slots.candidate, 0)
    return chances.float()


def mask_tokens(
    input_ids: Tensor,
    content_mask: Tensor,
    vocabulary: Vocabulary,
    masking: Masking,
    generator: torch.Generator | None = None,
    *,
    units: Units | None = None,
    progress: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Choose tokens to predict, and hide them.

    Args:
        input_ids: (N, L) int64 token ids.
        content_mask: (N, L) bool, True at tokens that may be chosen (neither special nor padding).
        vocabulary: has the id of ``<mask>``, and the ordinary ids that a random token is drawn
            from.
        masking: the shares.
        generator: source of randomness; the same state gives the same masks.
        units: what is chosen as a whole; None: single tokens.
        progress: how much of the run is done, from 0 to 1.

    Returns:
        (N, L) ids after masking, and (N, L) labels: the original id at chosen positions,
        :data:`transliconet.batch.IGNORE` elsewhere.
    """
    shape = input_ids.shape
    units = units or Units.single_tokens(shape)
    one_token = masking.unit == ONE_OF_WORD
    probability = masking.probability_at(progress)
    chances = unit_probabilities(units, content_mask, probability, one_token)  # (N, L)
    slots = _Slots.from_units(units, content_mask)
    # all tokens of a unit have the draw of its first one
    draws = torch.rand(shape, generator=generator)  # (N, L)
    positions = torch.arange(shape[1]).expand(shape)
    draws = draws.gather(1, slots.reduce(positions, "amin"))
    predicted = draws < chances
    # one draw for each token decides between <mask>, a random token and the token itself
    action = torch.rand(shape, generator=generator)  # (N, L)
    ordinary = vocabulary.ordinary_ids  # (V',)
    random_ids = ordinary[torch.randint(len(ordinary), shape, generator=generator)]  # (N, L)
    if one_token:
        lots = torch.rand(shape, generator=generator)  # (N, L)
        predicted &= lots == slots.reduce(lots, "amax")
    to_mask = predicted & (action < masking.mask_share)
    replaced = action < masking.mask_share + masking.random_share
    to_random = predicted & ~to_mask & replaced
    masked_ids = input_ids.masked_fill(to_mask, vocabulary.mask_id)
    masked_ids = torch.where(to_random, random_ids, masked_ids)
    labels = input_ids.masked_fill(~predicted, IGNORE)
    return masked_ids, labels
