"""Languages drawn by weights and exponents: shares, batches, ranks and resumption."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.batches import small_data
from tests.settings import raises
from transliconet.data.batch_order import BatchOrder, languages_read
from transliconet.data.mixture import Mixture
from transliconet.data.mixture_sampler import MixtureBatchSampler
from transliconet.data.rounds import rounded
from transliconet.data.sampler import PairBatchSampler
from transliconet.data.settings import DataSettings
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.tokens.ragged import RaggedArray
from transliconet.tokens.tokenize import TokenizedPairs

SIZES = {"hin_Deva": 600, "kat_Geor": 300, "tha_Thai": 60}
TAGS = list(SIZES)
LANGUAGES = np.repeat(np.arange(3), list(SIZES.values()))


@pytest.fixture(scope="module")
def pairs() -> TokenizedPairs:
    """960 pairs in three languages, all texts different."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(len(LANGUAGES)):
        rows.append(np.array([number, *rng.integers(0, 9, rng.integers(1, 30))], np.int32))
    ragged = RaggedArray.from_rows(rows)
    return TokenizedPairs(ragged, ragged, 0, LANGUAGES, tags=TAGS)


def sampler(
    pairs: TokenizedPairs,
    mixture: Mixture | None = None,
    rank: int = 0,
    world_size: int = 1,
    round_batches: int | None = None,
    **options: object,
) -> PairBatchSampler:
    class Trainer:
        global_rank = rank
        max_steps, max_epochs, accumulate_grad_batches = 240, -1, 1

    Trainer.world_size = world_size  # type: ignore[attr-defined]
    chosen = DataSettings(**{"batch_size": 12, "window": 5, **options})  # type: ignore[arg-type]
    mixture = mixture or (Mixture(SIZES, chosen.weights, chosen.alpha) if chosen.is_mixed else None)
    order = BatchOrder(
        chosen, pairs, 0, mixture=mixture, round_batches=round_batches, scheduled=chosen.is_mixed
    )
    return order.sampler(Trainer())  # type: ignore[arg-type]


def epochs(sampler: PairBatchSampler, number: int = 1) -> list[np.ndarray]:
    batches = []
    for epoch in range(number):
        sampler.set_epoch(epoch)
        batches += [plan.indices for plan in sampler]
    return batches


def shares(batches: list[np.ndarray]) -> np.ndarray:
    drawn = np.bincount(LANGUAGES[np.concatenate(batches)], minlength=3)
    return drawn / drawn.sum()


@given(st.lists(st.floats(0, 50), min_size=1, max_size=9), st.floats(0, 1, exclude_max=True))
@example([1.0], 0.9999999999999999)
@settings(max_examples=60, deadline=None)
def test_rounding_is_within_one_and_keeps_a_whole_sum(amounts: list[float], offset: float) -> None:
    amounts.append(np.ceil(sum(amounts)) - sum(amounts))
    numbers = rounded(np.array(amounts), offset)
    assert numbers.sum() == round(sum(amounts))
    assert np.abs(numbers - amounts).max() < 1 + 1e-5


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=9), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_shares_add_up_and_keep_the_order_of_sizes(
    sizes: list[int], alpha: float, progress: float
) -> None:
    numbers = {str(i): number for i, number in enumerate(sorted(sizes))}
    drawn = list(Mixture(numbers, alpha=[1.0, alpha]).shares(progress).values())
    assert sum(drawn) == pytest.approx(1)
    assert min(drawn) > 0
    assert drawn == sorted(drawn)
    # no exponent gives a rare language less than its share
    assert drawn[0] >= numbers["0"] / sum(sizes) - 1e-9


def test_a_schedule_passes_through_its_points() -> None:
    mixture = Mixture({"a": 10_000, "b": 1}, alpha=[0.75, 0.5, 0.0])
    ratios = [10_000**alpha for alpha in (0.75, 0.625, 0.5, 0.25, 0.0)]
    for progress, ratio in zip((0, 0.25, 0.5, 0.75, 1), ratios, strict=True):
        found = mixture.shares(progress)
        assert found["a"] / found["b"] == pytest.approx(ratio)


@pytest.mark.parametrize("options", [{}, {"by_language": True}, {"batch_tokens": 400}], ids=str)
@pytest.mark.parametrize("world_size", [1, 3])
def test_languages_have_their_shares_on_all_ranks_together(
    pairs: TokenizedPairs, options: dict, world_size: int
) -> None:
    weights = {"tha_Thai": 4.0, "hin_Deva": 0.5}
    ranks = [
        sampler(pairs, rank=rank, world_size=world_size, weights=weights, **options)
        for rank in range(world_size)
    ]
    dealt = [epochs(rank, 3) for rank in ranks]
    assert {len(batches) for batches in dealt} == {3 * len(ranks[0])}
    batches = [batch for of_rank in dealt for batch in of_rank]
    weighted = np.array([300, 300, 240])
    assert shares(batches) == pytest.approx(weighted / 840, abs=0.02)
    assert all(len(set(batch)) == len(batch) >= 2 for batch in batches)
    # every pair of a language comes once before any comes twice
    times = np.bincount(np.concatenate(batches), minlength=960)
    for language in range(3):
        of_language = times[language == LANGUAGES]
        assert np.ptp(of_language) <= 2  # the last round is read in part
    assert (
        ranks[0].languages_read(LANGUAGES, len(ranks[0])).tolist()
        == np.bincount(LANGUAGES[np.concatenate(batches)]).tolist()
    )


def test_a_falling_exponent_brings_rare_languages_late(pairs: TokenizedPairs) -> None:
    batches = epochs(sampler(pairs, alpha=[1.0, 0.0]), 3)
    assert len(batches) == 240
    third = [shares(batches[start : start + 80])[2] for start in (0, 80, 160)]
    mixture = Mixture(SIZES, alpha=[1.0, 0.0])
    expected = [mixture.shares(progress)["tha_Thai"] for progress in (1 / 6, 1 / 2, 5 / 6)]
    assert third == pytest.approx(expected, abs=0.02)
    assert third[2] > 2 * third[0]


@pytest.mark.parametrize("options", [{}, {"by_language": True}, {"batch_tokens": 400}], ids=str)
def test_it_resumes_anywhere_from_plain_state(pairs: TokenizedPairs, options: dict) -> None:
    options = {"alpha": [0.7, 0.5, 0.3], "weights": {"kat_Geor": 2.0}, **options}
    whole = sampler(pairs, **options)
    batches = epochs(whole, 2)
    for done in (0, 3, 5, 17, len(whole) - 1):
        first = sampler(pairs, **options)
        assert isinstance(first, MixtureBatchSampler)
        epochs(first)
        first.set_epoch(1)
        ahead = iter(first)
        for _ in range(min(done + 4, len(first))):  # loader processes ask for more than is trained
            next(ahead)
        state = first.round_after(done)
        resumed = sampler(pairs, **options)
        assert isinstance(resumed, MixtureBatchSampler)
        resumed.set_epoch(1)
        resumed.resume(1, done)
        resumed.rounds.restore(state)
        rest = [plan.indices for plan in resumed]
        expected = batches[len(whole) + done :]
        assert [b.tolist() for b in rest] == [b.tolist() for b in expected]
        assert resumed.languages_read(LANGUAGES, len(whole)).sum() == sum(map(len, batches))


def test_pairs_of_a_short_run_are_known_before_it(pairs: TokenizedPairs) -> None:
    options = {"alpha": 0.3}
    read = epochs(sampler(pairs, **options))[:9]  # type: ignore[arg-type]
    known = sampler(pairs, **options).first_pairs(9)  # type: ignore[arg-type]
    assert known.tolist() == sorted(set(np.concatenate(read).tolist()))


def test_a_tiny_language_gives_no_batch_the_same_pair_twice(pairs: TokenizedPairs) -> None:
    few = np.concatenate([np.arange(200), np.arange(900, 905)])
    rows = RaggedArray.from_rows([pairs.native[i] for i in few])
    small = TokenizedPairs(rows, rows, 0, np.repeat([0, 1], [200, 5]), tags=["a", "b"])
    for by_language in (False, True):
        chosen = DataSettings(batch_size=12, window=5, alpha=0.0, by_language=by_language)
        order = BatchOrder(chosen, small, 0, mixture=Mixture({"a": 200, "b": 5}, alpha=0.0))
        batches = [plan.indices for plan in order.sampler(None)]
        assert all(len(set(batch)) == len(batch) for batch in batches)
        assert max(Counter(np.concatenate(batches).tolist()).values()) > 1


def test_a_run_says_what_each_language_gave(
    small_run: Callable[..., dict[str, int]],
) -> None:
    plain = small_run()
    weighted = small_run(weights={"rus_Cyrl": 5.0})
    assert sum(plain.values()) == sum(weighted.values()) == 6 * 16
    assert weighted["rus_Cyrl"] > 1.5 * plain["rus_Cyrl"]
    assert weighted["kat_Geor"] > 0


@pytest.fixture
def small_run(cldr_pairs: PairsFolder, encoder: Encoder) -> Callable[..., dict[str, int]]:
    def run(**options: object) -> dict[str, int]:
        chosen = {"languages": ["kat_Geor", "rus_Cyrl"], **options}
        data = small_data(cldr_pairs, encoder.tokenizer, **chosen)
        data.setup()
        batches = iter(data.train_dataloader())
        for _ in range(6):
            next(batches)
        assert data.sampler is not None
        assert data.pairs is not None
        return languages_read(data.sampler, data.pairs, epoch=0, batches=6)

    return run


@pytest.mark.parametrize(
    ("options", "code", "naming"),
    [
        ({"weights": {"hin_Deva": 2.0}}, "TLN-CONFIG-328", "weights"),
        ({"weights": {"ell_Grek": 2.0}}, "TLN-CONFIG-328", "weights"),
        ({"weights": {"rus_Cyrl": 0}}, "TLN-CONFIG-002", "weights.rus_Cyrl"),
        ({"alpha": [0.7, 1.5]}, "TLN-CONFIG-002", "alpha"),
        ({"alpha": []}, "TLN-CONFIG-002", "alpha"),
        ({"alpha": 0.5, "pairs_per_id": 2}, "TLN-CONFIG-329", "pairs_per_id"),
    ],
)
def test_unusable_mixtures_are_refused(
    small_run: Callable[..., dict[str, int]], options: dict, code: str, naming: str
) -> None:
    with raises(code, naming):
        small_run(**options)
