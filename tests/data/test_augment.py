"""Words in rows of ids, and romanized rows made anew: misspelled, or partly in their own script."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from tests.batches import small_data
from tests.settings import raises
from transliconet.batch import INPUT_IDS, PAIR_INDEX
from transliconet.data.augment import Augmenter
from transliconet.data.collate import Collator
from transliconet.data.sampler import BatchPlan
from transliconet.errors import ConfigError
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.tokens.fields import TrainingTokens
from transliconet.tokens.noise import Augment, noisy_romanization
from transliconet.tokens.padding import Vocabulary
from transliconet.tokens.tokenize import tokenize_pairs
from transliconet.tokens.words import WORDS, WordBoundaries, WordNumbers, number_words

NATIVE, ROMANIZED = "Москва и Киев", "Moskva i Kiev"


def ids(encoder: Encoder, text: str) -> np.ndarray:
    return np.array(encoder.tokenizer(text)["input_ids"], np.int32)


def text(encoder: Encoder, row: np.ndarray) -> str:
    return encoder.tokenizer.decode(row, skip_special_tokens=True)


@pytest.fixture
def bounds(encoder: Encoder) -> WordBoundaries:
    return WordBoundaries.from_tokenizer(encoder.tokenizer)


def test_a_tokenizer_that_does_not_mark_words_is_refused() -> None:
    words = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1, "b": 2}, unk_token="[UNK]"))
    with raises("TLN-CKPT-301"):
        WordBoundaries.from_tokenizer(
            PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]")
        )


def test_words_are_what_spaces_part(encoder: Encoder, bounds: WordBoundaries) -> None:
    row = ids(encoder, NATIVE)
    numbers = bounds.number(row)
    assert (numbers[0], numbers[-1]) == (-1, -1)
    assert sorted(set(numbers[1:-1])) == [0, 1, 2]
    assert [text(encoder, w) for w in bounds.split(row)] == ["Москва", "и", "Киев"]
    assert np.concatenate(bounds.split(row)).tolist() == row[1:-1].tolist()
    assert bounds.split(ids(encoder, "")) == []


def test_words_are_numbered_in_both_views_or_in_neither(
    encoder: Encoder, bounds: WordBoundaries
) -> None:
    native = [ids(encoder, NATIVE), ids(encoder, "Нью-Йорк")]
    romanized = [ids(encoder, ROMANIZED), ids(encoder, "Nyu York")]
    length = max(map(len, native + romanized))
    numbers = number_words(bounds, native, romanized, length)
    assert numbers.shape == (4, length)
    assert (numbers[0].max(), numbers[2].max()) == (2, 2)
    assert (numbers[1].max(), numbers[3].max()) == (-1, -1)


def test_text_is_rewritten_as_rows_of_ids_are() -> None:
    rng = np.random.default_rng(0)
    mixed = {noisy_romanization(NATIVE, ROMANIZED, Augment(mixed=1.0), rng) for _ in range(100)}
    both = {
        f"{a} {b} {c}" for a in ("Москва", "Moskva") for b in ("и", "i") for c in ("Киев", "Kiev")
    }
    assert mixed == both - {NATIVE}  # one word at least stays romanized
    assert (
        noisy_romanization("Нью-Йорк", "Nyu York", Augment(mixed=1.0), rng) == "Nyu York"
    )  # words do not pair up
    assert noisy_romanization(NATIVE, ROMANIZED, Augment(), rng) == ROMANIZED


def augmenter(
    encoder: Encoder, bounds: WordBoundaries, max_length: int = 64, **options: float
) -> Augmenter:
    return Augmenter(Augment(**options), encoder.tokenizer, bounds, max_length)


def test_mixing_takes_each_word_from_one_of_the_views(
    encoder: Encoder, bounds: WordBoundaries
) -> None:
    mix, rng = augmenter(encoder, bounds, mixed=1.0), np.random.default_rng(0)
    native, romanized = ids(encoder, NATIVE), ids(encoder, ROMANIZED)
    made = {tuple(mix(native, romanized, rng).tolist()) for _ in range(100)}
    words = zip(bounds.split(native), bounds.split(romanized), strict=True)
    one, two, three = ([tuple(w.tolist()) for w in pair] for pair in words)
    possible = {(romanized[0], *a, *b, *c, romanized[-1]) for a in one for b in two for c in three}
    assert made == possible - {(romanized[0], *native[1:-1], romanized[-1])}


def test_mixing_leaves_pairs_with_other_numbers_of_words(
    encoder: Encoder, bounds: WordBoundaries
) -> None:
    row = ids(encoder, "Nyu York")
    mixed = augmenter(encoder, bounds, mixed=1.0)(
        ids(encoder, "Нью-Йорк"), row, np.random.default_rng(0)
    )
    assert mixed.tolist() == row.tolist()


def test_respelled_words_are_tokenized_again(encoder: Encoder, bounds: WordBoundaries) -> None:
    noise, rng = augmenter(encoder, bounds, typed=1.0), np.random.default_rng(0)
    seen = set()
    for _ in range(20):
        row = noise(ids(encoder, NATIVE), ids(encoder, ROMANIZED), rng)
        assert len(bounds.split(row)) == 3
        assert row.tolist() == ids(encoder, text(encoder, row)).tolist()
        seen.add(text(encoder, row))
    assert len(seen) > 5
    assert (
        pickle.loads(pickle.dumps(noise))(ids(encoder, NATIVE), ids(encoder, ROMANIZED), rng)
        is not None
    )


def test_rows_stay_within_their_length(encoder: Encoder, bounds: WordBoundaries) -> None:
    row = augmenter(encoder, bounds, max_length=6, mixed=1.0)(
        ids(encoder, NATIVE), ids(encoder, ROMANIZED)[[0, 1, 2, 3, -1]], np.random.default_rng(1)
    )
    assert len(row) <= 6
    assert row[-1] == encoder.tokenizer.sep_token_id


def test_what_is_made_depends_on_the_plan_alone_and_native_rows_stay(
    encoder: Encoder, bounds: WordBoundaries
) -> None:
    pairs = tokenize_pairs(encoder.tokenizer, [NATIVE] * 9, [ROMANIZED] * 9, 64)
    vocabulary = Vocabulary.from_tokenizer(encoder.tokenizer)
    collate = Collator(
        pairs,
        vocabulary,
        augmenter=augmenter(encoder, bounds, typed=0.5, mixed=0.5),
        fields=[WordNumbers().open(TrainingTokens([pairs], encoder.tokenizer))],
    )
    first, again, other = (collate(BatchPlan((1, n), np.arange(9))) for n in (2, 2, 3))
    assert torch.equal(first[INPUT_IDS], again[INPUT_IDS])
    assert first[INPUT_IDS].shape != other[INPUT_IDS].shape or not torch.equal(
        first[INPUT_IDS], other[INPUT_IDS]
    )
    assert {text(encoder, r) for r in first[INPUT_IDS][:9]} == {text(encoder, ids(encoder, NATIVE))}
    assert first[WORDS].shape == first[INPUT_IDS].shape
    assert (first[WORDS].max(1).values == 2).all()


def test_impossible_shares() -> None:
    with raises("TLN-CONFIG-002", naming="mixed=1.5"):
        Augment(mixed=1.5)


def test_two_romanizations_are_trained_on_together(
    cldr_pairs: PairsFolder, encoder: Encoder
) -> None:
    alone = small_data(cldr_pairs, encoder.tokenizer)
    both = small_data(cldr_pairs, encoder.tokenizer, also=[cldr_pairs.path], by_language=True)
    alone.setup()
    both.setup()
    one, two = alone.pairs, both.pairs
    assert len(two) == 2 * len(one)
    assert two.native[len(one) + 3].tolist() == one.native[3].tolist()
    assert two.lengths.tolist() == [*one.lengths, *one.lengths]
    seen = [i for batch in both.train_dataloader() for i in batch[PAIR_INDEX].tolist()]
    assert sorted(seen) == list(range(len(two)))


def test_folders_that_hold_out_other_ids_are_refused(
    cldr_pairs: PairsFolder, encoder: Encoder, tmp_path: Path
) -> None:
    shutil.copytree(cldr_pairs.path, tmp_path / "other")
    file = tmp_path / "other" / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["rules"]["heldout"] = 0.5
    file.write_text(json.dumps(manifest))
    with pytest.raises(ConfigError) as error:
        small_data(cldr_pairs, encoder.tokenizer, also=[tmp_path / "other"])
    assert error.value.code == "TLN-CONFIG-321"
