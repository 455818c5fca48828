"""How often the pairs of each language are drawn: by weights, by an exponent, or as an online
method decides while the encoder is trained.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from transliconet.errors import ConfigError, Option, require_range

Alpha = float | Sequence[float]
"""An exponent, or several: from the beginning of the run to its end."""


def exponents(alpha: Alpha) -> list[float]:
    """The exponents of a schedule; a single number is one that stays.

    Raises:
        ConfigError: one of them is not between 0 and 1.
    """
    several = isinstance(alpha, Sequence) and not isinstance(alpha, str)
    values = list(alpha) if several else [alpha]  # type: ignore[arg-type,list-item]
    for value in values or [alpha]:
        require_range("alpha", value, least=0, most=1)
    return values  # type: ignore[return-value]


class Mixture:
    r"""The share of each language among the pairs that are drawn.

    With :math:`n_l` the training pairs of language :math:`l`, :math:`w_l` its weight and
    :math:`\alpha` the exponent when a part :math:`t` of the run is done, it is

    .. math:: p_l \propto w_l \, n_l^{\alpha(t)}

    This is the exponent of :class:`transliconet.corpus.sampling.Sampling` (Conneau and Lample,
    2019). That an exponent may fall during the run, so that rare languages come late, is from
    mmBERT (Marone et al., 2025, arXiv 2509.06888, section 3), which lowers it from 0.7 by 0.5 to
    0.3, in steps; here it is linear between evenly spaced points.

    Args:
        pairs: language → its number of training pairs; languages without any are left out.
        weights: language → how often its pairs are drawn relative to those of a language of
            weight 1, which all others have.
        alpha: 1 draws every pair equally often but for the weights, 0 every language.

    Raises:
        ConfigError: a weight is of a language without pairs, or not above 0, or an exponent is not
            between 0 and 1.

    >>> mixture = Mixture({"hin_Deva": 900, "kat_Geor": 100}, {"kat_Geor": 3.0})
    >>> mixture.shares()
    {'hin_Deva': 0.75, 'kat_Geor': 0.25}
    >>> Mixture({"hin_Deva": 900, "kat_Geor": 100}, alpha=[1.0, 0.0]).shares(progress=0.5)
    {'hin_Deva': 0.75, 'kat_Geor': 0.25}
    """

    def __init__(
        self,
        pairs: Mapping[str, int],
        weights: Mapping[str, float] | None = None,
        alpha: Alpha = 1.0,
    ) -> None:
        self.pairs = {language: number for language, number in pairs.items() if number}
        self.weights = dict(weights or {})
        self.exponents = exponents(alpha)
        self.online: Mapping[str, float] | None = None
        """Shares that an online method has chosen; None: those of the equation."""
        require_languages(self.weights, self.pairs)

    @property
    def is_scheduled(self) -> bool:
        """Whether the shares depend on how much of the run is done."""
        return len(set(self.exponents)) > 1

    def shares(self, progress: float = 0.0) -> dict[str, float]:
        """Language → its share, in sum 1.

        Args:
            progress: how much of the run is done, from 0 to 1.
        """
        if self.online is not None:
            return dict(self.online)
        points = np.linspace(0, 1, len(self.exponents))
        alpha = float(np.interp(progress, points, self.exponents))
        amounts = {}
        for language, number in self.pairs.items():
            amounts[language] = self.weights.get(language, 1.0) * number**alpha
        total = sum(amounts.values())
        return {language: amount / total for language, amount in amounts.items()}


def require_languages(weights: Mapping[str, float], languages: Collection[str]) -> None:
    """Check weights of languages.

    Args:
        weights: language → weight.
        languages: those that there are.

    Raises:
        ConfigError: a weight is of another language, or not above 0.
    """
    for language, weight in weights.items():
        if language not in languages:
            raise ConfigError(
                Option("weights", dict(weights)),
                f"there is no training pair of {language}",
                f"There are pairs of {', '.join(languages)}",
                code="TLN-CONFIG-328",
            )
        require_range(f"weights.{language}", weight, above=0)
