"""How two sets of vectors of the same sentences lie to each other: pure functions of arrays.

Row i of two sets is the same sentence, in two languages or two scripts. Every function takes (N, D)
arrays of any length of rows; they are normalized here, so similarity is the cosine.
"""

from dataclasses import dataclass

import numpy as np

from transliconet.errors import DataError
from transliconet.model.vectors import TIE, normalize


def _cosines(a: np.ndarray, b: np.ndarray, least: int = 2) -> np.ndarray:
    """(N, N) cosines of paired sets.

    Raises:
        DataError: sets of different sizes, fewer sentences than ``least``, NaN or infinite values.
    """
    if len(a) != len(b):
        raise DataError(
            f"{len(a)} and {len(b)} sentences",
            "not pairs",
            "Give the same sentences in the same order",
            code="TLN-DATA-600",
        )
    if len(a) < least:
        raise DataError(
            f"{len(a)} sentence(s)",
            "too few to compare",
            f"Give {least} or more",
            code="TLN-DATA-601",
        )
    scores: np.ndarray = normalize(a) @ normalize(b).T
    return scores


def mexa(a: np.ndarray, b: np.ndarray) -> float:
    r"""MEXA's alignment (Kargaran et al., 2024, arXiv 2410.05873, equation 1).

    .. math:: \frac{1}{N} \sum_i 1\!\left(c_{ii} > \max_{j \ne i} \{c_{ij}, c_{ji}\}\right)

    The share of sentences whose own pair is strictly the most similar of its row and of its column.

    >>> mexa(np.eye(3), np.eye(3))
    1.0
    """
    scores = _cosines(a, b)
    own = scores.diagonal().copy()
    np.fill_diagonal(scores, -np.inf)
    rivals = np.maximum(scores.max(1), scores.max(0))
    return float((own > rivals + TIE).mean())


def margin_scores(a: np.ndarray, b: np.ndarray, neighbours: int = 4) -> np.ndarray:
    r"""Ratio margin (Artetxe & Schwenk, 2019, equation 2): cosine against the mean of both sides'
    neighbourhoods.

    .. math:: \frac{\cos(x, y)}{\sum_{z \in NN_k(x)} \frac{\cos(x, z)}{2k} + \sum_{z \in NN_k(y)} \frac{\cos(y, z)}{2k}}

    Returns:
        (N, N) float32.
    """
    scores = _cosines(a, b)
    rows, columns = _neighbourhoods(scores, neighbours)
    return np.asarray(scores / ((rows[:, None] + columns[None]) / 2))


def csls_scores(a: np.ndarray, b: np.ndarray, neighbours: int = 10) -> np.ndarray:
    r"""Cross-domain similarity local scaling (Conneau et al., 2018, equation 3): :math:`2\cos(x,y)
    - r(x) - r(y)`.

    Returns:
        (N, N) float32.
    """
    scores = _cosines(a, b)
    rows, columns = _neighbourhoods(scores, neighbours)
    return np.asarray(2 * scores - rows[:, None] - columns[None])


def _neighbourhoods(scores: np.ndarray, neighbours: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean similarity of each row, and of each column, to its nearest on the other side."""
    k = min(neighbours, len(scores))
    return np.sort(scores, 1)[:, -k:].mean(1), np.sort(scores, 0)[-k:].mean(0)


def ranks_of(scores: np.ndarray) -> np.ndarray:
    """(N,) rank from 1 of each row's own column; ties count against it."""
    own = scores.diagonal()[:, None]
    ahead = scores >= own - TIE
    np.fill_diagonal(ahead, False)
    return np.asarray(1 + ahead.sum(1))


def alignment(a: np.ndarray, b: np.ndarray) -> float:
    r"""Mean squared distance of pairs, :math:`E \lVert x - y \rVert^2` (Wang & Isola, 2020,
    equation 1); 0 is best.
    """
    x, y = normalize(a), normalize(b)
    return float(((x - y) ** 2).sum(1).mean())


def uniformity(a: np.ndarray, temperature: float = 2.0) -> float:
    r"""Log of the mean Gaussian potential of all pairs (Wang & Isola, 2020, equation 2); lower is
    more spread out.

    .. math:: \log E_{x \ne y} \exp(-t \lVert x - y \rVert^2)
    """
    x = normalize(a)
    if len(x) < 2:
        raise DataError(
            f"{len(x)} sentence(s)", "too few to compare", "Give 2 or more", code="TLN-DATA-602"
        )
    distances = 2 - 2 * (x @ x.T)
    return float(np.log(np.exp(-temperature * distances[np.triu_indices(len(x), 1)]).mean()))


@dataclass(frozen=True)
class Hubness:
    """How unevenly candidates are found.

    ``skewness`` is that of how often each candidate is among the k nearest of a query (Radovanović
    et al., 2010); 0 if all are found alike. ``unfound`` is the share of candidates that no query
    finds, ``largest`` how often the most found one is.
    """

    skewness: float
    unfound: float
    largest: int


def hubness(queries: np.ndarray, candidates: np.ndarray, k: int = 10) -> Hubness:
    """:class:`Hubness` of ``candidates`` among ``queries``."""
    scores = normalize(queries) @ normalize(candidates).T
    k = min(k, scores.shape[1])
    nearest = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    found = np.bincount(nearest.ravel(), minlength=scores.shape[1]).astype(float)
    spread = found.std()
    skewness = float((((found - found.mean()) / spread) ** 3).mean()) if spread > 0 else 0.0
    return Hubness(skewness, float((found == 0).mean()), int(found.max()))


@dataclass(frozen=True)
class PairedSimilarity:
    """Mean cosine of sentences that ``matched`` and of all that do not, ``random``.

    The gap is what retrieval lives on. Measured between two languages in their own scripts and in
    romanization, these are the four similarities of arXiv 2409.17326, section 3.
    """

    matched: float
    random: float

    @property
    def gap(self) -> float:
        return self.matched - self.random


def paired_similarity(a: np.ndarray, b: np.ndarray) -> PairedSimilarity:
    """:class:`PairedSimilarity` of (N, D) sentences and their counterparts."""
    scores = _cosines(a, b)
    number, matched = len(scores), float(scores.trace())
    return PairedSimilarity(
        matched / number, (float(scores.sum()) - matched) / (number * (number - 1))
    )


def script_probe(
    native: np.ndarray, romanized: np.ndarray, folds: int = 5, ridge: float = 0.01, seed: int = 0
) -> float:
    """Can a linear classifier tell which script a vector comes from? Cross-validated accuracy; 0.5
    is best.

    A least-squares classifier with L2 penalty (``ridge`` times the mean variance), on vectors
    scaled to length 1. Both
    views of a sentence are in one fold: the classifier is tested on sentences that it has not seen.

    Raises:
        DataError: fewer sentences than folds.
    """
    if len(native) != len(romanized) or len(native) < folds:
        raise DataError(
            f"{len(native)} and {len(romanized)} sentences",
            "no pairs for every fold",
            f"Give {folds} pairs or more",
            code="TLN-DATA-603",
        )
    fold = np.random.default_rng(seed).permutation(len(native)) % folds
    x = np.concatenate([normalize(native), normalize(romanized)]).astype(np.float64)
    y = np.repeat([1.0, -1.0], len(native))
    of = np.concatenate([fold, fold])
    right = 0.0
    for number in range(folds):
        seen, held = of != number, of == number
        mean = x[seen].mean(0)
        centred = x[seen] - mean
        gram = centred.T @ centred
        penalty = max(
            ridge * gram.trace() / len(gram), 1e-12
        )  # where all vectors are one there is no variance
        weights = np.linalg.solve(gram + penalty * np.eye(len(gram)), centred.T @ y[seen])
        decided = (x[held] - mean) @ weights * y[held]
        right += (decided > 0).sum() + (
            decided == 0
        ).sum() / 2  # no decision is right half the time
    return float(right / len(x))
