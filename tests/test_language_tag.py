from pathlib import Path

import pytest

from transliconet.errors import DataError
from transliconet.language_tag import LanguageTag, iso639_3
from transliconet.unicode_script import has_non_latin_letter, scripts_in


@pytest.mark.parametrize("tag", ["hin_Deva", "srp_Cyrl", "srp_Latn", "zho_Hans"])
def test_tags_are_read_and_written_back(tag: str) -> None:
    assert str(LanguageTag.parse(tag)) == tag


@pytest.mark.parametrize(
    ("tag", "problem"),
    [
        ("hin", "not a language tag"),
        ("hi_Deva", "not a language tag"),
        ("hin-Deva", "not a language tag"),
        ("HIN_Deva", "not a language tag"),
        ("hin_Deva ", "not a language tag"),
        (None, "not a language tag"),
        ("qqz_Deva", "'qqz' is not an ISO 639-3 code"),
        ("hin_Xxxx", "'Xxxx' is not an ISO 15924 code"),
    ],
)
def test_wrong_tags_are_refused_with_an_example(tag: object, problem: str) -> None:
    with pytest.raises(DataError, match=problem) as error:
        LanguageTag.parse(tag, "corpus.lang")
    assert "corpus.lang=" in str(error.value)
    assert "hin_Deva" in error.value.remedy


def test_file_names() -> None:
    assert str(LanguageTag.from_file_name(Path("a/hin_Deva.txt"))) == "hin_Deva"
    assert str(LanguageTag.from_file_name(Path("kat_Geor.part2.csv"))) == "kat_Geor"
    with pytest.raises(DataError, match="no language tag in the file name"):
        LanguageTag.from_file_name(Path("corpus.txt"))


@pytest.mark.parametrize(("code", "expected"), [("hi", "hin"), ("kok", "kok"), ("zz", None)])
def test_iso639_3(code: str, expected: str | None) -> None:
    assert iso639_3(code) == expected


def test_scripts_of_a_text() -> None:
    assert scripts_in("Москва, 東京, 100 km") == {"Cyrl", "Hani", "Latn"}
    assert scripts_in("123 …") == set()
    assert has_non_latin_letter("où ты")
    assert not has_non_latin_letter("où vas-tu? 12")
