"""The equations by which rows of new subwords are made, against slow references and known
answers.
"""

import doctest
import math

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

import transliconet.vocab.row_weights as row_weights
import transliconet.vocab.skip_gram as skip_gram
import transliconet.vocab.trim as trim
import transliconet.vocab.word_vectors as word_vectors
from tests.settings import raises
from transliconet.vocab.row_weights import (
    aligned_weights,
    factorize,
    nearest_weights,
    random_rows,
    span_overlap,
    sparsemax,
)
from transliconet.vocab.skip_gram import ConvexWeights, skip_gram_loss
from transliconet.vocab.word_vectors import (
    cooccurrence_vectors,
    read_dictionary,
    read_word_vectors,
    rotation,
    shared_words,
    unit,
)


@pytest.mark.parametrize("module", [row_weights, skip_gram, trim, word_vectors])
def test_the_examples(module: object) -> None:
    done = doctest.testmod(module)  # type: ignore[arg-type]
    assert done.attempted > 0
    assert done.failed == 0


def test_aligned_rows_are_means_by_count_or_the_most_frequent() -> None:
    counts = csr_matrix([[3, 1, 0], [0, 0, 0], [0, 2, 2]])
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [4.0, 4.0]])
    mean = aligned_weights(counts) @ rows
    np.testing.assert_allclose(mean, [[0.75, 0.25], [0, 0], [2, 2.5]])
    top = aligned_weights(counts, most_frequent=True) @ rows
    np.testing.assert_allclose(top, [[1, 0], [0, 0], [0, 1]])


def test_the_overlap_of_two_ways_to_write_a_word_is_that_of_a_fine_ruler() -> None:
    first, second = [3, 1, 4], [2, 0, 3]
    slow = np.zeros((3, 3))
    for mark in range(40):  # a multiple of both lengths, 8 and 5
        one = np.searchsorted(np.cumsum(first), mark / 5, side="right")
        other = np.searchsorted(np.cumsum(second), mark / 8, side="right")
        slow[one, other] += 1 / 40
    np.testing.assert_allclose(span_overlap(first, second), slow, atol=1e-12)
    assert not span_overlap([0], [2]).any()


def slow_nearest(cosines: np.ndarray, neighbours: int, temperature: float) -> np.ndarray:
    weights = np.zeros_like(cosines)
    for row, scores in enumerate(cosines):
        nearest = sorted(range(len(scores)), key=lambda place: -scores[place])[:neighbours]
        exponentials = {place: math.exp(scores[place] / temperature) for place in nearest}
        for place, value in exponentials.items():
            weights[row, place] = value / sum(exponentials.values())
    return weights


def slow_sparsemax(scores: np.ndarray) -> np.ndarray:
    """The threshold by bisection."""
    weights = np.zeros_like(scores)
    for row, values in enumerate(scores):
        low, high = values.min() - 1, values.max()
        for _ in range(100):
            middle = (low + high) / 2
            if np.maximum(values - middle, 0).sum() > 1:
                low = middle
            else:
                high = middle
        weights[row] = np.maximum(values - high, 0)
    return weights


def test_softmax_over_the_nearest_and_sparsemax() -> None:
    cosines = np.random.default_rng(0).uniform(-1, 1, (20, 30))
    for neighbours, temperature in ((10, 0.1), (1, 0.1), (40, 1.0)):
        found = nearest_weights(cosines, neighbours, temperature)
        np.testing.assert_allclose(found, slow_nearest(cosines, neighbours, temperature))
        assert ((found > 0).sum(axis=1) == min(neighbours, 30)).all()
    found = sparsemax(cosines)
    np.testing.assert_allclose(found, slow_sparsemax(cosines), atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    support = (found > 0).sum(axis=1)
    assert 1 < support.mean() < 20
    with raises("TLN-CONFIG-002", naming="temperature"):
        nearest_weights(cosines, temperature=0)


def test_random_rows_have_the_mean_and_variance_of_the_columns() -> None:
    old = np.random.default_rng(0).normal([1.0, -3.0], [0.1, 2.0], (5000, 2))
    new = random_rows(old, 5000, np.random.default_rng(1))
    np.testing.assert_allclose(new.mean(axis=0), [1, -3], atol=0.1)
    np.testing.assert_allclose(new.std(axis=0), [0.1, 2], rtol=0.05)


def test_the_factorization_is_the_best_of_its_rank() -> None:
    rows = np.random.default_rng(0).normal(size=(30, 6))
    coordinates, primitive = factorize(rows, 6)
    np.testing.assert_allclose(coordinates @ primitive, rows)
    coordinates, primitive = factorize(rows, 2)
    assert (coordinates.shape, primitive.shape) == ((30, 2), (2, 6))
    np.testing.assert_allclose(primitive @ primitive.T, np.eye(2), atol=1e-12)
    # Eckart and Young: what is lost are the other singular values
    singular = np.linalg.svd(rows, compute_uv=False)
    lost = np.linalg.norm(rows - coordinates @ primitive)
    assert lost == pytest.approx(math.sqrt((singular[2:] ** 2).sum()))
    with raises("TLN-CONFIG-002", naming="rank"):
        factorize(rows, 7)


def test_the_rotation_between_two_spaces_is_found() -> None:
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    source = rng.normal(size=(20, 4))
    np.testing.assert_allclose(rotation(source, source @ turn), turn, atol=1e-10)


def test_subwords_of_the_same_contexts_have_the_same_vector() -> None:
    texts = [[0, 2, 5], [1, 2, 5], [3, 4, 6], [3, 6, 4]] * 3
    vectors = unit(cooccurrence_vectors(texts, size=9, dimensions=4))
    cosines = vectors @ vectors.T
    assert cosines[0, 1] > 0.99
    assert abs(cosines[0, 3]) < 0.01
    assert not vectors[7:].any()
    again = unit(cooccurrence_vectors(texts, size=9, dimensions=4))
    np.testing.assert_allclose(again @ again.T, cosines, atol=1e-8)


def test_skip_gram_learns_a_point_between_old_rows() -> None:
    old = np.eye(2, 3)
    # the new token 2 is always beside token 0; token 1 is frequent elsewhere
    rows = [[0, 2]] * 20 + [[1, 1, 1, 1]] * 40
    weights = ConvexWeights(steps=60, batch=64)(rows, old, number=1)
    assert weights.shape == (1, 2)
    assert weights.sum() == pytest.approx(1)
    assert weights[0, 0] > 0.9
    again = ConvexWeights(steps=60, batch=64)(rows, old, number=1)
    assert np.array_equal(weights, again)
    u, v, n = torch.randn(3, 4), torch.randn(3, 4), torch.randn(3, 2, 4)
    sigmoid = lambda x: 1 / (1 + math.exp(-x))  # noqa: E731
    expected = 0.0
    for row in range(3):
        expected -= math.log(sigmoid(float(u[row] @ v[row])))
        for k in range(2):
            expected -= math.log(sigmoid(-float(u[row] @ n[row, k])))
    assert skip_gram_loss(u, v, n).item() == pytest.approx(expected / 3, rel=1e-5)


def test_word_vectors_and_dictionaries_are_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "vectors.txt"
    file.write_text("2 3\nмир 1 0 0\nworld 0.5 0 1\n", encoding="utf-8")
    vectors = read_word_vectors(file)
    assert list(vectors) == ["мир", "world"]
    np.testing.assert_allclose(vectors["world"], [0.5, 0, 1])
    assert shared_words(vectors, {"world": np.zeros(3)}) == [("world", "world")]
    (tmp_path / "dictionary.tsv").write_text("мир\tworld\n", encoding="utf-8")
    assert read_dictionary(tmp_path / "dictionary.tsv") == [("мир", "world")]
    file.write_text("мир 1 0 0\nworld 0.5 0\n", encoding="utf-8")
    with raises("TLN-DATA-700", naming="vectors"):
        read_word_vectors(file)
    with raises("TLN-DATA-700"):
        read_word_vectors(tmp_path / "absent.txt")
    file.write_text("no tab\n", encoding="utf-8")
    with raises("TLN-DATA-701", naming="dictionary"):
        read_dictionary(file)
