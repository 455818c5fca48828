"""Words as people type them."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transliconet.tokens.noise import Augment, noisy_romanization
from transliconet.tokens.spelling import Writer
from transliconet.tokens.spelling_rules import ARABIC, INDO_ARYAN, OTHER, PERSIAN, RULES, rules_for
from transliconet.tokens.substitutions import Substitutions

SEEDS = st.integers(0, 2**32 - 1)
EVERY_RULES = [*{id(rules): rules for rules in (*RULES.values(), PERSIAN, OTHER)}.values()]


@given(st.text(min_size=1).filter(lambda word: len(word.split()) == 1), SEEDS)
def test_a_word_never_vanishes_or_falls_apart(word: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for rules in EVERY_RULES:
        typed = Writer(rules, strength=1.6).spell(word.strip(), rng)
        # only the Arabic article is written apart
        assert 1 <= len(typed.split()) <= (2 if rules.has_article else 1)


@pytest.mark.parametrize(
    ("native", "romanized", "as_people_type"),
    [
        ("अपने", "apane", "apne"),
        ("चिकनी", "cikanii", "chikni"),
        ("हैं", "haim", "hain"),
        ("প্রথম", "pratham", "prothom"),
        ("নাটক", "naattak", "natok"),
        ("የሚሆን", "yamihone", "yemihon"),
    ],
)
def test_what_nearly_everybody_writes_is_drawn_most_often(
    native: str, romanized: str, as_people_type: str
) -> None:
    rng = np.random.default_rng(0)
    careful = Writer(rules_for(native), strength=0.3)
    drawn = Counter(careful.spell(romanized, rng).lower() for _ in range(300))
    assert drawn.most_common(1)[0][0] == as_people_type


def test_the_arabic_article_is_written_in_many_ways() -> None:
    rng = np.random.default_rng(0)
    drawn = {Writer(ARABIC, strength=1e-9).spell("walshmsi", rng).lower() for _ in range(500)}
    assert {"wal shamsi", "wel-shemsi", "was shamsi"} <= drawn


def test_persian_is_not_spelled_like_arabic() -> None:
    assert rules_for("همه چیز") is PERSIAN
    assert rules_for("كل شيء") is ARABIC


def test_substitutions_keep_capitals() -> None:
    always = Substitutions({"kh": (1.0, "x")})
    assert always.apply("Khakh", 1.0, np.random.default_rng(0)) == "Xax"


@pytest.mark.parametrize(
    ("script", "romanized", "as_people_type"),
    [
        ("Arab", "shkra", {"shokra", "shukra", "4akra", "chekra"}),
        ("Deva", "dosta", {"dost", "dosta"}),
        ("Grek", "thalassa", {"8alassa", "talassa"}),
        ("Cyrl", "khorosho", {"horosho", "xorosho", "khoroso"}),
    ],
)
def test_spellings_that_people_use_are_drawn(
    script: str, romanized: str, as_people_type: set[str]
) -> None:
    rng = np.random.default_rng(0)
    writer = Writer(RULES[script])
    drawn = {writer.spell(romanized, rng) for _ in range(3000)}
    assert as_people_type <= drawn


def test_a_careful_writer_changes_less_than_a_careless_one() -> None:
    changed = {}
    for strength in (1e-9, 0.3, 1.6):
        rng = np.random.default_rng(0)
        writer = Writer(INDO_ARYAN, strength)
        drawn = [writer.spell("vishesh", rng) for _ in range(500)]
        changed[strength] = sum(word != "vishesh" for word in drawn)
    assert changed[1e-9] == 0
    assert changed[0.3] < changed[1.6]


def test_rules_are_those_of_the_native_script() -> None:
    rng = np.random.default_rng(0)
    augment = Augment(typed=1.0)
    arabic = {noisy_romanization("حبيبي", "hbyby", augment, rng) for _ in range(300)}
    russian = {noisy_romanization("хорошо", "hbyby", augment, rng) for _ in range(300)}
    assert any("7" in text for text in arabic)
    assert not any("7" in text for text in russian)


def test_a_share_of_the_texts_is_respelled() -> None:
    rng = np.random.default_rng(0)
    text = "dhanyavaada mere priya dosta, phira milenge"
    drawn = [noisy_romanization("धन्यवाद", text, Augment(typed=0.25), rng) for _ in range(800)]
    share = sum(typed != text for typed in drawn) / len(drawn)
    assert 0.2 < share < 0.3


@given(st.from_regex(r"[0-9]{1,8}[.,:-]?[0-9]{0,4}", fullmatch=True), SEEDS)
def test_numbers_stay(number: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for rules in EVERY_RULES:
        assert Writer(rules, strength=1.6).spell(number, rng) == number
