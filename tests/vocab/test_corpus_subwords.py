"""Subwords learned from a corpus: which are added, and the rows that they begin with."""

from pathlib import Path

import numpy as np
import pytest

from tests.settings import raises
from tests.vocab.tokenizers import FAMILIES, NATIVE, encoder_with, romanize
from transliconet.model.encoder import Encoder
from transliconet.vocab.apply import changed_share
from transliconet.vocab.base import VocabularyInputs
from transliconet.vocab.corpus_subwords import CHOICES, CorpusSubwords
from transliconet.vocab.families.choose import family_of
from transliconet.vocab.initial_rows import ExternalVectors

RUSSIAN = ["привет мир", "мир и вода", "вода мира", "водный мир, привет!", "да-да и нет"] * 6
THAI = ["กขค งจ", "งจ กขค กข", "กข งจ"] * 6
"""In a script that the vocabulary lacks."""


def inputs_of(texts: list[str], protected: tuple[str, ...] = ()) -> VocabularyInputs:
    return VocabularyInputs(
        protected=protected,
        native={"und_Zyyy": texts},
        romanized={"und_Zyyy": [romanize(text) for text in texts]},
    )


def unigram() -> Encoder:
    return encoder_with(FAMILIES["unigram"](NATIVE, 80))


def rows_of(encoder: Encoder) -> np.ndarray:
    return encoder.masked_lm.get_input_embeddings().weight.detach().numpy().copy()


@pytest.mark.parametrize("family", FAMILIES)
def test_native_text_keeps_its_tokenization_and_old_rows_stay(family: str) -> None:
    before = encoder_with(FAMILIES[family](NATIVE, 80))
    original, rows = before.tokenizer, rows_of(before)
    change = CorpusSubwords(size=60)(before, inputs_of(RUSSIAN, tuple(NATIVE)))
    after = change.encoder
    assert change.counts["added"] == len(after.tokenizer) - len(original) > 3
    assert changed_share(original, after.tokenizer, NATIVE) == 0
    romanized = [romanize(text) for text in RUSSIAN]
    count = lambda tokenizer: sum(map(len, tokenizer(romanized)["input_ids"]))  # noqa: E731
    assert count(after.tokenizer) < count(original)
    assert np.array_equal(rows_of(after)[: len(rows)], rows)


def test_aligned_rows_are_those_of_the_native_word() -> None:
    before = unigram()
    rows, tokenizer = rows_of(before), before.tokenizer
    texts = ["нет"] * 4  # one word, which is one subword when romanized
    after = CorpusSubwords(size=20)(before, inputs_of(texts)).encoder
    subwords = [subword for subword, _ in family_of(after.tokenizer).vocabulary()]
    used = after.tokenizer.tokenize("net")
    assert any(subwords.index(subword) >= len(tokenizer) for subword in used)
    ids = tokenizer("нет", add_special_tokens=False)["input_ids"]
    ids = [id_ for id_ in ids if id_ != tokenizer.convert_tokens_to_ids("▁")]
    for subword in used:
        if subwords.index(subword) >= len(tokenizer):
            row = rows_of(after)[subwords.index(subword)]
            np.testing.assert_allclose(row, rows[ids].mean(axis=0), rtol=1e-5, atol=1e-7)
    bias = after.masked_lm.get_output_embeddings().bias
    assert len(bias) == len(after.tokenizer)


def test_a_script_that_the_vocabulary_lacks_is_learned_in_both_views() -> None:
    before = unigram()
    unknown = before.tokenizer.unk_token_id
    assert unknown in before.tokenizer(THAI[0])["input_ids"]
    inputs = inputs_of(THAI, tuple(NATIVE))
    after = CorpusSubwords(view="both", size=40)(before, inputs).encoder
    assert unknown not in after.tokenizer(THAI[0])["input_ids"]
    assert len(after.tokenizer.tokenize("กขค งจ")) <= 3
    with raises("TLN-CONFIG-711", naming="view"):
        CorpusSubwords(view="native")(unigram(), inputs_of(THAI, tuple(THAI)))


@pytest.mark.parametrize("init", CHOICES)
def test_every_initialization_gives_rows_of_its_own(init: str, tmp_path: Path) -> None:
    words = sorted({word for text in RUSSIAN for word in text.split()})
    lines = []
    for number, word in enumerate(words):
        vector = " ".join(str(float(place == number)) for place in range(len(words)))
        lines += [f"{word} {vector}", f"{romanize(word)} {vector}"]
    file = tmp_path / "vectors.txt"
    file.write_text("\n".join(lines), encoding="utf-8")
    vectors = ExternalVectors(str(file), str(file), neighbours=1)
    before = unigram()
    first, rows = len(before.tokenizer), rows_of(before)
    method = CorpusSubwords(init, size=40, vectors=vectors)
    after = method(before, inputs_of(RUSSIAN)).encoder
    new = rows_of(after)[first:]
    assert len(new) > 3
    assert np.isfinite(new).all()
    assert after.masked_lm.get_output_embeddings().weight is (
        after.masked_lm.get_input_embeddings().weight
    )
    if init == "mean":
        np.testing.assert_allclose(new, np.tile(rows.mean(axis=0), (len(new), 1)), rtol=1e-4)
    elif init == "random":
        assert np.abs(new).max() <= np.abs(rows).max() * 2
    else:  # inside the box of the old rows
        assert (new.max(axis=0) <= rows.max(axis=0) + 1e-6).all()
        assert (new.min(axis=0) >= rows.min(axis=0) - 1e-6).all()
    baseline = CorpusSubwords("subwords", size=40)(unigram(), inputs_of(RUSSIAN)).encoder
    assert np.array_equal(new, rows_of(baseline)[first:]) == (init == "subwords")


def test_wechsel_turns_the_new_language_into_the_space_of_the_old_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    source = rng.normal(size=(12, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    for name, vectors, prefix in (("old", source, "s"), ("new", source @ turn, "t")):
        lines = [f"{prefix}{n} {' '.join(map(str, row))}" for n, row in enumerate(vectors)]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    pairs = [f"s{number}\tt{number}" for number in range(8)]  # not all words are in it
    (tmp_path / "dictionary").write_text("\n".join(pairs), encoding="utf-8")
    files = [str(tmp_path / name) for name in ("old", "new", "dictionary")]
    old, new = ExternalVectors(*files).spaces("wechsel")
    for number in range(12):
        np.testing.assert_allclose(new[f"t{number}"], old[f"s{number}"], atol=1e-5)
    with raises("TLN-CONFIG-712", naming="dictionary"):
        ExternalVectors(*files[:2]).spaces("wechsel")


def test_rows_of_a_rank_lie_in_that_many_dimensions() -> None:
    first = len(unigram().tokenizer)
    change = CorpusSubwords(size=60, rank=2)(unigram(), inputs_of(RUSSIAN))
    baseline = CorpusSubwords("subwords", size=60)(unigram(), inputs_of(RUSSIAN)).encoder
    new = rows_of(change.encoder)[first:]
    set_apart = (new != rows_of(baseline)[first:]).any(axis=1)
    assert set_apart.sum() == change.counts["rows by aligned"] > 5
    values = np.linalg.svd(new[set_apart].astype(np.float64), compute_uv=False)
    assert values[1] > 1e-3
    assert values[2] < 1e-5


def test_what_cannot_be_learned_is_told() -> None:
    with raises("TLN-CONFIG-709"):
        CorpusSubwords()(unigram(), VocabularyInputs())
    with raises("TLN-CONFIG-704", naming="languages"):
        CorpusSubwords(languages=["hin_Deva"])(unigram(), inputs_of(RUSSIAN))
    with raises("TLN-CONFIG-710", naming="source"):
        CorpusSubwords("ofa", size=40)(unigram(), inputs_of(RUSSIAN))
    with raises("TLN-CONFIG-001", naming="init"):
        CorpusSubwords("best")
