"""Aioli: shares of languages by how much training on each lowers the losses of all."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from transliconet.errors import require_range
from transliconet.train.language_loss import LanguageLosses
from transliconet.train.mixing import OnlineMixing


def perturbed(shares: Tensor, strength: float) -> Tensor:
    r"""A mixture for each language that has more of it.

    .. math:: p^{(j)} = (1 - \epsilon) \, p + \epsilon \, e_j

    Args:
        shares: (L,), :math:`p`, in sum 1.
        strength: :math:`\epsilon`, above 0.

    Returns:
        (L, L): row j is the mixture of language j.

    >>> perturbed(torch.tensor([0.5, 0.5]), 0.5)
    tensor([[0.7500, 0.2500],
            [0.2500, 0.7500]])
    """
    own = torch.eye(len(shares), dtype=shares.dtype)  # (L, L)
    return (1 - strength) * shares.expand(len(shares), -1) + strength * own


def interactions(mixtures: Tensor, decreases: Tensor) -> Tensor:
    r"""How much training on each language lowers the loss of each (linear dynamic mixing law; Chen
    et al., 2024, arXiv 2411.05735, section 3).

    If the decrease of loss i is :math:`\sum_j A_{ij} p_j` when a step is trained by the mixture p,
    A follows from as many mixtures as there are languages.

    Args:
        mixtures: (L, L), row k the shares of mixture k; of full rank.
        decreases: (L, L), row k the decreases of all losses under mixture k.

    Returns:
        (L, L): :math:`A`, row i of the loss, column j of the language that is trained on.

    >>> influence = torch.tensor([[2.0, 0.0], [1.0, 3.0]])
    >>> mixtures = perturbed(torch.tensor([0.5, 0.5]), 0.5)
    >>> interactions(mixtures, mixtures @ influence.T)
    tensor([[2., 0.],
            [1., 3.]])
    """
    return torch.linalg.solve(mixtures, decreases).T


@dataclass(eq=False)
class Aioli(OnlineMixing):
    r"""Exponentiated gradient on influences that are measured in short perturbed mixtures (Chen et
    al., 2024, arXiv 2411.05735, algorithm 1).

    In a period, each of the L languages gets more than its share for ``every_n_batches`` batches,
    in random order, and the losses of all languages are measured before and after. So the
    measurements train, too. From the changes follows the influence A of each language on each loss,
    and :math:`p_j \leftarrow p_j \exp(\eta \sum_i A_{ij})`. The rest of the period is trained by
    the new mixture. The paper measures on validation data; here the losses are those of some
    training pairs, the current mixture is perturbed, and the sums are relative to the largest.

    Args:
        strength: how far a perturbed mixture goes towards one language.
        estimating: share of a period in which mixtures are perturbed.
        every_n_batches, eta, least, ema, pairs: see
            :class:`transliconet.train.mixing.OnlineMixing`.
    """

    strength: float = 0.5
    estimating: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range("strength", self.strength, above=0, most=1)
        require_range("estimating", self.estimating, above=0, most=1)

    def begin(self, shares: Tensor, measure: LanguageLosses) -> None:
        self._begin_period(0, len(shares), measure)

    def update(self, shares: Tensor, measure: LanguageLosses) -> Tensor:
        memory, languages = self.memory, len(shares)
        part = memory["part"]
        memory["part"] += 1
        if part < languages:
            losses = measure.losses()
            before = torch.tensor(memory["losses"], dtype=torch.float64)
            memory["decreases"].append((before - losses).tolist())
            memory["losses"] = losses.tolist()
        if part == languages - 1:
            order = torch.tensor(memory["order"])
            mixtures = perturbed(shares, self.strength)[order]  # (L, L)
            decreases = torch.tensor(memory["decreases"], dtype=torch.float64)  # (L, L)
            shares = self.improved(shares, interactions(mixtures, decreases).sum(0))
        if memory["part"] >= round(languages / self.estimating):
            self._begin_period(memory["period"] + 1, languages, measure)
        return shares

    def drawn(self, shares: Tensor) -> Tensor:
        part = self.memory["part"]
        if part >= len(shares):
            return shares
        return perturbed(shares, self.strength)[self.memory["order"][part]]

    def _begin_period(self, number: int, languages: int, measure: LanguageLosses) -> None:
        # losses fall fastest at first: no language comes first in every period
        order = np.random.default_rng(number).permutation(languages)
        self.memory.update(
            period=number,
            part=0,
            order=order.tolist(),
            losses=measure.losses().tolist(),
            decreases=[],
        )
