"""Text in two scripts by a pattern or a tagger, and text with words of other languages."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.batches import small_data
from tests.settings import raises
from transliconet.batch import IGNORE, INPUT_IDS, LABELS, PAIR_INDEX
from transliconet.corpus.prepare import prepare
from transliconet.corpus.recipe import Recipe, Rules
from transliconet.corpus.sources.cldr import CldrNames
from transliconet.corpus.sources.text import TextFiles
from transliconet.data.augment import Augmenter
from transliconet.model.encoder import Encoder
from transliconet.objectives.encode import encode
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.pairs import PairsFolder
from transliconet.probe.views import NOISY, text_in_view
from transliconet.romanizers.uroman import Uroman
from transliconet.tokens.lexicon import Lexicon, read_lexicon, translations
from transliconet.tokens.noise import Augment, noisy_romanization
from transliconet.tokens.words import WordBoundaries
from transliconet.unicode_script import split_word

NATIVE, ROMANIZED = "Москва и Киев", "Moskva i Kiev"


def noisy(augment: Augment, native: str, romanized: str, **of_text: str) -> set[str]:
    """What twenty draws give."""
    rng = np.random.default_rng(0)
    return {noisy_romanization(native, romanized, augment, rng, **of_text) for _ in range(20)}


@pytest.fixture(scope="module")
def lexicon(cldr_pairs: PairsFolder) -> Lexicon:
    """Names of territories and currencies: ids are meanings."""
    return read_lexicon(cldr_pairs.path)


@pytest.fixture(scope="module")
def switched(cldr_pairs: PairsFolder) -> Augment:
    return Augment(switched=1.0, lexicon=cldr_pairs.path)


def name_in(pairs: PairsFolder, id_: str, lang: str, column: str = "text") -> str:
    rows = pairs.split("all", languages=[lang]).to_pylist()
    return next(str(row[column]) for row in rows if row["id"] == id_)


def some_id(pairs: PairsFolder) -> str:
    """Of a name that is one word in Russian and Greek."""
    one_word: dict[str, int] = {}
    for row in pairs.split("all", languages=["rus_Cyrl", "ell_Grek"]).to_pylist():
        one_word[row["id"]] = one_word.get(row["id"], 0) + (" " not in row["text"])
    return min(id_ for id_, number in one_word.items() if number == 2)


def test_a_pattern_says_which_words_are_romanized() -> None:
    capitals = Augment(mixed=1.0, mixed_pattern="^[А-Я]")
    assert noisy(capitals, NATIVE, ROMANIZED) == {"Moskva и Kiev"}
    assert noisy(capitals, "да и нет", "da i net") == {"da i net"}  # none does: it is left alone
    assert noisy(capitals, "Нью-Йорк", "Nyu York") == {"Nyu York"}  # words do not pair up
    half = noisy(Augment(mixed=0.5, mixed_pattern="^и$"), NATIVE, ROMANIZED)
    assert half == {"Москва i Киев", ROMANIZED}


def test_a_tagger_says_which_words_are_romanized(tmp_path: Path) -> None:
    file = tmp_path / "loans.jsonl"
    file.write_text(json.dumps({"id": "7", "lang": "rus_Cyrl", "spans": [[9, 13]]}) + "\n")
    tagged = Augment(mixed=1.0, mixed_spans=file)
    of_text = {"language": "rus_Cyrl", "id_": "7"}
    assert noisy(tagged, NATIVE, ROMANIZED, **of_text) == {"Москва и Kiev"}
    assert noisy(tagged, NATIVE, ROMANIZED, language="rus_Cyrl", id_="8") == {ROMANIZED}
    both = Augment(mixed=1.0, mixed_spans=file, mixed_pattern="^и$")
    assert noisy(both, NATIVE, ROMANIZED, **of_text) == {"Москва i Kiev"}


def test_words_of_other_languages_with_the_punctuation_around_them(
    cldr_pairs: PairsFolder, switched: Augment, lexicon: Lexicon
) -> None:
    id_ = some_id(cldr_pairs)
    word, own = (name_in(cldr_pairs, id_, "rus_Cyrl", c) for c in ("text", "romanized"))
    greek = name_in(cldr_pairs, id_, "ell_Grek", "romanized")
    native, romanized = f"ыы {word}, ыы", f"yy {own}, yy"
    drawn = noisy(switched, native, romanized, language="rus_Cyrl")
    assert f"yy {greek}, yy" in drawn
    assert len(drawn) > 1
    others = lexicon["rus_Cyrl", word.casefold()]
    assert drawn <= {f"yy {other}, yy" for other in others}
    # in a language that the lexicon does not have, and without a word of it, nothing is replaced
    assert noisy(switched, native, romanized, language="bul_Cyrl") == {romanized}
    assert noisy(switched, "ыы", "yy", language="rus_Cyrl") == {"yy"}
    # the view of the probe
    row = {"id": "1", "lang": "rus_Cyrl", "text": native, "romanized": romanized}
    assert text_in_view(row, NOISY, switched, 0) in drawn


def test_words_are_found_whatever_stands_around_them() -> None:
    assert split_word("(नमस्ते)") == ("(", "नमस्ते", ")")
    assert split_word("...") == ("...", "", "")
    known = {("rus_Cyrl", "дом"): ["house", "home"]}
    assert translations(known, "rus_Cyrl", "«Дом»") == ["«house»", "«home»"]
    assert translations(known, "ukr_Cyrl", "дом") == []


def test_rows_of_ids_are_those_of_the_text(
    encoder: Encoder, cldr_pairs: PairsFolder, switched: Augment
) -> None:
    tokenizer = encoder.tokenizer
    bounds = WordBoundaries.from_tokenizer(tokenizer)
    id_ = some_id(cldr_pairs)
    word, own = (name_in(cldr_pairs, id_, "rus_Cyrl", c) for c in ("text", "romanized"))
    rows = [np.array(tokenizer(t)["input_ids"], np.int32) for t in (f"и {word}", f"i {own}")]
    rng = np.random.default_rng(0)

    def drawn(augment: Augment, **of_pair: object) -> set[str]:
        augmenter = Augmenter(augment, tokenizer, bounds, 64, spans={3: np.array([0, -1])})
        made = [augmenter(*rows, rng, **of_pair) for _ in range(20)]  # type: ignore[arg-type]
        return {tokenizer.decode(row, skip_special_tokens=True) for row in made}

    greek = name_in(cldr_pairs, id_, "ell_Grek", "romanized")
    found = drawn(switched, language="rus_Cyrl")
    assert f"i {greek}" in found
    assert f"i {own}" not in found
    assert drawn(switched) == {f"i {own}"}
    assert drawn(Augment(mixed=1.0, mixed_pattern="^и$")) == {f"i {word}"}
    by_tagger = Augment(mixed=1.0, mixed_spans="read by the data module")
    assert drawn(by_tagger, pair=3) == {f"i {word}"}
    assert drawn(by_tagger, pair=4) == {f"i {own}"}


def test_training_batches_are_switched_and_native_rows_stay(
    cldr_pairs: PairsFolder, encoder: Encoder, switched: Augment, tmp_path: Path
) -> None:
    batches = []
    for augment in (Augment(), switched):
        data = small_data(cldr_pairs, encoder.tokenizer, augment=augment)
        data.setup()
        batches.append(next(iter(data.train_dataloader())))
    plain, changed = batches
    assert torch.equal(plain[PAIR_INDEX], changed[PAIR_INDEX])
    texts = [
        encoder.tokenizer.batch_decode(batch[INPUT_IDS], skip_special_tokens=True)
        for batch in batches
    ]
    assert texts[0][:16] == texts[1][:16]
    assert texts[0][16:] != texts[1][16:]


def test_impossible_options(uroman: Uroman, tmp_path: Path) -> None:
    with raises("TLN-CONFIG-304", naming="switched=0.5"):
        Augment(switched=0.5)
    with raises("TLN-CONFIG-303", naming="mixed_pattern"):
        Augment(mixed=1.0, mixed_pattern="(")
    with raises("TLN-DATA-200"):
        read_lexicon(tmp_path / "nowhere")
    one_language = CldrNames(kinds=("currencies",), languages=("kat_Geor",))
    prepare(one_language, uroman, tmp_path / "pairs", progress=False)
    with raises("TLN-DATA-301"):
        read_lexicon(tmp_path / "pairs")


@pytest.fixture(scope="module")
def one_sided(uroman: Uroman, tmp_path_factory: pytest.TempPathFactory) -> PairsFolder:
    """Twenty code-mixed texts in Latin letters, which have no native view."""
    folder = tmp_path_factory.mktemp("one_sided")
    file = folder / "hin_Latn.txt"
    file.write_text("".join(f"mere timer ko {n} minute ke liye pause karo\n" for n in range(20)))
    recipe = Recipe(rules=Rules(heldout=0.2))
    return prepare(TextFiles(str(file)), uroman, folder / "pairs", recipe, progress=False)


def test_both_rows_of_a_text_without_a_native_view_are_masked_each_by_itself(
    encoder: Encoder, one_sided: PairsFolder
) -> None:
    assert all(one_sided.table["identical"].to_pylist())
    data = small_data(one_sided, encoder.tokenizer, skip_unchanged=False, batch_size=8)
    data.setup()
    batch = next(iter(data.train_dataloader()))
    native, romanized = batch[INPUT_IDS].chunk(2)
    assert torch.equal(native, romanized)
    masks = (batch[LABELS] != IGNORE).chunk(2)
    assert not torch.equal(*masks)
    terms = MaskedLanguageModel()(encode(encoder, batch, MaskedLanguageModel().reads(encoder)))
    assert set(terms) == {"mlm_native", "mlm_romanized"}
    assert all(loss > 0 for loss in terms.values())


def test_a_folder_that_would_be_left_out_whole_is_refused(
    encoder: Encoder, cldr_pairs: PairsFolder, one_sided: PairsFolder
) -> None:
    with raises("TLN-CONFIG-331", naming="also"):
        small_data(cldr_pairs, encoder.tokenizer, also=[one_sided.path])
    kept = small_data(cldr_pairs, encoder.tokenizer, also=[one_sided.path], skip_unchanged=False)
    assert [len(part) for part in kept.text.parts()] == [
        folder.split("train").num_rows for folder in (cldr_pairs, one_sided)
    ]
