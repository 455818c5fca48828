"""Is the difference between two sides real? Paired tests over queries, with intervals and a
correction for many languages, as pure functions of arrays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import bdtr

from transliconet.probe.paired_bootstrap import (
    SAMPLES,
    TIE,
    PairedScores,
    batch_sizes,
    bootstrap_differences,
    bootstrap_p,
    number_of_ids,
    percentile_interval,
)

FLIPS = 9999
"""Number of random sign flips of a permutation test; the smallest p-value is 1 / (1 + FLIPS)."""
DECIMALS = 12
"""Contributions that agree up to here have the same size."""
LEVEL = 0.05
"""A difference with an adjusted p-value of this or more is within noise."""


@dataclass(frozen=True)
class Effect:
    """A difference of mean scores, and whether it is real.

    Args:
        baseline, other: mean scores, each language counting the same.
        ci95: 95 % interval of ``other - baseline``.
        p: p-value of no difference.
        p_adjusted: the same, corrected for the number of rows that are tested together.
        languages, queries: number of each.
    """

    baseline: float
    other: float
    ci95: tuple[float, float]
    p: float
    p_adjusted: float
    languages: int
    queries: int

    @property
    def difference(self) -> float:
        return self.other - self.baseline

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``within noise``."""
        if self.p_adjusted >= LEVEL:
            return "within noise"
        return "better" if self.difference > 0 else "worse"


def paired_effect(scores: Sequence[PairedScores], samples: int = SAMPLES, seed: int = 0) -> Effect:
    """The difference of the means over some languages.

    The interval is that of :func:`transliconet.probe.paired_bootstrap.bootstrap_differences`. The
    p-value is of :func:`mcnemar` for one language and hits, of :func:`sign_flip_test` for several
    languages or reciprocal ranks, and of
    :func:`transliconet.probe.paired_bootstrap.bootstrap_p` where a side has several runs, whose
    seeds count as well, and for ratios of sums.

    Args:
        scores: of each language.
        samples: of the bootstrap.
        seed: of everything random.
    """
    draws = bootstrap_differences(scores, samples, seed)  # (samples, L)
    means = np.nanmean(draws, axis=1)  # (samples,)
    p = _p_value(scores, means, seed)
    return Effect(
        baseline=float(np.mean([of_language.means[0] for of_language in scores])),
        other=float(np.mean([of_language.means[1] for of_language in scores])),
        ci95=percentile_interval(means),
        p=p,
        p_adjusted=p,
        languages=len(scores),
        queries=sum(len(of_language.ids) for of_language in scores),
    )


def correct_effects(effects: Mapping[str, Effect], overall: str = "all") -> dict[str, Effect]:
    """The effects with p-values that :func:`holm` corrects for their number.

    Args:
        effects: by name.
        overall: the name of an effect that is a question of its own, and is not corrected.
    """
    tested = [name for name in effects if name != overall]
    adjusted = holm([effects[name].p for name in tested])
    corrected = dict(effects)
    for name, p_adjusted in zip(tested, adjusted, strict=True):
        corrected[name] = replace(effects[name], p_adjusted=p_adjusted)
    return corrected


def _p_value(scores: Sequence[PairedScores], draws: np.ndarray, seed: int) -> float:
    ratios = any(of_language.wholes is not None for of_language in scores)
    if ratios or any(of_language.runs != (1, 1) for of_language in scores):
        return bootstrap_p(draws)
    first = scores[0]
    both = np.concatenate([first.baseline, first.other])  # (2, N)
    if len(scores) == 1 and np.isin(both, (0, 1)).all():
        return mcnemar(both[0], both[1])
    return sign_flip_test(contributions(scores), seed=seed)


def mcnemar(baseline: np.ndarray, other: np.ndarray) -> float:
    """McNemar's test in its exact form (McNemar 1947; Dror et al. 2018, ACL).

    Only queries that one side alone finds say anything. Let b be those of the baseline, c those of
    the other. Without a difference each is as likely as the other, so that b is binomial:

        p = min(1, 2 · P(X ≤ min(b, c))),   X ~ Bin(b + c, 1/2)

    Args:
        baseline: (N,) 1 where the query is a hit, otherwise 0.
        other: (N,) the same of the other side.

    Returns:
        The two-sided p-value.
    """
    only_baseline = int(((baseline == 1) & (other == 0)).sum())
    only_other = int(((baseline == 0) & (other == 1)).sum())
    fewer, discordant = min(only_baseline, only_other), only_baseline + only_other
    if discordant == 0:
        return 1.0
    return float(min(1.0, 2 * bdtr(fewer, discordant, 0.5)))


def contributions(scores: Sequence[PairedScores]) -> np.ndarray:
    """What each id adds to the mean over languages of the differences,

        c_i = Σ_l d_li / (L · N_l)

    over the languages l that have it; N_l is their number of queries. The sum of all c_i is the
    difference itself.

    Returns:
        (I,) float64, an entry for each id.
    """
    number = number_of_ids(scores)
    total = np.zeros(number)
    for of_language in scores:
        weight = 1 / (len(scores) * len(of_language.ids))
        total += weight * np.bincount(of_language.ids, of_language.differences, number)
    return total


def sign_flip_test(values: np.ndarray, flips: int = FLIPS, seed: int = 0) -> float:
    """Paired permutation test (Fisher's randomization test; Dror et al. 2018, ACL).

    Without a difference the sides may be exchanged at any query, which flips the sign of its
    contribution. With T = |Σ c_i| and T* the same after random flips,

        p = (1 + #{T* ≥ T}) / (1 + flips)

    (Phipson & Smyth 2010: counting the data itself, p is never 0).

    Args:
        values: (I,) contributions c_i.
        flips: number of random assignments of signs.
        seed: of the assignments.

    Returns:
        The two-sided p-value.
    """
    observed = abs(float(values.sum()))
    # Among m equal sizes, the number that keep their sign is binomial: no sign need be drawn.
    sizes, counts = np.unique(np.abs(values).round(DECIMALS), return_counts=True)  # (K,) each
    rng = np.random.default_rng(seed)
    as_large = 0
    for batch in batch_sizes(flips, len(sizes)):
        kept = rng.binomial(counts, 0.5, (batch, len(counts)))  # (batch, K)
        sums = (2 * kept - counts) @ sizes  # (batch,)
        as_large += int((np.abs(sums) >= observed - TIE).sum())
    return (1 + as_large) / (1 + flips)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the chance of any false finding below the level (Holm 1979).

    With the m p-values in ascending order,

        p̃_(i) = max_{j ≤ i} min(1, (m − j + 1) · p_(j))
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
