"""The paired bootstrap: how much a difference of two sides might vary with other queries and other
training runs. Pure functions of arrays.

A *side* is what is compared: one measurement, or the runs of one recipe with several seeds. Both
sides answer the same queries. What is drawn is the id of a query: an id that several languages
share is the same meaning, so that its scores are not independent of each other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

SAMPLES = 2000
"""Number of bootstrap samples in a report."""
TIE = 1e-9
"""Means of scores that differ by less are equal."""
MOST_DRAWS = 4_000_000
"""Numbers that are drawn at a time, to limit memory."""


@dataclass(frozen=True)
class PairedScores:
    """Scores of both sides for the queries of one language.

    Args:
        ids: (N,) number of each query's id, from 0; the same in every language.
        baseline: (R, N) scores of the R runs of the one side, in 0 … 1.
        other: (S, N) scores of the S runs of the other side.
        wholes: of a metric that is a ratio of sums, such as F1: what the scores of the baseline and
            of the other side are parts of, of the same shapes; the metric of a run is the sum of
            its scores by the sum of its wholes. None: a metric is the mean of its scores.
    """

    ids: np.ndarray
    baseline: np.ndarray
    other: np.ndarray
    wholes: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def runs(self) -> tuple[int, int]:
        """Number of runs of each side."""
        return len(self.baseline), len(self.other)

    @property
    def means(self) -> tuple[float, float]:
        """The metric of each side, the mean over its runs."""
        if self.wholes is None:
            return float(self.baseline.mean()), float(self.other.mean())
        sides = []
        for parts, wholes in zip((self.baseline, self.other), self.wholes, strict=True):
            sides.append(float(ratio(parts.sum(1), wholes.sum(1)).mean()))
        return sides[0], sides[1]

    @property
    def differences(self) -> np.ndarray:
        """(N,) other − baseline, means over the runs of a side."""
        return np.asarray(self.other.mean(0) - self.baseline.mean(0))


def ratio(parts: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """Parts by wholes; 0 where there is no whole, as an F1 without any entity."""
    return np.divide(parts, wholes, out=np.zeros(np.shape(parts)), where=wholes > 0)


def number_of_ids(scores: Sequence[PairedScores]) -> int:
    """One more than the largest number of an id in any language."""
    return max(int(of_language.ids.max()) for of_language in scores) + 1


def bootstrap_differences(
    scores: Sequence[PairedScores], samples: int = SAMPLES, seed: int = 0
) -> np.ndarray:
    """Paired bootstrap of other − baseline, in every language at once (Efron & Tibshirani 1993;
    Koehn 2004).

    A sample draws runs first, from each side by itself, and then ids, both with replacement. The
    drawn ids are the same for every run, side and language, since all answer the same queries: the
    pigeonhole bootstrap of crossed factors (Owen 2007). With one run a side, only ids are drawn.
    With w_i how often id i was drawn, and u_r, v_s how often runs were, as shares:

        Δ*_l = Σ_i w_i (Σ_s v_s B_lsi − Σ_r u_r A_lri) / Σ_i w_i

    Args:
        scores: of L languages.
        samples: number of bootstrap samples.
        seed: of the draws.

    Returns:
        (samples, L) differences; NaN where no id of a language was drawn.
    """
    patterns, counts = _patterns(scores)  # (K,) ids that stand for a pattern, (K,) ids that have it
    rng = np.random.default_rng(seed)
    baseline_runs, other_runs = scores[0].runs
    draws = np.full((samples, len(scores)), np.nan)
    start = 0
    for size in batch_sizes(samples, len(patterns)):
        weights = _draw(rng, counts, size)  # (size, K)
        of_baseline = _draw(rng, np.ones(baseline_runs, int), size) / baseline_runs  # (size, R)
        of_other = _draw(rng, np.ones(other_runs, int), size) / other_runs  # (size, S)
        for place, of_language in enumerate(scores):
            columns, queries = _queries_of(patterns, of_language)  # (K',) each
            drawn = weights[:, columns]  # (size, K')
            total = drawn.sum(1)  # (size,)
            rows = np.flatnonzero(total)
            if of_language.wholes is not None:
                shares = (of_baseline, of_other)
                found = _ratio_differences(of_language, drawn, queries, shares)
                draws[start + rows, place] = found[rows]
                continue
            found = ((drawn @ of_language.other[:, queries].T) * of_other).sum(1)
            found -= ((drawn @ of_language.baseline[:, queries].T) * of_baseline).sum(1)
            draws[start + rows, place] = found[rows] / total[rows]
        start += size
    return draws


def _ratio_differences(
    of_language: PairedScores,
    drawn: np.ndarray,
    queries: np.ndarray,
    shares: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """(size,) other − baseline of a ratio of sums.

    Args:
        of_language: with wholes.
        drawn: (size, K') how often each query is drawn.
        queries: (K',) of them.
        shares: (size, R) and (size, S), how often each run of a side is drawn.
    """
    assert of_language.wholes is not None
    sides = []
    for parts, wholes, share in zip(
        (of_language.baseline, of_language.other), of_language.wholes, shares, strict=True
    ):
        of_runs = ratio(drawn @ parts[:, queries].T, drawn @ wholes[:, queries].T)  # (size, R)
        sides.append((of_runs * share).sum(1))
    return np.asarray(sides[1] - sides[0])


def _patterns(scores: Sequence[PairedScores]) -> tuple[np.ndarray, np.ndarray]:
    """Ids with the same scores in the same languages are one pattern.

    Hits have few distinct patterns. Drawing ids with replacement is a multinomial draw of how often
    each pattern comes, which is much quicker.

    Returns:
        (K,) an id of each pattern, and (K,) how many ids have it.
    """
    number = number_of_ids(scores)
    present = np.zeros(number, bool)
    codes = np.zeros(number, np.int64)
    for of_language in scores:
        present[of_language.ids] = True
        both = np.concatenate(
            [of_language.baseline, of_language.other, *(of_language.wholes or ())]
        )  # (R + S, N), or twice as many rows
        _, columns = np.unique(both, axis=1, return_inverse=True)
        own = np.zeros(number, np.int64)
        own[of_language.ids] = columns.reshape(-1) + 1  # 0: the language does not have this id
        _, codes = np.unique(codes * (own.max() + 1) + own, return_inverse=True)
    ids = np.flatnonzero(present)
    _, first, counts = np.unique(codes[ids], return_index=True, return_counts=True)
    return ids[first], counts


def _queries_of(patterns: np.ndarray, of_language: PairedScores) -> tuple[np.ndarray, np.ndarray]:
    """The patterns that a language has: their columns, and the query that stands for each."""
    lookup = np.full(max(patterns.max(), of_language.ids.max()) + 1, -1)
    lookup[of_language.ids] = np.arange(len(of_language.ids))
    queries = lookup[patterns]  # (K,)
    columns = np.flatnonzero(queries >= 0)
    return columns, queries[columns]


def _draw(rng: np.random.Generator, counts: np.ndarray, samples: int) -> np.ndarray:
    """(samples, K) how often each of K kinds comes when as many things are drawn as there are."""
    number = int(counts.sum())
    return rng.multinomial(number, counts / number, samples).astype(np.float64)


def batch_sizes(total: int, width: int) -> Iterator[int]:
    """Sizes that add up to ``total``, so that no batch has more than MOST_DRAWS numbers."""
    size = max(1, MOST_DRAWS // max(width, 1))
    for start in range(0, total, size):
        yield min(size, total - start)


def percentile_interval(draws: np.ndarray) -> tuple[float, float]:
    """The 2.5th and 97.5th percentiles of bootstrap samples."""
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return float(low), float(high)


def bootstrap_p(draws: np.ndarray) -> float:
    """The two-sided p-value that belongs to the percentile interval: the smallest α whose interval
    leaves 0 out (Efron & Tibshirani 1993, chapter 15).

        p = min(1, 2 · (1 + min(#{Δ* ≤ 0}, #{Δ* ≥ 0})) / (1 + samples))
    """
    draws = draws[np.isfinite(draws)]
    fewer = min(int((draws <= TIE).sum()), int((draws >= -TIE).sum()))
    return min(1.0, 2 * (1 + fewer) / (1 + len(draws)))
