"""Dynamic gradient alignment: shares of languages by the agreement of their gradients with those of
target languages.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from transliconet.data.datamodule import PairsDataModule
from transliconet.errors import ConfigError, Option
from transliconet.train.language_loss import LanguageLosses
from transliconet.train.mixing import OnlineMixing


@dataclass(eq=False)
class GradientAlignment(OnlineMixing):
    r"""Exponentiated gradient on the agreement of gradients (DGA; Fan et al., 2024,
    arXiv 2410.02498, algorithm 1).

    With :math:`g_l` the gradient of the loss on pairs of language l, and g that on pairs of the
    target languages, the step is

    .. math:: p_l \leftarrow p_l \, \exp(\eta \langle g_l, g \rangle)

    every ``every_n_batches`` batches. Here the inner products are relative to the largest.

    Args:
        target: tags of the languages whose loss should fall; None: all, each as important as the
            others.
        every_n_batches, eta, least, ema, pairs: see
            :class:`transliconet.train.mixing.OnlineMixing`.
    """

    target: Sequence[str] | None = None

    def bind(self, data: PairsDataModule) -> None:
        super().bind(data)
        self._require_target(data.text.languages)

    def begin(self, shares: Tensor, measure: LanguageLosses) -> None:
        self._require_target(measure.tags)  # a language may have no pair that is trained on

    def _require_target(self, languages: Sequence[str]) -> None:
        for tag in self.target or ():
            if tag not in languages:
                raise ConfigError(
                    Option("target", list(self.target or ())),
                    f"there is no training pair of {tag}",
                    f"There are pairs of {', '.join(languages)}",
                    code="TLN-CONFIG-811",
                ).in_section("mixing")

    def update(self, shares: Tensor, measure: LanguageLosses) -> Tensor:
        turn = self.batches // self.every_n_batches
        target = list(self.target) if self.target is not None else measure.tags
        return self.improved(shares, measure.alignments(target, turn))
