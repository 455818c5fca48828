r"""Weights by which the embedding rows of new subwords are made from old ones.

Each function gives a matrix :math:`W` (N, V) with non-negative entries, whose rows sum to 1, or to
0 where nothing is known. The new rows are :math:`W E` for each (V, E) matrix of the model that has
a row for each token.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from transliconet.errors import require_range

NEIGHBOURS, TEMPERATURE = 10, 0.1
"""k and T of WECHSEL and OFA, as published."""


def row_normalize(counts: csr_matrix) -> csr_matrix:
    """Divide each row by its sum. Rows of zeros stay.

    Args:
        counts: (N, V), not negative.
    """
    sums = np.asarray(counts.sum(axis=1)).ravel()  # (N,)
    scale = np.divide(1.0, sums, out=np.zeros_like(sums, dtype=float), where=sums > 0)
    return csr_matrix(counts.multiply(scale[:, None]))


def span_overlap(first: Sequence[int], second: Sequence[int]) -> np.ndarray:
    """Share of a word that the tokens of two ways to write it have in common, as if both were
    equally long and written in step.

    Args:
        first: lengths in characters of the m tokens of one.
        second: lengths of the n tokens of the other.

    Returns:
        (m, n), which sum to 1; zeros where one of them is empty.

    >>> span_overlap([2, 2], [1, 3]).tolist()
    [[0.25, 0.25], [0.0, 0.5]]
    """
    ends = [np.cumsum([0, *lengths], dtype=float) for lengths in (first, second)]
    if not ends[0][-1] or not ends[1][-1]:
        return np.zeros((len(first), len(second)))
    one, other = (places / places[-1] for places in ends)  # (m + 1,), (n + 1,)
    end = np.minimum(one[1:, None], other[None, 1:])  # (m, n)
    start = np.maximum(one[:-1, None], other[None, :-1])  # (m, n)
    return np.maximum(end - start, 0)


def aligned_weights(counts: csr_matrix, most_frequent: bool = False) -> csr_matrix:
    r"""The mean of the subwords of the aligned words, weighted by how often they occur.

    .. math:: w_{nv} = c_{nv} / \sum_u c_{nu}

    Args:
        counts: (N, V); :math:`c_{nv}` is how often old subword v stands where the new subword n
            stands in the aligned word, by :func:`span_overlap`.
        most_frequent: give the whole weight to the most frequent of them, the first among equals.

    Returns:
        (N, V).

    >>> aligned_weights(csr_matrix([[3, 0, 1], [0, 0, 0]])).toarray().tolist()
    [[0.75, 0.0, 0.25], [0.0, 0.0, 0.0]]
    """
    if not most_frequent:
        return row_normalize(counts)
    best = np.asarray(counts.argmax(axis=1)).ravel()  # (N,)
    known = np.flatnonzero(np.asarray(counts.sum(axis=1)).ravel())
    ones = np.ones(len(known))
    return csr_matrix((ones, (known, best[known])), shape=counts.shape)


def nearest_weights(
    cosines: np.ndarray, neighbours: int = NEIGHBOURS, temperature: float = TEMPERATURE
) -> np.ndarray:
    r"""Softmax over the nearest old subwords by their vectors in another space (WECHSEL, Minixhofer
    et al., 2022, arXiv 2112.06598, equation 5; OFA, Liu et al., 2024, arXiv 2311.08849).

    .. math:: w_{nv} = \frac{\exp(s_{nv} / T)}{\sum_{u \in J(n)} \exp(s_{nu} / T)}
        \quad \text{for } v \in J(n) \text{, the } k \text{ nearest; 0 for all others}

    Args:
        cosines: (N, V) of each new subword with each old one, s.
        neighbours: k; all, where there are fewer.
        temperature: T > 0.

    Returns:
        (N, V).

    >>> nearest_weights(np.array([[0.1, 0.3, 0.3]]), neighbours=2).round(2).tolist()
    [[0.0, 0.5, 0.5]]
    """
    require_range("neighbours", neighbours, least=1)
    require_range("temperature", temperature, above=0)
    number = min(neighbours, cosines.shape[1])
    nearest = np.argpartition(-cosines, number - 1, axis=1)[:, :number]  # (N, k)
    scores = np.take_along_axis(cosines, nearest, axis=1) / temperature  # (N, k)
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights = np.zeros_like(cosines, dtype=float)
    np.put_along_axis(
        weights, nearest, exponentials / exponentials.sum(axis=1, keepdims=True), axis=1
    )
    return weights


def sparsemax(scores: np.ndarray) -> np.ndarray:
    r"""The point of the simplex that is nearest to the scores (Martins and Astudillo, 2016, arXiv
    1602.02068, equation 2), by which FOCUS (Dobler and de Melo, 2023, arXiv 2305.14481, section 3)
    weighs the subwords that both vocabularies have.

    .. math:: w_{nv} = \max(s_{nv} - \tau_n, 0) \quad \text{with } \tau_n \text{ such that }
        \sum_v w_{nv} = 1

    Args:
        scores: (N, V), s.

    Returns:
        (N, V).

    >>> sparsemax(np.array([[0.5, 0.25, -1.0]])).tolist()
    [[0.625, 0.375, 0.0]]
    """
    ordered = -np.sort(-scores, axis=1)  # (N, V), descending
    sums = ordered.cumsum(axis=1)
    places = np.arange(1, scores.shape[1] + 1)  # (V,)
    # the support is the longest beginning whose last score is above the threshold
    support = (1 + places * ordered > sums).sum(axis=1)  # (N,)
    threshold = (sums[np.arange(len(scores)), support - 1] - 1) / support  # (N,)
    return np.maximum(scores - threshold[:, None], 0)


def random_rows(rows: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Rows drawn from a normal distribution with the mean and variance of each column of the old
    ones. This is the baseline, and no mixture of old rows.

    Args:
        rows: (V, E).
        number: N.
        rng: randomness.

    Returns:
        (N, E).

    >>> random_rows(np.ones((5, 2)), 1, np.random.default_rng(0)).tolist()
    [[1.0, 1.0]]
    """
    return rng.normal(rows.mean(axis=0), rows.std(axis=0), (number, *rows.shape[1:]))


def factorize(rows: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """The best approximation of an embedding matrix by coordinates times primitive embeddings, from
    its singular values (OFA, arXiv 2311.08849, section 3.2).

    Args:
        rows: (V, E).
        rank: D, from 1 to E.

    Returns:
        (V, D) coordinates, and (D, E) primitive embeddings with orthonormal rows.

    >>> coordinates, primitive = factorize(np.array([[3.0, 4.0], [6.0, 8.0]]), rank=1)
    >>> (coordinates @ primitive).round(6).tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    require_range("rank", rank, least=1, most=rows.shape[1])
    # the eigenvectors of EᵀE are the right singular vectors, and there are only E of them
    _, vectors = np.linalg.eigh(rows.T @ rows)  # ascending eigenvalues
    primitive = vectors[:, ::-1][:, :rank].T  # (D, E)
    return rows @ primitive.T, primitive
