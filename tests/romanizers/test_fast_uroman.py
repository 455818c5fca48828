"""The cached romanizer gives what uroman gives: on CLDR names, on hostile mixtures, and where
uroman raises.
"""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uroman.uroman import Uroman

from transliconet.corpus.sources.base import Line
from transliconet.corpus.sources.cldr import CldrNames
from transliconet.romanizers.fast_uroman import CachedUroman, Memo
from transliconet.romanizers.uroman_split import StandIns

reference = cache(Uroman)
cached = cache(lambda: CachedUroman(cache_entries=3000))  # small, so that it is also emptied


@cache
def names() -> list[Line]:
    lines = [line for line in CldrNames() if isinstance(line, Line)]
    return lines[::60]


def outcome(romanize, text: str, code: str | None) -> object:
    try:
        return romanize(text, code)
    except Exception as error:
        return type(error), str(error)


def same(text: str, code: str | None) -> None:
    assert outcome(cached().romanize, text, code) == outcome(
        reference().romanize_string, text, code
    )


@pytest.mark.slow
def test_cldr_names_of_every_script() -> None:
    assert len({line.lang.script for line in names()}) >= 30
    for line in names():
        same(line.text, line.lang.language)


CHARACTERS = st.one_of(
    st.characters(),
    st.sampled_from([chr(c) for c in range(0x900, 0x1000)]),
    st.sampled_from([chr(c) for c in range(0xE01, 0xE5C)]),
    st.sampled_from("อออหก่้์เาิรวยๆ "),
    st.sampled_from([chr(c) for c in range(0x1780, 0x17F0)]),
    st.sampled_from([chr(c) for c in range(0x3040, 0x3100)]),
    st.sampled_from("一二三十百千万億分之負负零〇第个年，。「」（）"),
    st.sampled_from("0123456789.,-+/%½²①५٣Ⅳ៣"),
    st.sampled_from(" \t\n\u00a0\u2009\u3000\u200b\u200c\u200d\u202f፡'’()"),
    st.sampled_from("\u0301\u0300\u093c\u064b\u05b7་།ཀྱབསའ⠠⠼⠁⠃"),
    st.sampled_from([chr(c) for c in range(0x400, 0x460)]),
    st.sampled_from([chr(c) for c in range(0x370, 0x400)]),
    st.sampled_from([chr(c) for c in range(0x5D0, 0x6D6)]),
)
PARTS = st.one_of(
    CHARACTERS, CHARACTERS, st.deferred(lambda: st.sampled_from([line.text for line in names()]))
)
CODES = st.sampled_from(
    [
        None,
        "rus",
        "ukr",
        "bel",
        "ell",
        "hin",
        "san",
        "ben",
        "fas",
        "tha",
        "khm",
        "bod",
        "jpn",
        "xyz",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, max_size=12).map("".join), CODES)
def test_mixtures_of_scripts_numbers_spaces_and_marks(text: str, code: str | None) -> None:
    same(text, code)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "  two  spaces ",
        "thin\u2009space and U+3000\u3000here",
        "a\u00a0 b",
        "1 234,5 और ५½",
        "三百二十一 年",
        "เมื่อ อ อา ออ",
        "⠠⠓⠑⠇⠇⠕ мир",
        "፡ ሰላም ፡ ዓለም",
    ],
)
def test_lines_that_must_not_be_split_at_spaces(text: str) -> None:
    for code in (None, "tha", "amh", "rus"):
        same(text, code)


def test_what_uroman_raises_on_raises_the_same() -> None:
    with pytest.raises(AttributeError) as ours:
        cached().romanize("之前 百分之 之后", "zho")
    with pytest.raises(AttributeError) as theirs:
        reference().romanize_string("之前 百分之 之后", "zho")
    assert str(ours.value) == str(theirs.value)


def test_the_cache_is_bounded() -> None:
    memo = Memo(len, limit=3)
    for text in ("", "a", "bb", "ccc", "dddd"):
        assert memo[text] == len(text)
        assert len(memo) <= 3


def test_a_wrong_boundary_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    romanizer = cached()
    assert romanizer.splits["ου"] is None  # a rule joins the two
    monkeypatch.setitem(romanizer.splits, "ου", StandIns(after="υ", before="ο"))
    monkeypatch.setattr(romanizer.uroman, "romanize_string", lambda *_: "the whole line")
    romanizer._segments.clear()
    assert romanizer.romanize("που", "ell") == "the whole line"
    assert romanizer.romanize("πω", "ell") == "po"
