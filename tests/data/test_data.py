"""Tokenization, batches and their order: what may not change a run, and what may not get into
it.
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from tests.settings import raises
from transliconet.batch import INPUT_IDS, MASKED_IDS, PAIR_INDEX
from transliconet.data.batching import PairFeatures
from transliconet.data.collate import Collator
from transliconet.data.datamodule import PairsDataModule
from transliconet.data.masking import Masking
from transliconet.data.sampler import BatchPlan, PairBatchSampler
from transliconet.data.settings import DataSettings
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.tokens.fields import BatchNeeds
from transliconet.tokens.padding import Vocabulary, content_mask, pad
from transliconet.tokens.ragged import RaggedArray
from transliconet.tokens.tokenize import tokenize, tokenize_pairs


@pytest.fixture
def data(cldr_pairs: PairsFolder, encoder: Encoder) -> Callable[..., PairsDataModule]:
    def make(**options: object) -> PairsDataModule:
        settings = DataSettings(**{"batch_size": 16, "max_length": 32, **options})  # type: ignore[arg-type]
        needs = BatchNeeds(masked_input=True)
        module = PairsDataModule(cldr_pairs, encoder.tokenizer, settings, needs, encoder.positions)
        module.setup()
        return module

    return make


def test_rows_are_what_the_tokenizer_gives(encoder: Encoder) -> None:
    texts = ["Москва", "", "Ελλάδα και Κύπρος", "ไทย"]
    rows, truncated = tokenize(encoder.tokenizer, texts, 64)
    assert [list(rows[i]) for i in range(len(rows))] == encoder.tokenizer(texts)["input_ids"]
    assert truncated == 0
    assert list(rows.lengths) == [len(r) for r in encoder.tokenizer(texts)["input_ids"]]


def test_long_rows_are_cut_and_counted_and_keep_their_end(encoder: Encoder) -> None:
    rows, truncated = tokenize(encoder.tokenizer, ["Москва " * 50, "да"], 10)
    assert truncated == 1
    assert len(rows[0]) == 10
    assert rows[0][-1] == encoder.tokenizer.sep_token_id
    assert rows[1][-1] == encoder.tokenizer.sep_token_id


def test_padding_and_content() -> None:
    ids, attention = pad([np.array([0, 7, 8, 2]), np.array([0, 2])], pad_id=1)
    assert ids.tolist() == [[0, 7, 8, 2], [0, 2, 1, 1]]
    assert attention.tolist() == [[True] * 4, [True, True, False, False]]
    content = content_mask(ids, attention, torch.tensor([0, 1, 2]))
    assert content.tolist() == [[False, True, True, False], [False] * 4]


def test_a_batch_has_both_views_in_the_same_order(
    encoder: Encoder, cldr_pairs: PairsFolder
) -> None:
    rows = cldr_pairs.split("train").slice(0, 50)
    native, romanized = rows["text"].to_pylist(), rows["romanized"].to_pylist()
    pairs = tokenize_pairs(encoder.tokenizer, native, romanized, 64)
    collate = Collator(pairs, Vocabulary.from_tokenizer(encoder.tokenizer))
    batch = collate(BatchPlan((0,), np.array([5, 2, 9])))
    texts = [encoder.tokenizer.decode(r, skip_special_tokens=True) for r in batch[INPUT_IDS]]
    expected = [t for side in (native, romanized) for t in (side[5], side[2], side[9])]
    assert [t.replace(" ", "") for t in texts] == [t.replace(" ", "") for t in expected]
    assert batch[PAIR_INDEX].tolist() == [5, 2, 9]
    assert MASKED_IDS not in batch


def test_masks_depend_on_the_plan_alone(encoder: Encoder) -> None:
    pairs = tokenize_pairs(encoder.tokenizer, ["Москва и Киев"] * 9, ["Moskva i Kiev"] * 9, 64)
    vocabulary, indices = Vocabulary.from_tokenizer(encoder.tokenizer), np.arange(9)
    collate = Collator(pairs, vocabulary, Masking(probability=0.5))
    first = collate(BatchPlan((1, 2), indices))
    torch.rand(3)
    again = collate(BatchPlan((1, 2), indices))
    other = collate(BatchPlan((1, 3), indices))
    assert torch.equal(first[MASKED_IDS], again[MASKED_IDS])
    assert not torch.equal(first[MASKED_IDS], other[MASKED_IDS])


def indices(sampler: PairBatchSampler) -> list[list[int]]:
    return [plan.indices.tolist() for plan in sampler]


@pytest.mark.parametrize(("number", "batch_size"), [(100, 8), (97, 8), (2, 8), (8, 8), (33, 4)])
@pytest.mark.parametrize("window", [1, 3, 50])
def test_every_pair_once_an_epoch_and_never_alone(
    number: int, batch_size: int, window: int
) -> None:
    sampler = PairBatchSampler(PairFeatures(np.arange(number)), batch_size, window=window)
    batches = indices(sampler)
    assert sorted(i for b in batches for i in b) == list(range(number))
    assert len(batches) == len(sampler)
    assert min(map(len, batches)) >= 2
    assert max(map(len, batches)) <= batch_size + 1


@pytest.mark.parametrize("number", [100, 97, 33])
def test_batches_of_one_group_and_mixed_ones_of_what_is_over(number: int) -> None:
    groups = np.random.default_rng(0).integers(3, size=number)
    sampler = PairBatchSampler(PairFeatures(np.arange(number), groups=groups), 8)
    batches = indices(sampler)
    assert sorted(i for b in batches for i in b) == list(range(number))
    assert len(batches) == len(sampler)
    pure = [b for b in batches if len(set(groups[b])) == 1 and len(b) == 8]
    assert len(pure) >= sum(np.bincount(groups) // 8)
    assert min(map(len, batches)) >= 2


def test_order_is_a_function_of_seed_and_epoch() -> None:
    features = PairFeatures(np.random.default_rng(0).integers(1, 60, 500))
    first, again, other = (PairBatchSampler(features, 8, seed=s) for s in (1, 1, 2))
    assert indices(first) == indices(again) != indices(other)
    again.set_epoch(1)
    assert indices(first) != indices(again)


@pytest.mark.parametrize("budget", [None, 300])
@pytest.mark.parametrize(("number", "world_size"), [(500, 4), (33, 3), (20, 5)])
def test_ranks_share_every_pair_in_as_many_batches(
    number: int, world_size: int, budget: int | None
) -> None:
    features = PairFeatures(np.random.default_rng(0).integers(1, 60, number))
    ranks = [
        PairBatchSampler(features, 8, rank=r, world_size=world_size, batch_tokens=budget)
        for r in range(world_size)
    ]
    for epoch in range(3):
        for rank in ranks:
            rank.set_epoch(epoch)
        dealt = [indices(rank) for rank in ranks]
        assert {len(batches) for batches in dealt} == {len(ranks[0])}
        assert sorted(i for batches in dealt for b in batches for i in b) == list(range(number))
        assert min(len(b) for batches in dealt for b in batches) >= 2
        read = sorted(i for batches in dealt for b in batches[:2] for i in b)
        assert ranks[0].first_pairs(2).tolist() == read
        assert ranks[0].first_pairs(0).tolist() == []


@pytest.mark.parametrize("groups", [None, np.arange(777) % 3], ids=["together", "by_group"])
def test_batches_keep_to_their_budget_of_tokens(groups: np.ndarray | None) -> None:
    rng = np.random.default_rng(0)
    tokens, text = rng.integers(4, 100, 777), rng.integers(0, 600, 777)
    sampler = PairBatchSampler(PairFeatures(tokens, groups, [text]), 8, batch_tokens=400)
    numbers = set()
    for epoch in range(5):
        sampler.set_epoch(epoch)
        batches = indices(sampler)
        numbers.add(len(batches))
        assert sorted(i for b in batches for i in b) == list(range(777))
        costs = sorted(int(tokens[b].sum()) for b in batches)
        assert (
            costs[-4] <= 400
        )  # a single pair left over, or one that had to be parted from its equal, may go beyond
        assert costs[-1] <= 500
        assert np.mean(costs) > 300
        assert all(len(set(text[b])) == len(b) for b in batches)
    assert len(numbers) == 1  # Lightning counts the batches of the first epoch only
    assert numbers == {len(sampler)}


def test_equal_texts_of_either_view_stand_in_different_batches() -> None:
    rng = np.random.default_rng(0)
    native, romanized = rng.integers(0, 300, 400), rng.integers(0, 200, 400)
    features = PairFeatures(rng.integers(2, 40, 400), text_digests=[native, romanized])
    sampler = PairBatchSampler(features, 16)
    batches = indices(sampler)
    assert sorted(i for b in batches for i in b) == list(range(400))
    for batch in batches:
        assert len(set(native[batch])) == len(set(romanized[batch])) == len(batch)
    without = indices(PairBatchSampler(PairFeatures(rng.integers(2, 40, 400)), 16))
    assert any(len(set(native[b])) < len(b) for b in without)  # or nothing has been parted


def test_texts_that_cannot_be_parted_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    everything_alike = np.zeros(40, dtype=np.uint64)
    with caplog.at_level("WARNING"):
        features = PairFeatures(np.arange(2, 42), text_digests=[everything_alike])
        sampler = PairBatchSampler(features, 8)
    assert sorted(i for b in indices(sampler) for i in b) == list(range(40))
    assert "35 pairs share a batch with an equal text" in caplog.text


def test_digests_are_equal_for_equal_rows_only() -> None:
    rng = np.random.default_rng(0)
    rows = [rng.integers(0, 5, rng.integers(1, 6)).astype(np.int32) for _ in range(70_000)]
    ragged = RaggedArray.from_rows(rows)
    by_row = {tuple(row): digest for row, digest in zip(rows, ragged.digests, strict=True)}
    assert all(
        by_row[tuple(row)] == digest for row, digest in zip(rows, ragged.digests, strict=True)
    )
    assert len(set(by_row.values())) == len(by_row) > 1000


def test_a_resumed_epoch_goes_on_where_it_was() -> None:
    features = PairFeatures(np.random.default_rng(0).integers(1, 60, 200))
    whole, resumed = PairBatchSampler(features, 8), PairBatchSampler(features, 8)
    for sampler in (whole, resumed):
        sampler.set_epoch(2)
    resumed.resume(2, 7)
    plans, rest = list(whole), list(resumed)
    assert [p.key for p in rest] == [p.key for p in plans[7:]]
    assert [p.indices.tolist() for p in rest] == [p.indices.tolist() for p in plans[7:]]
    resumed.set_epoch(3)
    assert len(list(resumed)) == len(whole)


def test_a_window_pads_less_than_random_batches() -> None:
    lengths = np.random.default_rng(0).integers(1, 200, 4000)

    def padded(window: int) -> int:
        sampler = PairBatchSampler(PairFeatures(lengths), 16, window=window)
        return sum(len(batch) * max(lengths[batch]) for batch in indices(sampler))

    assert padded(50) < 0.7 * padded(1)


def test_too_few_pairs() -> None:
    with raises("TLN-DATA-321"):
        PairBatchSampler(PairFeatures(np.array([3])), 8)
    with raises("TLN-DATA-322"):
        PairBatchSampler(PairFeatures(np.ones(7)), 8, world_size=4)


def test_no_heldout_id_is_trained_on(
    data: Callable[..., PairsDataModule], cldr_pairs: PairsFolder
) -> None:
    module = data()
    rows = cldr_pairs.split("train", skip_unchanged=True)
    seen = {
        rows["id"][i].as_py()
        for batch in module.train_dataloader()
        for i in batch[PAIR_INDEX].tolist()
    }
    heldout = set(cldr_pairs.split("heldout")["id"].to_pylist())
    assert len(heldout) > 20
    assert len(seen) > 20
    assert not seen & heldout


def test_workers_change_nothing(data: Callable[..., PairsDataModule]) -> None:
    alone, helped = (list(data(workers=w).train_dataloader()) for w in (0, 2))
    assert len(alone) == len(helped) > 3
    for a, b in zip(alone, helped, strict=True):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[k], b[k]) for k in a)


def test_languages_restrict_the_training_part(
    data: Callable[..., PairsDataModule], cldr_pairs: PairsFolder
) -> None:
    batches = data(languages=["tha_Thai"]).train_dataloader()
    number = cldr_pairs.split("train", skip_unchanged=True, languages=["tha_Thai"]).num_rows
    assert sum(len(b[PAIR_INDEX]) for b in batches) == number > 0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"batch_size": 1}, "TLN-CONFIG-002"),
        ({"max_length": 65}, "TLN-CONFIG-320"),
        ({"languages": ["hin_Deva"]}, "TLN-CONFIG-200"),
    ],
)
def test_unusable_options_are_refused(
    data: Callable[..., PairsDataModule], options: dict, code: str
) -> None:
    with raises(code, naming=next(iter(options))):
        data(**options)
