"""Words are found in rows of every family of tokenizers, and rows are made anew from them."""

import doctest

import numpy as np
import pytest

import transliconet.tokens.marks
from tests.vocab.tokenizers import FAMILIES, NATIVE, romanize
from transliconet.data.augment import Augmenter
from transliconet.tokens.marks import WORD_START, WordMarks
from transliconet.tokens.noise import Augment
from transliconet.tokens.words import WordBoundaries, number_words

each_family = pytest.mark.parametrize("family", FAMILIES)
MADE = {name: train([*NATIVE, *map(romanize, NATIVE)], 90) for name, train in FAMILIES.items()}


def ids(family: str, text: str) -> np.ndarray:
    return np.array(MADE[family](text)["input_ids"], np.int32)


def words(family: str, row: np.ndarray) -> list[str]:
    tokenizer, marks = MADE[family], WordMarks.from_tokenizer(MADE[family])
    split = WordBoundaries.from_tokenizer(tokenizer).split(row)
    return [marks.text(tokenizer.convert_ids_to_tokens(w.tolist())).strip() for w in split]


def test_marks_doctests() -> None:
    results = doctest.testmod(transliconet.tokens.marks)
    assert (results.attempted > 0, results.failed) == (True, 0)


@each_family
def test_plain_form_can_be_reversed(family: str) -> None:
    marks = WordMarks.from_tokenizer(MADE[family])
    special = set(MADE[family].all_special_tokens)
    whole = 0
    for subword in set(MADE[family].get_vocab()) - special:
        plain = marks.plain(subword)
        assert plain == "" or marks.own(plain) == subword
        whole += plain != ""
        if marks.begins_word(subword) and plain:
            assert plain.startswith(WORD_START) or plain[0].isspace()
    assert whole > 30


@each_family
def test_spaces_part_words(family: str) -> None:
    assert words(family, ids(family, "привет мир и вода")) == ["привет", "мир", "и", "вода"]
    assert words(family, ids(family, "privet, mir!")) == ["privet,", "mir!"]
    rows = [
        [ids(family, f(text)) for text in ("мир и вода", "вода, мир!")] for f in (str, romanize)
    ]
    numbers = number_words(WordBoundaries.from_tokenizer(MADE[family]), rows[0], rows[1], length=40)
    assert numbers.max(1).tolist() == [2, 1, 2, 1]


@each_family
def test_rows_are_made_anew_from_words_of_both_views(family: str) -> None:
    tokenizer = MADE[family]
    boundaries = WordBoundaries.from_tokenizer(tokenizer)
    native, romanized = ids(family, "привет мир вода"), ids(family, "privet mir voda")
    rng = np.random.default_rng(0)
    mix = Augmenter(Augment(mixed=1.0), tokenizer, boundaries, 60)
    seen = {" ".join(words(family, mix(native, romanized, rng))) for _ in range(60)}
    choices = [("привет", "privet"), ("мир", "mir"), ("вода", "voda")]
    mixed = {f"{a} {b} {c}" for a in choices[0] for b in choices[1] for c in choices[2]}
    assert seen == mixed - {"привет мир вода"}
    spell = Augmenter(Augment(typed=1.0), tokenizer, boundaries, 60)
    spelled = set()
    for _ in range(30):
        row = spell(native, romanized, rng)
        text = words(family, row)
        assert len(text) == 3
        if tokenizer.unk_token_id not in row:
            assert row.tolist() == ids(family, " ".join(text)).tolist()
            spelled.add(" ".join(text))
    assert len(spelled) > 1


def test_a_wordpiece_tokenizer_has_no_words_of_punctuation_or_of_chinese_characters() -> None:
    marks = WordMarks(continuation="##")
    starts = [marks.begins_word(subword) for subword in ("да", "##да", ",", "世", "हि", "3")]
    assert starts == [True, False, False, False, True, True]
