"""Every family of tokenizers is extended, trimmed, saved and read; native text stays as it was."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import BertTokenizer, PreTrainedTokenizerBase

from tests.vocab.tokenizers import ALPHABET, FAMILIES, NATIVE, encoder_with, romanize
from transliconet.model.embed import embed
from transliconet.model.encoder import Encoder
from transliconet.romanizers.base import Identity
from transliconet.runs.hf_folder import export_encoder
from transliconet.vocab.apply import (
    add_subwords,
    changed_share,
    complete_plan,
    drop_subwords_used_in,
    extend,
)
from transliconet.vocab.base import VocabularyInputs
from transliconet.vocab.families.choose import family_of
from transliconet.vocab.families.merges import last_merge
from transliconet.vocab.graft import Graft
from transliconet.vocab.merge import MergePlan, NewSubword
from transliconet.vocab.transmi import TransMI
from transliconet.vocab.trim import Trim

ROMANIZED = [romanize(text) for text in NATIVE]
INPUTS = VocabularyInputs(
    [romanize],  # type: ignore[list-item]
    protected=NATIVE,
    native={"rus_Cyrl": NATIVE},
    romanized={"rus_Cyrl": ROMANIZED},
)
each_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture(scope="module")
def tokenizers() -> dict[str, PreTrainedTokenizerBase]:
    return {name: train(NATIVE, 70) for name, train in FAMILIES.items()}


def read_again(encoder: Encoder, folder: Path) -> Encoder:
    export_encoder(encoder, folder, "card")
    return Encoder.from_pretrained(str(folder))


def rows_of(encoder: Encoder) -> torch.Tensor:
    """A copy of the embedding matrix."""
    return encoder.masked_lm.get_input_embeddings().weight.detach().clone()


def tokenizes_alike_when_read_again(encoder: Encoder, texts: list[str], folder: Path) -> Encoder:
    """The encoder as it is read from its export."""
    again = read_again(encoder, folder)
    assert again.tokenizer.get_vocab() == encoder.tokenizer.get_vocab()
    assert again.tokenizer(texts)["input_ids"] == encoder.tokenizer(texts)["input_ids"]
    return again


@each_family
def test_romanized_words_are_added_and_native_text_stays(
    family: str, tokenizers: dict[str, PreTrainedTokenizerBase], tmp_path: Path
) -> None:
    before = tokenizers[family]
    encoder = encoder_with(before)
    rows = rows_of(encoder)
    plan = TransMI(min_word_count=1).plan(before, INPUTS)
    extended = extend(encoder, plan.new)
    after, new_rows = extended.tokenizer, rows_of(extended)
    assert changed_share(before, after, NATIVE) == 0
    first = family_of(before).size
    assert after.convert_ids_to_tokens(list(range(first))) == before.convert_ids_to_tokens(
        list(range(first))
    )
    assert torch.equal(new_rows[:first], rows[:first])
    for id_, subword in enumerate(plan.new, first):
        torch.testing.assert_close(new_rows[id_], rows[list(subword.sources)].mean(0))
    romanized = [text for text in ROMANIZED if text not in NATIVE]
    lengths = [sum(map(len, t(romanized)["input_ids"])) for t in (before, after)]
    assert lengths[1] < 0.8 * lengths[0], lengths
    texts = [*NATIVE, *ROMANIZED]
    again = tokenizes_alike_when_read_again(extended, texts, tmp_path / "extended")
    assert again.masked_lm.config.original_vocabulary == first
    np.testing.assert_array_equal(embed(again, texts[:3]), embed(extended, texts[:3]))


@each_family
@settings(max_examples=12, deadline=None)
@given(
    texts=st.lists(st.text(alphabet=[*ALPHABET, *"aeimoprtv 'é"], min_size=1), max_size=6),
    words=st.lists(st.text(alphabet="aeimoprtv", min_size=1, max_size=6), unique=True, max_size=12),
)
def test_protected_text_is_tokenized_as_before_whatever_is_added(
    family: str,
    tokenizers: dict[str, PreTrainedTokenizerBase],
    texts: list[str],
    words: list[str],
) -> None:
    before = tokenizers[family]
    new = [NewSubword(mark + word, -1.0, (5,)) for word in words for mark in ("▁", "")]
    marks, known = family_of(before).marks, before.get_vocab()
    new = [subword for subword in new if marks.own(subword.text) not in known]
    kept = drop_subwords_used_in(before, MergePlan(tuple(new), {}), texts)
    completed = family_of(before).complete(kept.new, kept.banned)
    after = add_subwords(before, kept.new, kept.banned)
    assert changed_share(before, after, texts) == 0
    assert len(after) == len(before) + len(completed)
    if family != "unigram":  # which chooses by score
        for subword in kept.new:
            if subword.text.startswith("▁") and subword in completed:
                word = marks.within_text(subword.text[1:])
                assert after.tokenize(word) == [marks.own(subword.text)]


@each_family
def test_homographs_get_rows_between_both_and_protected_text_keeps_its_own(
    family: str, tokenizers: dict[str, PreTrainedTokenizerBase], tmp_path: Path
) -> None:
    before = tokenizers[family]
    encoder = encoder_with(before)
    rows = rows_of(encoder)
    protected = ["вода мира", "a vivid"]
    inputs = replace(INPUTS, protected=protected)
    plan = TransMI(homographs="blend").plan(before, inputs)
    blended = {s.replaces: s for s in plan.new if s.replaces is not None}
    change = TransMI(homographs="blend")(encoder, inputs)
    after, new_rows = change.encoder.tokenizer, rows_of(change.encoder)
    assert change.counts["blended"] == len(blended) > 0
    first = family_of(before).size
    assert torch.equal(new_rows[:first], rows[:first])
    for id_, subword in enumerate(plan.new, first):
        if subword.replaces is not None:
            assert subword.sources[0] == subword.replaces
            mean = np.average(rows[list(subword.sources)].numpy(), 0, subword.weights)
            np.testing.assert_allclose(new_rows[id_], mean, rtol=1e-5, atol=1e-7)
    # text is split as before, and uses the new rows where it is not protected
    assert before(protected)["input_ids"] == after(protected)["input_ids"]
    alone = add_subwords(before, list(blended.values()))
    text = "mirror period, omit"
    assert alone.tokenize(text) == before.tokenize(text)
    assert not blended.keys() & set(after(ROMANIZED)["input_ids"][0])
    assert set(before(text)["input_ids"]) & blended.keys()
    assert changed_share(before, alone, [text]) == 1
    assert len(after.get_vocab()) == len(after) == max(after.get_vocab().values()) + 1
    texts = [*NATIVE, *ROMANIZED, text]
    again = tokenizes_alike_when_read_again(change.encoder, texts, tmp_path / "blended")
    # what was added or blended may have been trained since, and stays
    counts = TransMI(homographs="blend")(again, inputs).counts
    assert counts["added"] == 0
    assert "blended" not in counts


def test_wordpiece_takes_the_longest_match_and_keeps_word_starts_apart(
    tokenizers: dict[str, PreTrainedTokenizerBase],
) -> None:
    new = [NewSubword(text, 0.0, (5,)) for text in ("▁pri", "▁privo", "rov", "v'e", "▁v")]
    after = add_subwords(tokenizers["wordpiece"], new)
    assert after.tokenize("privo privor") == ["privo", "privo", "##r"]
    assert after.tokenize("pridrov rov") == ["pri", "##d", "##rov", "r", "##o", "##v"]
    assert "rov" not in after.get_vocab()
    assert "##v'e" not in after.get_vocab()  # an apostrophe is split off first


def test_new_merges_of_bpe_come_last_and_have_rows_of_their_own(
    tokenizers: dict[str, PreTrainedTokenizerBase],
) -> None:
    before = tokenizers["byte-level BPE"]
    one, two, whole = family_of(before).complete([NewSubword("▁qxz", 0.0, (9,))])
    assert (one.text, two.text, whole.text) == ("▁q", "▁qx", "▁qxz")
    ids = before.get_vocab()
    assert two.sources == (ids["Ġ"], ids["q"], ids["x"])
    assert whole.sources == (9,)
    after = add_subwords(before, [whole])
    assert after.tokenize("a qxz") == ["a", "Ġqxz"]
    # a step that changes protected text takes the subword with it, or another way is found
    plan = drop_subwords_used_in(before, MergePlan((whole,), {}), ["a qx"])
    after = add_subwords(before, family_of(before).complete(plan.new, plan.banned))
    assert changed_share(before, after, ["a qx"]) == 0
    assert after.tokenize("a qxz") == ["a", "Ġqxz"]
    assert last_merge("Ġmir", family_of(before).ranks)


@each_family
def test_trimmed_text_keeps_tokens_and_vectors_and_is_grafted_back(
    family: str, tokenizers: dict[str, PreTrainedTokenizerBase], tmp_path: Path
) -> None:
    texts = ["привет мир", "privet mir, hello", "вода!"]
    full = export_encoder(encoder_with(tokenizers[family]), tmp_path / "full", "card")
    before = Encoder.from_pretrained(str(full))
    vectors = embed(before, texts)
    inputs = VocabularyInputs([Identity()], native={"und_Zyyy": texts})
    trimmed = Trim(0)(Encoder.from_pretrained(str(full)), inputs).encoder
    again = read_again(trimmed, tmp_path / "trimmed")
    assert len(again.tokenizer) < len(before.tokenizer)
    for encoder in (trimmed, again):
        assert changed_share(before.tokenizer, encoder.tokenizer, texts) == 0
        np.testing.assert_array_equal(embed(encoder, texts), vectors)
        for token in ("pad", "mask", "unk"):
            assert getattr(encoder.tokenizer, f"{token}_token_id") is not None
        assert encoder.masked_lm.config.pad_token_id == encoder.tokenizer.pad_token_id
    grafted = Graft(str(full))(again, inputs).encoder
    assert grafted.tokenizer.get_vocab() == before.tokenizer.get_vocab()
    states = grafted.masked_lm.state_dict(), before.masked_lm.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[1])


def test_no_word_of_wordpiece_becomes_unknown() -> None:
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "p", "##riv", "pr"]
    before = BertTokenizer(vocab={subword: id_ for id_, subword in enumerate(vocabulary)})
    assert before.tokenize("priv") == ["[UNK]"]
    before = BertTokenizer(vocab={subword: id_ for id_, subword in enumerate(vocabulary[:-1])})
    assert before.tokenize("priv") == ["p", "##riv"]
    after = add_subwords(before, [NewSubword("▁pri", 0.0, (5,))])
    assert after.tokenize("priv") == ["pri", "##v"]


@pytest.mark.parametrize(
    ("originals", "new", "text"),
    [
        # what follows the shorter one would be unknown without a character of the longer one
        (["p", "##riv"], ["▁pri", "▁pr"], "priv"),
        # an unknown word stays unknown, although the character would split it
        (["p", "##riv"], ["▁pr"], "pv"),
        # both: that the one stays unknown must not make the other unknown
        (["p", "##riv"], ["▁pri", "▁pr"], "pv priv"),
    ],
)
def test_characters_that_complete_wordpiece_change_no_protected_text(
    originals: list[str], new: list[str], text: str
) -> None:
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *originals]
    before = BertTokenizer(vocab={subword: id_ for id_, subword in enumerate(vocabulary)})
    wanted = tuple(NewSubword(subword, 0.0, (5,)) for subword in (*new, "▁vo"))
    plan = drop_subwords_used_in(before, MergePlan(wanted, {}), text.split())
    completed = complete_plan(before, plan)
    after = add_subwords(before, completed.new, completed.banned)
    assert after.tokenize(text) == before.tokenize(text)
    assert after.tokenize("vo") == ["vo"]
    encoder = extend(encoder_with(before), completed.new, completed.banned)
    assert encoder.tokenizer.get_vocab() == after.get_vocab()


@pytest.mark.parametrize(
    ("family", "rounds"),
    [("wordpiece", [3, 1]), ("unigram", [3, 1]), ("byte-level BPE", [3, 1, 3])],
)
def test_native_text_is_tokenized_again_only_where_subwords_are_replaced(
    family: str,
    rounds: list[int],
    tokenizers: dict[str, PreTrainedTokenizerBase],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr("transliconet.vocab.apply.say", said.append)
    plan = MergePlan((NewSubword("▁qx", -1.0, (5,)),), {})
    drop_subwords_used_in(tokenizers[family], plan, ["a qx", "a", "b"])
    assert [int(line.split()[4]) for line in said] == rounds
