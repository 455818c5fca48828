"""Tests and intervals against hand-made cases, SciPy's own functions, and simulations whose truth is
known.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, permutation_test

from transliconet.probe.paired_bootstrap import (
    PairedScores,
    bootstrap_differences,
    bootstrap_p,
    percentile_interval,
)
from transliconet.probe.significance import (
    contributions,
    correct_effects,
    holm,
    mcnemar,
    paired_effect,
    sign_flip_test,
)


def paired(baseline: object, other: object, ids: np.ndarray | None = None) -> PairedScores:
    """Scores of one run or of several (a row each), as floats."""
    a, b = np.atleast_2d(np.asarray(baseline, float)), np.atleast_2d(np.asarray(other, float))
    return PairedScores(np.arange(a.shape[1]) if ids is None else ids, a, b)


def hits(found: int, of: int) -> np.ndarray:
    return (np.arange(of) < found).astype(float)


# ---- McNemar ----------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_mcnemar_is_the_binomial_test_of_the_discordant_queries(
    rows: list[tuple[bool, bool]],
) -> None:
    a, b = (np.array(column, float) for column in zip(*rows, strict=True))
    lost, won = int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum())
    expected = binomtest(lost, lost + won).pvalue if lost + won else 1.0
    assert mcnemar(a, b) == pytest.approx(expected)
    assert mcnemar(b, a) == pytest.approx(mcnemar(a, b))


def test_mcnemar_by_hand() -> None:
    a, b = hits(0, 10), hits(6, 10)  # six won, none lost: 2 / 2^6
    assert mcnemar(a, b) == pytest.approx(2 / 64)
    assert mcnemar(a, a) == 1.0


# ---- sign flips -------------------------------------------------------------------------------


def test_sign_flips_agree_with_scipy() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, 40)
    expected = permutation_test(
        (values, np.zeros_like(values)),
        lambda x, y, axis: (x - y).sum(axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9999,
        rng=0,
    ).pvalue
    assert sign_flip_test(values) == pytest.approx(expected, abs=0.02)


def test_sign_flips_of_hits_are_mcnemar() -> None:
    rng = np.random.default_rng(0)
    scores = paired(rng.random(200) < 0.5, rng.random(200) < 0.6)
    expected = mcnemar(scores.baseline[0], scores.other[0])
    assert 0.001 < expected < 0.5
    assert sign_flip_test(contributions([scores])) == pytest.approx(expected, abs=0.02)


def test_contributions_of_unequal_languages_add_up_to_the_difference() -> None:
    one = paired([1, 0, 0, 0], [1, 1, 1, 0])
    two = paired([1, 1], [0, 1], ids=np.array([2, 9]))
    found = contributions([one, two])
    assert found.sum() == pytest.approx((0.5 - 0.5) / 2)
    assert found[2] == pytest.approx(1 / 8 - 1 / 4)  # an id of both languages
    assert len(found) == 10


# ---- Holm -------------------------------------------------------------------------------------


def test_holm_by_hand() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.6, 0.5]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_lies_between_no_correction_and_bonferroni(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for p, corrected in zip(p_values, adjusted, strict=True):
        assert p <= corrected <= min(1.0, len(p_values) * p) + 1e-12
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= 0).all()


# ---- bootstrap --------------------------------------------------------------------------------


def test_the_interval_of_hits_is_that_of_a_binomial_draw() -> None:
    scores = paired(hits(0, 400), hits(100, 400))
    draws = bootstrap_differences([scores], samples=20_000)[:, 0]
    assert draws.std() == pytest.approx(np.sqrt(0.25 * 0.75 / 400), rel=0.03)
    assert draws.mean() == pytest.approx(0.25, abs=0.001)


def test_the_same_sides_do_not_differ() -> None:
    scores = paired(hits(7, 30), hits(7, 30))
    effect = paired_effect([scores])
    assert effect.ci95 == (0.0, 0.0)
    assert effect.p == 1.0


def test_ids_are_drawn_together_in_all_languages() -> None:
    """Twenty languages with the same outcomes say as much as one."""
    rng = np.random.default_rng(0)
    one = paired(rng.random(100) < 0.4, rng.random(100) < 0.5)
    same = [one] * 20
    others = [PairedScores(one.ids + 100 * i, one.baseline, one.other) for i in range(20)]
    alone = bootstrap_differences([one])[:, 0].std()
    assert bootstrap_differences(same).mean(1).std() == pytest.approx(alone, rel=0.1)
    independent = bootstrap_differences(others).mean(1).std()
    assert independent == pytest.approx(alone / np.sqrt(20), rel=0.1)


def test_patterns_are_drawn_as_often_as_their_ids() -> None:
    """What is drawn is a pattern of scores: the result is that of drawing ids one by one."""
    rng = np.random.default_rng(2)
    one = paired(rng.random((2, 60)), rng.random((3, 60)))
    two = paired(rng.random((2, 40)) < 0.5, rng.random((3, 40)) < 0.6, ids=np.arange(30, 70))
    found = bootstrap_differences([one, two], samples=4000)
    slow = np.empty((4000, 2))
    for sample in slow:
        ids = rng.integers(0, 70, 70)
        runs_a, runs_b = rng.integers(0, 2, 2), rng.integers(0, 3, 3)
        for place, language in enumerate((one, two)):
            offset = language.ids[0]
            drawn = ids[(ids >= offset) & (ids <= language.ids[-1])] - offset
            a = language.baseline[runs_a][:, drawn].mean()
            sample[place] = language.other[runs_b][:, drawn].mean() - a
    assert found.mean(0) == pytest.approx(slow.mean(0), abs=0.01)
    assert found.std(0) == pytest.approx(slow.std(0), rel=0.07)
    assert np.corrcoef(found.T)[0, 1] == pytest.approx(np.corrcoef(slow.T)[0, 1], abs=0.07)


def test_seeds_widen_the_interval() -> None:
    """Runs that differ more among themselves than the sides do are no evidence."""
    a = np.stack([hits(20, 100), hits(60, 100), hits(40, 100)])
    b = np.stack([hits(30, 100), hits(70, 100), hits(50, 100)])
    several = paired(a, b)
    effect = paired_effect([several], samples=4000)
    assert effect.difference == pytest.approx(0.1)
    assert effect.ci95[0] < 0 < effect.ci95[1]
    assert effect.verdict == "within noise"
    first = paired(a[:1], b[:1])  # one run each: the ten queries won are then a real difference
    assert paired_effect([first]).verdict == "better"


def test_the_p_value_belongs_to_the_interval() -> None:
    for shift in (1.9, 2.0):  # standard errors around the 1.96 of a normal distribution
        draws = np.random.default_rng(0).normal(shift, 1, 100_000)
        low, _ = percentile_interval(draws)
        assert (low > 0) == (bootstrap_p(draws) < 0.05)


@pytest.mark.parametrize("queries", [26, 200])
def test_the_interval_covers_the_truth(queries: int) -> None:
    """Of 300 simulated experiments about 95 % have the true difference in their interval."""
    rng = np.random.default_rng(queries)
    covered = 0
    for seed in range(300):
        skill = rng.random(queries)  # the difficulty that both sides share
        scores = paired(skill > 0.6, skill * rng.choice([1, 1, 2], queries) > 0.6)
        draws = bootstrap_differences([scores], samples=1000, seed=seed)[:, 0]
        low, high = percentile_interval(draws)
        covered += low <= 0.1 <= high  # P(0.3 < skill <= 0.6) / 3
    assert 0.90 <= covered / 300 <= 0.99


def test_the_tests_keep_their_level() -> None:
    """Without a difference at most about 5 % of experiments find one, in 20 languages at a time."""
    rng = np.random.default_rng(0)
    any_language = overall = 0
    for seed in range(60):
        scores = [paired(rng.random(50) < 0.5, rng.random(50) < 0.5) for _ in range(20)]
        rows = {f"l{i}": paired_effect([one], 50, seed) for i, one in enumerate(scores)}
        effects = correct_effects({**rows, "all": paired_effect(scores, 50, seed)})
        found = [effect.verdict != "within noise" for effect in effects.values()]
        any_language += any(found[:-1])
        overall += found[-1]
    assert any_language / 60 < 0.15
    assert overall / 60 < 0.15


# ---- verdicts ---------------------------------------------------------------------------------


def test_one_more_of_26_queries_is_within_noise() -> None:
    scores = paired(hits(12, 26), hits(13, 26))
    effect = paired_effect([scores])
    assert (round(100 * effect.baseline, 1), round(100 * effect.other, 1)) == (46.2, 50.0)
    assert effect.p == 1.0
    assert effect.verdict == "within noise"


def test_groups_weigh_languages_the_same_and_only_rows_are_corrected() -> None:
    small = paired(hits(0, 20), hits(8, 20))
    large = paired(hits(500, 1000), hits(500, 1000), ids=np.arange(100, 1100))
    rows = {"a": paired_effect([small]), "b": paired_effect([large])}
    effects = correct_effects({**rows, "all": paired_effect([small, large])})
    assert effects["a"].p_adjusted == pytest.approx(2 * rows["a"].p)
    assert effects["all"].p_adjusted == effects["all"].p
    assert effects["all"].difference == pytest.approx(0.2)
    assert effects["all"].queries == 1020
    verdicts = [effects[name].verdict for name in ("a", "b", "all")]
    assert verdicts == ["better", "within noise", "better"]
    turned = PairedScores(small.ids, small.other, small.baseline)
    assert paired_effect([turned]).verdict == "worse"


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_swapping_the_sides_turns_the_sign(data: st.DataObject) -> None:
    number = data.draw(st.integers(1, 40))
    score = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=number, max_size=number)
    one = paired(data.draw(score), data.draw(score))
    other = PairedScores(one.ids, one.other, one.baseline)
    effect, turned = paired_effect([one]), paired_effect([other])
    assert turned.difference == pytest.approx(-effect.difference)
    assert turned.p == pytest.approx(effect.p)
    assert 0 < effect.p <= 1
