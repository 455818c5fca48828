"""Measures of alignment against slow loops, and where the right answer is known."""

import numpy as np
import pytest

from tests.settings import raises
from transliconet.probe import alignment as al

RNG = np.random.default_rng(0)
A = RNG.normal(size=(30, 8))
B = A + 0.9 * RNG.normal(size=(30, 8))


def cosine(x: np.ndarray, y: np.ndarray) -> float:
    return float(x @ y / (np.linalg.norm(x) * np.linalg.norm(y)))


C = np.array([[cosine(x, y) for y in B] for x in A])


def test_mexa_asks_for_the_best_of_row_and_column() -> None:
    expected = np.mean(
        [all(C[i, i] > max(C[i, j], C[j, i]) for j in range(30) if j != i) for i in range(30)]
    )
    assert 0 < expected < 1
    assert al.mexa(A, B) == pytest.approx(expected)
    assert al.mexa(A, A) == 1
    assert al.mexa(np.ones((5, 3)), np.ones((5, 3))) == 0  # everything in one place


def test_margin_and_csls_are_those_of_a_loop() -> None:
    margin, csls = al.margin_scores(A, B, 4), al.csls_scores(A, B, 10)
    for i, j in ((0, 0), (3, 7), (29, 1)):
        rows, columns = np.sort(C[i])[::-1], np.sort(C[:, j])[::-1]
        assert margin[i, j] == pytest.approx(
            C[i, j] / (rows[:4].sum() / 8 + columns[:4].sum() / 8), rel=1e-4
        )
        assert csls[i, j] == pytest.approx(
            2 * C[i, j] - rows[:10].mean() - columns[:10].mean(), abs=1e-5
        )


def test_margin_and_csls_rank_past_a_hub() -> None:
    """A candidate that is near everything draws queries by cosine, not by margin."""
    a = np.eye(6) + 0.6
    b = np.eye(6) * 0.6 + 0.6
    b[0] = 1.0  # the hub
    by_cosine = al.ranks_of(
        al.csls_scores(a, b, 6) * 0 + np.array([[cosine(x, y) for y in b] for x in a])
    )
    for scores in (al.margin_scores(a, b, 6), al.csls_scores(a, b, 6)):
        assert (al.ranks_of(scores) == 1).sum() >= (by_cosine == 1).sum()


def test_ties_count_against() -> None:
    assert al.ranks_of(np.ones((3, 3))).tolist() == [3, 3, 3]
    assert al.ranks_of(np.eye(3)).tolist() == [1, 1, 1]


def test_alignment_and_uniformity_are_those_of_a_loop() -> None:
    unit_a, unit_b = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (A, B))
    assert al.alignment(A, B) == pytest.approx(
        np.mean([((x - y) ** 2).sum() for x, y in zip(unit_a, unit_b, strict=True)]), rel=1e-5
    )
    potentials = [
        np.exp(-2 * ((unit_a[i] - unit_a[j]) ** 2).sum()) for i in range(30) for j in range(i)
    ]
    assert al.uniformity(A) == pytest.approx(np.log(np.mean(potentials)), rel=1e-4)
    assert al.alignment(A, A) == pytest.approx(0, abs=1e-9)
    assert al.uniformity(np.ones((4, 3))) == pytest.approx(
        0, abs=1e-5
    )  # all in one place: the worst


def test_hubness_of_one_hub_and_of_none() -> None:
    even = al.hubness(np.eye(8), np.eye(8), k=1)
    assert even == al.Hubness(0.0, 0.0, 1)
    candidates = np.vstack([np.ones(8), -np.eye(8)[:7]])
    hub = al.hubness(np.eye(8) + 0.5, candidates, k=1)
    assert hub.largest == 8
    assert hub.never_retrieved == 7 / 8
    assert hub.skewness == pytest.approx(
        ((np.array([8.0] + [0] * 7) - 1) ** 3).mean() / np.std([8.0] + [0] * 7) ** 3
    )


def test_similarity_of_pairs_and_of_the_rest() -> None:
    found, same = al.paired_similarity(A, B), al.paired_similarity(A, A)
    assert found.matched == pytest.approx(np.diag(C).mean(), rel=1e-5)
    assert found.random == pytest.approx((C.sum() - np.trace(C)) / (30 * 29), abs=1e-6)
    assert same.matched == pytest.approx(1)
    assert same.gap > found.gap == found.matched - found.random


def test_a_linear_probe_tells_scripts_that_are_apart_and_not_those_that_are_one() -> None:
    sentences = RNG.normal(size=(200, 16))
    apart = sentences + 4 * np.eye(16)[0]  # the best threshold is two deviations off: 0.977
    assert al.script_probe(sentences, apart) > 0.93
    assert al.script_probe(sentences, sentences + 0.1 * RNG.normal(size=(200, 16))) < 0.6


@pytest.mark.parametrize("measure", [al.mexa, al.margin_scores, al.csls_scores])
def test_what_is_no_pairs_or_no_numbers_is_refused(measure) -> None:  # type: ignore[no-untyped-def]
    with raises("TLN-DATA-600"):
        measure(A, B[:-1])
    with raises("TLN-DATA-601"):
        measure(A[:1], B[:1])
    with raises("TLN-DATA-401"):
        measure(A, np.full_like(A, np.nan))
    with raises("TLN-DATA-603"):
        al.script_probe(A[:3], B[:3])
    with raises("TLN-DATA-602"):
        al.uniformity(A[:1])
