"""Alignment metrics of two sets of vectors of the same sentences: pure functions of arrays.

Row i of both (N, D) arrays is the same sentence, in two languages or two scripts. The functions
scale each row to length 1, so the dot product is the cosine.
"""

from dataclasses import dataclass

import numpy as np

from transliconet.errors import DataError
from transliconet.model.vectors import TIE, normalize


def _cosines(a: np.ndarray, b: np.ndarray, least: int = 2) -> np.ndarray:
    """(N, N) cosines of two paired sets.

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
    scores = _cosines(a, b)  # (N, N)
    own = scores.diagonal().copy()  # (N,)
    np.fill_diagonal(scores, -np.inf)
    rivals = np.maximum(scores.max(1), scores.max(0))  # (N,) the best other of row and column
    return float((own > rivals + TIE).mean())


def margin_scores(a: np.ndarray, b: np.ndarray, neighbours: int = 4) -> np.ndarray:
    r"""Ratio margin (Artetxe & Schwenk, 2019, equation 2): cosine against the mean of both sides'
    neighbourhoods.

    .. math:: \frac{\cos(x, y)}{\sum_{z \in NN_k(x)} \frac{\cos(x, z)}{2k}
        + \sum_{z \in NN_k(y)} \frac{\cos(y, z)}{2k}}

    Returns:
        (N, N) float32.
    """
    scores = _cosines(a, b)
    rows, columns = _neighbourhoods(scores, neighbours)  # (N,) each
    return np.asarray(scores / ((rows[:, None] + columns[None]) / 2))


def csls_scores(a: np.ndarray, b: np.ndarray, neighbours: int = 10) -> np.ndarray:
    r"""Cross-domain similarity local scaling (Conneau et al., 2018, equation 3): :math:`2\cos(x,y)
    - r(x) - r(y)`.

    Returns:
        (N, N) float32.
    """
    scores = _cosines(a, b)
    rows, columns = _neighbourhoods(scores, neighbours)  # (N,) each
    return np.asarray(2 * scores - rows[:, None] - columns[None])


def _neighbourhoods(scores: np.ndarray, neighbours: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean similarity of each row, and of each column, to its k nearest neighbours.

    Args:
        scores: (N, N).
        neighbours: k.
    """
    k = min(neighbours, len(scores))
    row_means = np.sort(scores, 1)[:, -k:].mean(1)
    column_means = np.sort(scores, 0)[-k:].mean(0)
    return row_means, column_means


def ranks_of(scores: np.ndarray) -> np.ndarray:
    """(N,) rank from 1 of each row's own column; ties count against it."""
    own = scores.diagonal()[:, None]  # (N, 1)
    ahead = scores >= own - TIE  # (N, N)
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
    squared_distances = 2 - 2 * (x @ x.T)  # (N, N), of vectors of length 1
    pairs = np.triu_indices(len(x), 1)  # each pair once
    potentials = np.exp(-temperature * squared_distances[pairs])
    return float(np.log(potentials.mean()))


@dataclass(frozen=True)
class Hubness:
    """How unevenly candidates are retrieved: some vectors are near neighbours of very many queries
    (hubs; Radovanović et al., 2010).

    Args:
        skewness: of how often each candidate is among the k nearest of a query; 0 where all are
            retrieved equally often.
        never_retrieved: share of candidates that are near no query.
        largest: how often the most frequent candidate is retrieved.
    """

    skewness: float
    never_retrieved: float
    largest: int


def hubness(queries: np.ndarray, candidates: np.ndarray, k: int = 10) -> Hubness:
    """The :class:`Hubness` of (M, D) candidates among the ``k`` nearest of (N, D) queries."""
    scores = normalize(queries) @ normalize(candidates).T  # (N, M)
    k = min(k, scores.shape[1])
    nearest = np.argpartition(-scores, k - 1, axis=1)[:, :k]  # (N, k), in no order
    counts = np.bincount(nearest.ravel(), minlength=scores.shape[1]).astype(float)  # (M,)
    deviation = counts.std()
    skewness = 0.0
    if deviation > 0:
        skewness = float((((counts - counts.mean()) / deviation) ** 3).mean())
    return Hubness(skewness, float((counts == 0).mean()), int(counts.max()))


@dataclass(frozen=True)
class PairedSimilarity:
    """Mean cosine of pairs, and of all other combinations.

    Retrieval depends on the gap between the two. Measured between two languages in their own
    scripts and in romanization, these are the four similarities of arXiv 2409.17326, section 3.

    Args:
        matched: mean cosine of the N pairs.
        random: mean cosine of the N (N - 1) non-pairs.
    """

    matched: float
    random: float

    @property
    def gap(self) -> float:
        return self.matched - self.random


def paired_similarity(a: np.ndarray, b: np.ndarray) -> PairedSimilarity:
    """The :class:`PairedSimilarity` of (N, D) sentences and their (N, D) counterparts."""
    scores = _cosines(a, b)  # (N, N)
    number = len(scores)
    matched = float(scores.trace())
    others = float(scores.sum()) - matched
    return PairedSimilarity(matched / number, others / (number * (number - 1)))


def script_probe(
    native: np.ndarray, romanized: np.ndarray, folds: int = 5, ridge: float = 0.01, seed: int = 0
) -> float:
    """Cross-validated accuracy of a linear classifier that tells native from romanized vectors.

    0.5 is best: the vectors do not tell the scripts apart. The classifier is least squares with an
    L2 penalty, on vectors scaled to length 1. Both views of a sentence are in one fold, so that the
    classifier is tested on sentences that it has not seen.

    Args:
        native: (N, D).
        romanized: (N, D), of the same sentences.
        folds: of the cross-validation.
        ridge: L2 penalty, as a factor of the mean variance.
        seed: of the folds.

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
    folds_of_pairs = np.random.default_rng(seed).permutation(len(native)) % folds  # (N,)
    fold = np.concatenate([folds_of_pairs, folds_of_pairs])  # (2N,)
    x = np.concatenate([normalize(native), normalize(romanized)]).astype(np.float64)  # (2N, D)
    y = np.repeat([1.0, -1.0], len(native))  # (2N,) 1 for native
    correct = 0.0
    for number in range(folds):
        train, test = fold != number, fold == number
        mean = x[train].mean(0)
        centred = x[train] - mean
        gram = centred.T @ centred  # (D, D)
        # where all vectors are equal there is no variance, and the penalty keeps gram invertible
        penalty = max(ridge * gram.trace() / len(gram), 1e-12)
        weights = np.linalg.solve(gram + penalty * np.eye(len(gram)), centred.T @ y[train])  # (D,)
        margins = (x[test] - mean) @ weights * y[test]
        # a margin of 0 is no decision, which is right half the time
        correct += (margins > 0).sum() + (margins == 0).sum() / 2
    return float(correct / len(x))
