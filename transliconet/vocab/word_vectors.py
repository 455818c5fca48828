"""Vectors of words and subwords in a space of their own, in which new subwords find old ones that
mean the same: read from files, or counted in the corpus.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from transliconet.errors import DataError, Option
from transliconet.vocab.row_weights import row_normalize

OVERSAMPLED, POWER_ITERATIONS = 10, 6
"""Vectors beyond those wanted, and products with the matrix, of the randomized factorization."""


def read_word_vectors(path: str | Path) -> dict[str, np.ndarray]:
    """Read word vectors in the text format of word2vec and fastText: a word and D numbers a line.
    A first line with two numbers alone is skipped.

    Args:
        path: of a UTF-8 file.

    Returns:
        Word → (D,) float32.

    Raises:
        DataError: the file is missing, or a line has another number of values than the first.
    """
    vectors: dict[str, np.ndarray] = {}
    width = 0
    try:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                word, *values = line.rstrip("\n").rstrip().split(" ")
                if number == 1 and len(values) == 1:
                    continue
                width = width or len(values)
                if len(values) != width or not width:
                    raise ValueError(f"line {number} has {len(values)} numbers, not {width}")
                vectors[word] = np.array(values, dtype=np.float32)
    except (OSError, ValueError) as error:
        raise DataError(
            Option("vectors", path),
            f"not a file of word vectors ({error})",
            "Give a text file with a word and its numbers on each line, as fastText writes it",
            code="TLN-DATA-700",
        ) from error
    return vectors


def unit(vectors: np.ndarray) -> np.ndarray:
    """(N, D) vectors scaled to length 1. Zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)


def subword_vectors(words: Sequence[Sequence[int]], vectors: np.ndarray, size: int) -> np.ndarray:
    """The mean of the vectors of all words that have a subword (WECHSEL, arXiv 2112.06598, section
    3.1, for vectors without character n-grams; OFA does the same).

    Args:
        words: for each of W words, the ids of its subwords.
        vectors: (W, D).
        size: V, number of ids.

    Returns:
        (V, D); zeros for subwords that no word has.

    >>> subword_vectors([[0, 1], [1]], np.array([[2.0, 0.0], [0.0, 2.0]]), size=3).tolist()
    [[2.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
    """
    distinct = [list(dict.fromkeys(ids)) for ids in words]
    columns = np.repeat(np.arange(len(words)), list(map(len, distinct)))  # (M,) number of the word
    rows = np.array(list(chain.from_iterable(distinct)), dtype=int)  # (M,) its subwords
    has = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(size, len(words)))
    return row_normalize(has) @ vectors


def rotation(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    r"""The rotation of one space into another by pairs of words (orthogonal Procrustes, by which
    WECHSEL aligns two monolingual spaces; Schönemann, 1966).

    .. math:: \min_{R^T R = I} \lVert A R - B \rVert_F \quad \text{at} \quad R = U V^T
        \quad \text{where } A^T B = U \Sigma V^T

    Args:
        source: (n, D), A.
        target: (n, D), B; row i is the translation of row i of ``source``.

    Returns:
        (D, D), R.

    >>> points = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> rotation(points, points[::-1]).round(6).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    left, _, right = np.linalg.svd(source.T @ target)
    return left @ right


def cooccurrence_vectors(
    rows: Sequence[Sequence[int]], size: int, dimensions: int = 100, window: int = 5
) -> np.ndarray:
    r"""Vectors of subwords from the corpus alone: positive pointwise mutual information, reduced by
    its singular values. What skip-gram with negative sampling factorizes is about this matrix (Levy
    and Goldberg, 2014).

    .. math:: M_{ij} = \max\left(0, \log \frac{c_{ij} \sum c}{c_{i} c_{j}}\right) \approx
        U \Sigma V^T, \qquad x_i = U_i \Sigma^{1/2}

    Args:
        rows: token ids of each text.
        size: V, number of ids.
        dimensions: D; fewer where fewer subwords occur.
        window: tokens on each side that count as a token's context.

    Returns:
        (V, D); zeros for subwords that do not occur.
    """
    counts = _counts(rows, size, window)
    used = np.flatnonzero(np.asarray(counts.sum(axis=1)).ravel())
    counts = counts[used][:, used].tocoo()  # (U, U)
    totals = np.asarray(counts.sum(axis=1)).ravel()  # (U,)
    expected = totals[counts.row] * totals[counts.col] / counts.sum()
    information = np.maximum(np.log(counts.data / expected), 0)
    matrix = csr_matrix((information, (counts.row, counts.col)), shape=counts.shape)
    left, values = _singular(matrix, min(dimensions, len(used)))  # (U, D), (D,)
    vectors = np.zeros((size, len(values)))
    vectors[used] = left * np.sqrt(values)
    return vectors


def _singular(matrix: csr_matrix, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The first left singular vectors (U, D) and values (D,) of a symmetric (U, U) matrix, by
    randomized power iteration (Halko et al., 2011, arXiv 0909.4061, algorithm 4.4). Unlike
    ARPACK's, they are the same each time.
    """
    rng = np.random.default_rng(0)
    width = min(number + OVERSAMPLED, matrix.shape[0])
    basis = rng.normal(size=(matrix.shape[0], width))  # (U, D')
    for _ in range(POWER_ITERATIONS):
        basis, _ = np.linalg.qr(matrix @ basis)
    left, values, _ = np.linalg.svd((matrix @ basis).T, full_matrices=False)
    return basis @ left[:, :number], values[:number]


def _counts(rows: Sequence[Sequence[int]], size: int, window: int) -> csr_matrix:
    """(V, V): how often two tokens stand within a window."""
    total = csr_matrix((size, size))
    ends = np.cumsum(list(map(len, rows)))
    tokens = np.array(list(chain.from_iterable(rows)), dtype=int)  # (T,)
    text = np.searchsorted(ends, np.arange(len(tokens)), side="right")  # (T,)
    for distance in range(1, window + 1):
        together = text[distance:] == text[:-distance]
        first, second = tokens[:-distance][together], tokens[distance:][together]
        pairs = (np.ones(len(first)), (first, second))
        counted = csr_matrix(pairs, shape=(size, size))
        total = total + counted + counted.T
    return total


def shared_words(
    first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]
) -> list[tuple[str, str]]:
    """Words that are written alike in both: a dictionary where there is no other (Smith et al.,
    2017, arXiv 1702.03859).
    """
    return [(word, word) for word in first if word in second]


def read_dictionary(path: str | Path) -> list[tuple[str, str]]:
    """Read word pairs: two columns separated by a tab.

    Args:
        path: of a UTF-8 file.

    Raises:
        DataError: the file is missing, or a line has no two columns.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        pairs = [line.split("\t") for line in lines]
        return [(first, second) for first, second in pairs]
    except (OSError, ValueError) as error:
        raise DataError(
            Option("dictionary", path),
            f"not a table of word pairs ({error})",
            "Give a text file with two words on each line, separated by a tab",
            code="TLN-DATA-701",
        ) from error
