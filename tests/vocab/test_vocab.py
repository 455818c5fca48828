"""TransMI on vocabularies small enough to work out by hand, and on an encoder that is saved and
loaded again.
"""

import doctest
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pyarrow.compute as pc
import pytest
import torch

import transliconet.vocab.merge
import transliconet.vocab.whole_words
from tests.settings import raises
from transliconet.model.encoder import Encoder
from transliconet.model.tiny import tiny_encoder
from transliconet.pairs import PairsFolder
from transliconet.romanizers.base import Identity
from transliconet.romanizers.uroman import Uroman
from transliconet.vocab.apply import (
    add_subwords,
    changed_share,
    drop_subwords_used_in,
    extend,
)
from transliconet.vocab.base import VocabularyInputs
from transliconet.vocab.change import VocabularySpec, change_vocabulary, resolve_romanizers
from transliconet.vocab.families.choose import family_of
from transliconet.vocab.merge import MergePlan, NewSubword, merge_subwords
from transliconet.vocab.provenance import SubwordProvenance, count_by_script, subword_provenance
from transliconet.vocab.transmi import TransMI
from transliconet.vocab.trim import Trim
from transliconet.vocab.whole_words import whole_word_subwords

ROMAN = {
    "да": "da",
    "ДА": "da",
    "dá": "da",
    "нет": "net",
    "ё": "",
    "а б": "a b",
    "я": "ya",
    "ya": "ya",
    "dog": "dog",
}
VOCABULARY = [
    ("<s>", 0.0),
    ("▁да", -2.0),
    ("▁ДА", -4.0),
    ("▁dá", -2.0),
    ("нет", -5.0),
    ("ё", -6.0),
    ("а б", -7.0),
    ("dog", -8.0),
    ("я", -9.0),
    ("ya", -10.0),
    ("▁", -1.0),
]


def romanize(text: str) -> str:
    return ROMAN[text]


def test_merge_doctests() -> None:
    results = doctest.testmod(transliconet.vocab.merge)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize(
    ("merge", "score", "sources"),
    [("max", -2.0, (1,)), ("min", -4.0, (2,)), ("average", (-2.0 - 4.0 - 2.0) / 3, (1, 2, 3))],
)
def test_a_shared_romanization_takes_score_and_row_by_the_merge(
    merge: str, score: float, sources: tuple
) -> None:
    plan = merge_subwords(VOCABULARY, romanize, merge, special_ids={0})
    shared, alone = plan.new
    assert shared == NewSubword("▁da", pytest.approx(score), sources)
    assert alone == NewSubword("net", -5.0, (4,))


def test_every_subword_is_merged_or_counted() -> None:
    plan = merge_subwords(VOCABULARY, romanize, "average", special_ids={0})
    used = sum(len(p.sources) for p in plan.new)
    assert plan.skipped == {
        "already_a_subword": 1,
        "left_out": 1,
        "not_one_word": 2,
        "special": 1,
        "unchanged": 2,
    }
    assert used + sum(plan.skipped.values()) == len(VOCABULARY)


def test_an_original_subword_is_blended_with_its_homographs_by_frequency() -> None:
    vocabulary = [("▁που", 0.5), ("▁pou", 0.25), ("▁où", 0.5), ("▁ou", 0.25), ("▁ποῦ", 0.25)]
    romanizations = {"που": "pou", "où": "ou", "ποῦ": "pou", "pou": "pou", "ou": "ou"}
    kept = merge_subwords(vocabulary, romanizations.__getitem__)
    assert kept == MergePlan((), {"already_a_subword": 3, "unchanged": 2})
    plan = merge_subwords(vocabulary, romanizations.__getitem__, frequency=lambda score: score)
    # French letters with marks are no homographs of French letters without
    assert plan.new == (NewSubword("▁pou", 0.25, (1, 0, 4), (0.25, 0.5, 0.25), replaces=1),)
    assert plan.skipped == {"already_a_subword": 1, "unchanged": 2}
    fixed = merge_subwords(
        vocabulary, romanizations.__getitem__, frequency=lambda score: score, fixed_ids={1}
    )
    assert fixed == kept


def test_blending_without_protected_text_is_refused(encoder: Encoder) -> None:
    inputs = VocabularyInputs([Identity()])
    with raises("TLN-CONFIG-713", naming="homographs"):
        TransMI(homographs="blend").plan(encoder.tokenizer, inputs)
    with raises("TLN-CONFIG-001", naming="homographs"):
        TransMI(homographs="blended")


def test_a_piece_the_romanizer_raises_on_is_counted() -> None:
    plan = merge_subwords([("▁百分之", -1.0)], romanize)
    assert plan.skipped == {"romanizer_error": 1}


def test_restrictions() -> None:
    assert [
        p.text for p in merge_subwords(VOCABULARY, romanize, special_ids={0}, min_length=3).new
    ] == ["net"]
    only = merge_subwords(VOCABULARY, romanize, special_ids={0}, keep=lambda text: text == "ДА")
    assert only.new == (NewSubword("▁da", -4.0, (2,)),)


def test_an_unknown_merge_is_refused() -> None:
    with raises("TLN-CONFIG-001"):
        merge_subwords(VOCABULARY, romanize, "maxx")


NATIVE = [
    "привет мир",
    "мир и вода",
    "вода мира",
    "hello world",
    "privacy mirror",
    "мир привет вода",
] * 8
ALPHABET = dict(
    zip("приветмводаi", ["p", "r", "i", "v", "e", "t", "m", "v", "o", "d", "a", "i"], strict=True)
)


def transliterate(text: str) -> str:
    return "".join(ALPHABET.get(c, c) for c in text)


@pytest.fixture
def encoder() -> Encoder:
    made = tiny_encoder(NATIVE, vocab_size=60, hidden_size=16, layers=1, heads=2, positions=32)
    torch.nn.init.normal_(made.masked_lm.lm_head.bias)
    return made


@pytest.fixture
def plan(encoder: Encoder) -> MergePlan:
    specials = set(encoder.tokenizer.all_special_ids)
    plan = merge_subwords(
        family_of(encoder.tokenizer).vocabulary(), transliterate, "average", specials
    )
    assert any(len(p.text) > 2 for p in plan.new), "the vocabulary must give something to add"
    return plan


def test_original_rows_stay_and_new_rows_start_from_their_sources(
    encoder: Encoder, plan: MergePlan
) -> None:
    size = len(encoder.tokenizer)
    pieces = family_of(encoder.tokenizer).vocabulary()
    rows = encoder.masked_lm.get_input_embeddings().weight.detach().clone()
    bias = encoder.masked_lm.lm_head.bias.detach().clone()
    mask_id = encoder.tokenizer.mask_token_id
    extended = extend(encoder, plan.new)
    new_rows = extended.masked_lm.get_input_embeddings().weight
    assert len(extended.tokenizer) == size + len(plan.new) == len(new_rows)
    assert family_of(extended.tokenizer).vocabulary()[:size] == pieces
    assert extended.tokenizer.mask_token_id == mask_id
    assert torch.equal(new_rows[:size], rows)
    assert torch.equal(extended.masked_lm.lm_head.bias[:size], bias)
    for id_, piece in enumerate(plan.new, size):
        assert extended.tokenizer.convert_tokens_to_ids(piece.text) == id_
        torch.testing.assert_close(new_rows[id_], rows[list(piece.sources)].mean(0))
        torch.testing.assert_close(
            extended.masked_lm.lm_head.bias[id_], bias[list(piece.sources)].mean()
        )
    assert extended.masked_lm.lm_head.decoder.weight.data_ptr() == new_rows.data_ptr()


def test_the_extended_encoder_reloads_and_agrees(
    encoder: Encoder, plan: MergePlan, tmp_path
) -> None:
    extended = extend(encoder, plan.new)
    extended.masked_lm.save_pretrained(tmp_path)
    extended.tokenizer.save_pretrained(tmp_path)
    loaded = Encoder.from_pretrained(str(tmp_path))
    texts = [*NATIVE[:6], *map(transliterate, NATIVE[:6])]
    assert loaded.tokenizer(texts)["input_ids"] == extended.tokenizer(texts)["input_ids"]
    batch = loaded.tokenizer(texts, padding=True, return_tensors="pt")
    loaded.eval(), extended.eval()
    torch.testing.assert_close(loaded.masked_lm(**batch).logits, extended.masked_lm(**batch).logits)
    assert (
        loaded.masked_lm.lm_head.decoder.weight.data_ptr()
        == loaded.masked_lm.get_input_embeddings().weight.data_ptr()
    )


def test_native_text_is_tokenized_as_before_and_romanized_text_into_fewer_subwords(
    encoder: Encoder, plan: MergePlan
) -> None:
    before = encoder.tokenizer
    native = [t for t in NATIVE if not t.isascii()]
    roman = [transliterate(t) for t in native]
    after = extend(encoder, plan.new).tokenizer
    assert changed_share(before, after, native) == 0
    assert changed_share(before, after, roman) > 0
    assert sum(map(len, after(roman)["input_ids"])) < sum(map(len, before(roman)["input_ids"]))


def test_protected_text_is_tokenized_as_before(encoder: Encoder, plan: MergePlan) -> None:
    latin = [transliterate("привет мир")]  # text that the new pieces were made to cut
    before = encoder.tokenizer
    kept = drop_subwords_used_in(before, plan, latin)
    assert 0 < kept.skipped["protected"] <= len(plan.new) - len(kept.new)
    assert changed_share(before, extend(encoder, kept.new).tokenizer, latin) == 0


def romanize_by_language(text: str, language: str) -> str:
    return transliterate(text).replace("v", "w" if language.startswith("deu") else "v")


def pieces_added(encoder: Encoder, **options: object) -> set[str]:
    native = {"rus_Cyrl": ["привет мир"] * 3, "deu_Cyrl": ["вода"]}
    romanized = {
        tag: [romanize_by_language(t, tag) for t in texts] for tag, texts in native.items()
    }
    size = len(encoder.tokenizer)
    inputs = VocabularyInputs([romanize_by_language], native=native, romanized=romanized)  # type: ignore[list-item]
    change = TransMI(**options)(encoder, inputs)  # type: ignore[arg-type]
    extended, counts = change.encoder, change.counts
    added = [piece for piece, _ in family_of(extended.tokenizer).vocabulary()[size:]]
    assert counts["added"] == len(added) == len(set(added))
    return set(added)


def test_subwords_are_romanized_as_the_languages_that_use_them(encoder: Encoder) -> None:
    def added(**options: object) -> set[str]:
        fresh = tiny_encoder(NATIVE, vocab_size=60, hidden_size=16, layers=1, heads=2, positions=32)
        return pieces_added(fresh, **options)

    without, with_codes = added(language_codes=False), added()
    assert without < with_codes
    new = with_codes - without
    assert all("w" in piece for piece in new)
    used = {p.replace("▁", "") for p in encoder.tokenizer.tokenize("вода")}
    assert {piece.replace("▁", "") for piece in new} <= {
        romanize_by_language(p, "deu_Cyrl") for p in used
    }
    only = added(languages=["rus_Cyrl"])
    assert only < with_codes
    sources = set(encoder.tokenizer.tokenize("привет мир"))
    assert only == {transliterate(p) for p in sources} - encoder.tokenizer.get_vocab().keys()
    with raises("TLN-CONFIG-704"):
        added(languages=["fra_Latn"])


def test_added_tokens_keep_their_ids(encoder: Encoder, plan: MergePlan) -> None:
    encoder.tokenizer.add_tokens(["<ent>"])  # its id is the first that a new subword would take
    first = encoder.tokenizer.convert_tokens_to_ids("<ent>") + 1
    extended = add_subwords(encoder.tokenizer, plan.new)
    assert extended.convert_tokens_to_ids(["<ent>", plan.new[0].text]) == [first - 1, first]
    text = "мир <ent> вода"
    assert extended(text)["input_ids"] == encoder.tokenizer(text)["input_ids"]


def test_transmi_without_a_romanizer_is_refused(encoder: Encoder) -> None:
    with raises("TLN-CONFIG-703"):
        TransMI().plan(encoder.tokenizer, VocabularyInputs())


def of_language(pairs: PairsFolder, tag: str) -> PairsFolder:
    rows = pairs.table.filter(pc.equal(pairs.table["lang"], tag))
    return replace(pairs, manifest={**pairs.manifest, "languages": {tag: {}}}, table=rows)


def test_blending_warns_where_no_text_in_latin_script_is_protected(
    cldr_pairs: PairsFolder,
    make_encoder: Callable[..., Encoder],
    caplog: pytest.LogCaptureFixture,
) -> None:
    spec = VocabularySpec(TransMI(homographs="blend"))
    russian, english = (of_language(cldr_pairs, tag) for tag in ("rus_Cyrl", "eng_Latn"))
    change = change_vocabulary(spec, make_encoder(), [russian, english])
    assert (change.counts["blended"] > 0, caplog.text) == (True, "")
    change_vocabulary(spec, make_encoder(), [russian])
    assert "no text in Latin script is protected" in caplog.text


def test_text_of_more_folders_is_learned_from(
    cldr_pairs: PairsFolder, make_encoder: Callable[..., Encoder]
) -> None:
    of = partial(of_language, cldr_pairs)
    spec = VocabularySpec(Trim(min_per_script=0))
    texts = of("kat_Geor").table["text"].to_pylist()
    original = make_encoder().tokenizer
    whole = [original.tokenize(text) for text in texts]
    alone, both = (
        change_vocabulary(spec, make_encoder(), [of("rus_Cyrl"), *also]).encoder
        for also in ([], [of("kat_Geor")])
    )
    same, other = ([e.tokenizer.tokenize(text) for text in texts] == whole for e in (both, alone))
    assert (same, other) == (True, False)


def test_every_romanizer_gives_pieces(encoder: Encoder) -> None:
    def other(text: str, lcode: str) -> str:
        return transliterate(text).replace("v", "q")

    def pieces(*romanizers: Callable[[str, str], str]) -> set[str]:
        return {p.text for p in TransMI().plan(encoder.tokenizer, VocabularyInputs(romanizers)).new}  # type: ignore[arg-type]

    one, two = pieces(romanize_by_language), pieces(other)
    assert one != two
    assert pieces(romanize_by_language, other) == one | two


def test_romanizers_are_those_that_the_pairs_were_made_with(cldr_pairs: PairsFolder) -> None:
    def made_with(name: str) -> PairsFolder:
        return replace(cldr_pairs, manifest={**cldr_pairs.manifest, "romanizer": {"name": name}})

    assert [type(r) for r in resolve_romanizers("pairs", [cldr_pairs, cldr_pairs])] == [Uroman]
    assert [type(r) for r in resolve_romanizers("pairs", [made_with("none")])] == [
        Uroman
    ]  # its text came romanized
    assert [type(r) for r in resolve_romanizers("pairs", [])] == [Uroman]
    assert [type(r) for r in resolve_romanizers(["none"], [cldr_pairs])] == [Identity]
    both = resolve_romanizers(["pairs", "none"], [cldr_pairs])
    assert [type(r) for r in both] == [Uroman, Identity]
    with raises("TLN-CONFIG-001"):
        resolve_romanizers("uromann", [])
    with raises("TLN-CONFIG-001"):
        resolve_romanizers("pairs", [made_with("a_tool_of_theirs")])


def test_a_plan_is_what_is_added_and_leaves_the_encoder_alone(encoder: Encoder) -> None:
    inputs = VocabularyInputs(
        [romanize_by_language], protected=["вода"], native={"rus_Cyrl": ["привет мир", "вода"]}
    )
    before = family_of(encoder.tokenizer).vocabulary()
    plan = TransMI().plan(encoder.tokenizer, inputs)
    assert family_of(encoder.tokenizer).vocabulary() == before
    fresh = tiny_encoder(NATIVE, vocab_size=60, hidden_size=16, layers=1, heads=2, positions=32)
    assert family_of(fresh.tokenizer).vocabulary() == before
    change = TransMI()(fresh, inputs)
    extended, counts = change.encoder, change.counts
    assert family_of(extended.tokenizer).vocabulary()[len(before) :] == [
        (p.text, p.score) for p in plan.new
    ]
    assert counts == {"added": len(plan.new), **plan.skipped}


def test_provenance_names_the_sources_with_their_scores_and_scripts(encoder: Encoder) -> None:
    vocabulary = family_of(encoder.tokenizer).vocabulary()
    first, second, third = (
        next(i for i, (piece, _) in enumerate(vocabulary) if letter in piece)
        for letter in ("а", "в", "dog"[0])
    )
    plan = MergePlan((NewSubword("▁x", -3.5, (first, third)), NewSubword("y", -4.0, (second,))), {})
    shared, alone = subword_provenance(encoder.tokenizer, plan)
    assert shared == SubwordProvenance(
        "▁x", -3.5, (vocabulary[first], vocabulary[third]), ("Cyrl", "Latn")
    )
    assert alone == SubwordProvenance("y", -4.0, (vocabulary[second],), ("Cyrl",))
    assert count_by_script([shared, alone]) == {"Cyrl": 2, "Latn": 1}


def test_inputs_are_what_is_not_held_out(cldr_pairs: PairsFolder, uroman: Uroman) -> None:
    inputs = VocabularyInputs.from_pairs(cldr_pairs, [uroman], ["rus_Cyrl"], protected=["Москва"])
    rows = cldr_pairs.split("train", languages=["rus_Cyrl"])
    assert inputs.native == {"rus_Cyrl": rows["text"].to_pylist()}
    assert inputs.romanized == {"rus_Cyrl": rows["romanized"].to_pylist()}
    assert inputs.protected == ["Москва"]
    assert list(VocabularyInputs.from_pairs(cldr_pairs, [uroman]).native) == sorted(
        cldr_pairs.manifest["languages"]
    )


def test_words_that_would_be_split_unlike_their_native_word_get_a_subword(encoder: Encoder) -> None:
    results = doctest.testmod(transliconet.vocab.whole_words)
    assert (results.attempted > 0, results.failed) == (True, 0)
    codeless = pieces_added(
        tiny_encoder(NATIVE, vocab_size=60, hidden_size=16, layers=1, heads=2, positions=32)
    )
    with_words = pieces_added(encoder, min_word_count=1)
    assert codeless <= with_words
    original = encoder.tokenizer
    words = {("привет", "privet"): 3, ("мир", "mir"): 2, ("вода", "voda"): 1}
    plan = merge_subwords(
        family_of(original).vocabulary(), transliterate, "max", set(original.all_special_ids)
    )
    extended = add_subwords(original, plan.new)
    pieces = {
        p.text: p
        for p in whole_word_subwords(
            original, extended, words, lambda p: [transliterate(p)], min_count=1
        )
    }
    for (native, roman), _ in words.items():
        expected = [transliterate(p) for p in original.tokenize(native)]
        assert (extended.tokenize(roman) != expected) == (f"▁{roman}" in pieces)
    for word, piece in pieces.items():
        native = next(n for n, r in words if f"▁{r}" == word)
        assert set(piece.sources) <= set(original(native, add_special_tokens=False)["input_ids"])
        assert add_subwords(extended, [piece]).tokenize(word[1:]) == [word]
    long = {("привет", "mir" * 20): 1}
    (piece,) = whole_word_subwords(
        original, extended, long, lambda p: [transliterate(p)], min_count=1
    )
    assert piece.score == min(
        s for _, s in family_of(extended).vocabulary()
    )  # that of unknown characters follows it down
    assert add_subwords(extended, [piece]).tokenize("mir" * 20) == [piece.text]
    assert not whole_word_subwords(
        original, extended, words, lambda p: [transliterate(p)], min_count=4
    )
    lacked = {("ⴰⵎⴰⵣⵉⵖ", "mir" * 20): 1}  # a script that the tokenizer does not know
    assert not whole_word_subwords(
        original, extended, lacked, lambda p: [transliterate(p)], min_count=1
    )
