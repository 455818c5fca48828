"""Metrics of ranked documents, worked out by hand and against pytrec_eval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transliconet.documents.metrics import (
    chance_levels,
    dcg,
    first_ranks,
    ndcg,
    ranked_grades,
    recall,
)
from transliconet.documents.scores import QueryScores, documents_to_search
from transliconet.documents.search import DocumentIndex


def test_worked_out_by_hand() -> None:
    grades = np.array([[0.0, 2, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]])
    judged = np.array([[2.0, 1, 1], [1, 0, 0], [1, 1, 0]])
    best = 2 + 1 / np.log2(3) + 1 / 2
    found = 2 / np.log2(3) + 1 / np.log2(5)
    np.testing.assert_allclose(ndcg(grades, judged), [found / best, 1, 0])
    np.testing.assert_allclose(dcg(grades, 2), [2 / np.log2(3), 1, 0])
    np.testing.assert_allclose(recall(grades, judged, 2), [1 / 3, 1, 0])
    assert first_ranks(grades, 10).tolist() == [2, 1, 11]
    assert first_ranks(grades, 1).tolist() == [2, 1, 2]


def test_ties_count_against_the_model() -> None:
    scores, positions = np.array([0.5, 0.5, 0.5, 0.4]), np.array([3, 0, 1, 2])
    assert ranked_grades(scores, positions, {3: 1.0, 0: 2.0}).tolist() == [0, 1, 2, 0]
    near = np.array([0.5000004, 0.5])
    assert ranked_grades(near, np.array([0, 1]), {0: 1.0}).tolist() == [0, 1]
    assert ranked_grades(near, np.array([0, -1]), {0: 1.0}).tolist() == [1, 0]


@pytest.mark.parametrize("relevant", [{5: 1.0}, dict.fromkeys(range(30), 1.0)])
def test_one_place_for_all_documents_finds_nothing(relevant: dict[int, float]) -> None:
    """Whichever of the equal documents the search returns."""
    judged = np.ones((1, len(relevant)))
    same = np.ones((300, 4), dtype=np.float32)
    best = DocumentIndex(same).search(same[:1], documents_to_search(10, judged))
    scores = QueryScores.from_best(["q"], best, [relevant], judged=judged, depth=10)
    assert scores.means() == {"ndcg@10": 0, "recall@100": 0, "mrr": 0}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40))
def test_as_pytrec_eval_has_it(seed: int, documents: int) -> None:
    pytrec_eval = pytest.importorskip("pytrec_eval")
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(documents, 6)).astype(np.float32)
    queries = rng.normal(size=(3, 6)).astype(np.float32)
    relevant: list[dict[int, float]] = []
    for _ in range(3):
        chosen = rng.choice(documents, rng.integers(1, documents + 1), replace=False)
        relevant.append({int(number): float(rng.integers(1, 4)) for number in chosen})
    judged = np.zeros((3, documents))
    for row, grades in zip(judged, relevant, strict=True):
        row[: len(grades)] = sorted(grades.values(), reverse=True)
    best = DocumentIndex(vectors).search(queries, documents_to_search(10, judged))
    ours = QueryScores.from_best(list("abc"), best, relevant, judged=judged, depth=10)
    run = {}
    for name, scores, positions in zip("abc", best.scores, best.positions, strict=True):
        run[name] = {str(p): float(s) for p, s in zip(positions, scores, strict=True)}
    qrels = {
        name: {str(number): int(grade) for number, grade in grades.items()}
        for name, grades in zip("abc", relevant, strict=True)
    }
    measures = {"ndcg_cut.10", "recall.100", "recip_rank"}
    theirs = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
    np.testing.assert_allclose(ours.ndcg, [theirs[n]["ndcg_cut_10"] for n in "abc"], atol=1e-9)
    np.testing.assert_allclose(ours.recall, [theirs[n]["recall_100"] for n in "abc"], atol=1e-9)
    reciprocal = np.array([theirs[name]["recip_rank"] for name in "abc"])
    reciprocal[reciprocal < 1 / 10.5] = 0  # theirs has no depth
    np.testing.assert_allclose(np.where(ours.ranks <= 10, 1 / ours.ranks, 0), reciprocal)


def test_chance_is_what_a_random_order_gets() -> None:
    judged = np.array([[2.0, 1, 1], [1, 0, 0]])
    rng = np.random.default_rng(0)
    found: dict[str, list[float]] = {}
    for _ in range(4000):
        grades = np.zeros((2, 30))
        grades[:, :3] = judged
        shuffled = rng.permuted(grades, axis=1)
        ranks = first_ranks(shuffled, 10)
        reached = {
            "acc@1": (ranks <= 1).mean(),
            "acc@10": (ranks <= 10).mean(),
            "mrr": np.where(ranks <= 10, 1 / ranks, 0).mean(),
            "ndcg@10": ndcg(shuffled, judged).mean(),
        }
        for name, value in reached.items():
            found.setdefault(name, []).append(float(value))
    chance = chance_levels(judged, documents=30, depth=10)
    for name, values in found.items():
        assert np.mean(values) == pytest.approx(chance[name], abs=0.012)
    few = chance_levels(judged, documents=3, depth=10)
    assert few["acc@5"] == pytest.approx(1)
    assert few["recall@100"] == 1
