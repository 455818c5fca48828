"""Delimited text: delimiters, headers, quoting, comments, encodings, and the corpora laid out so."""

import csv
import gzip
import io
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.settings import raises
from transliconet.corpus.sources.base import Line, Skip
from transliconet.corpus.sources.delimited import DelimitedFiles, TranslicoCsv
from transliconet.corpus.sources.dialect import Dialect, KnownDialect, language_in_comments
from transliconet.errors import ConfigError


def write(path: Path, content: str | bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def texts(reader: DelimitedFiles) -> list[str]:
    """The text of each line, the reason of each skip."""
    return [x.text if isinstance(x, Line) else x.reason for x in reader]


def test_translicos_csv_brings_its_own_transliteration(tmp_path: Path) -> None:
    path = write(
        tmp_path / "rus_Cyrl.csv", 'transliteration,text\n"da, net","да, нет"\nskvoz\',сквозь\n'
    )
    assert [(x.id, x.text, x.romanized) for x in TranslicoCsv(path) if isinstance(x, Line)] == [
        ("rus_Cyrl.csv:2", "да, нет", "da, net"),
        ("rus_Cyrl.csv:3", "сквозь", "skvoz'"),
    ]
    again = TranslicoCsv(path, use_transliteration=False)
    assert [x.romanized for x in again if isinstance(x, Line)] == [None, None]


def test_rows_that_cannot_be_used_are_skipped_with_a_reason(tmp_path: Path) -> None:
    rows = [
        b"text,transliteration",
        "д".encode(),
        b"\xff,x",
        "да, нет,da net".encode(),
        b"",
        '"да",da'.encode(),
        '"да" нет,da'.encode(),
        '"не закрыто,da'.encode(),
        "нет,net".encode(),
    ]
    path = write(tmp_path / "rus_Cyrl.csv", b"\n".join(rows) + b"\n")
    reader = TranslicoCsv(path)
    assert [(x.number, x.reason if isinstance(x, Skip) else x.text) for x in reader] == [
        (2, "missing_field"),
        (3, "invalid_utf8"),
        (4, "extra_fields"),
        (5, "empty"),
        (6, "да"),
        (7, "damaged_quoting"),
        (8, "damaged_quoting"),
        (9, "нет"),
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "no column 'text'; the header has 'sentence', 'roman'"),
        ({"text_column": 3}, "no column 3; its rows have 2"),
        (
            {"text_column": "sentence", "transliteration_column": "t"},
            "no column 't'.*transliteration_column",
        ),
    ],
)
def test_a_missing_column(columns: dict, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "rus_Cyrl.csv", "sentence,roman\nда,da\n")
    with raises("TLN-DATA-101") as raised:
        DelimitedFiles(path, **columns)
    assert raised.value.code == "TLN-DATA-101"


def test_a_column_name_that_occurs_twice(tmp_path: Path) -> None:
    path = write(tmp_path / "rus_Cyrl.csv", "text,text,other\nда,yes,x\n")
    with raises("TLN-DATA-107", naming="rus_Cyrl.csv") as raised:
        DelimitedFiles(path)
    assert "'text'" in raised.value.problem
    assert texts(DelimitedFiles(path, text_column="other")) == ["x"]
    assert texts(DelimitedFiles(path, text_column=2, dialect=Dialect(header=True))) == ["yes"]


def test_columns_that_cannot_be(tmp_path: Path) -> None:
    path = write(tmp_path / "rus_Cyrl.csv", "text\nда\n")
    with pytest.raises(ConfigError) as raised:
        DelimitedFiles(path, dialect=Dialect(header=False))
    assert raised.value.code == "TLN-CONFIG-111"
    with pytest.raises(ConfigError) as raised:
        DelimitedFiles(path, text_column=0)
    assert raised.value.code == "TLN-CONFIG-112"
    with pytest.raises(ConfigError) as raised:
        Dialect(delimiter="two")
    assert raised.value.code == "TLN-CONFIG-110"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("header", [True, False])
def test_the_delimiter_is_found_out(delimiter: str, header: bool, tmp_path: Path) -> None:
    rows = [["12", "да; нет, не знаю", "x"], ["13", "ни то, ни другое", "y"]]
    content = io.StringIO()
    writer = csv.writer(content, delimiter=delimiter)
    writer.writerows([["id", "text", "note"], *rows] if header else rows)
    path = write(tmp_path / "rus_Cyrl.csv", content.getvalue())
    columns: dict = {"text_column": "text", "id_column": "id"} if header else {"text_column": 2}
    lines = [x for x in DelimitedFiles(path, **columns) if isinstance(x, Line)]
    assert [x.text for x in lines] == [row[1] for row in rows]
    assert [x.id for x in lines] == (
        ["12", "13"] if header else ["rus_Cyrl.csv:1", "rus_Cyrl.csv:2"]
    )


def test_one_column_with_commas_in_its_text(tmp_path: Path) -> None:
    path = write(tmp_path / "rus_Cyrl.csv", "text\nда, нет\nне знаю\nнет, да, да\n")
    assert texts(DelimitedFiles(path)) == ["да, нет", "не знаю", "нет, да, да"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_what_excel_saves(encoding: str, ends: str, tmp_path: Path) -> None:
    rows = ["sep=;", "lang;text", '"rus_Cyrl";"да; ""нет""', 'вторая строка"', "ell_Grek;ναι"]
    path = write(tmp_path / "list.csv", (ends.join(rows) + ends).encode(encoding))
    reader = DelimitedFiles(path, lang_column="lang")
    assert [(str(x.lang), x.text, x.number) for x in reader if isinstance(x, Line)] == [
        ("rus_Cyrl", 'да; "нет"\nвторая строка', 3),
        ("ell_Grek", "ναι", 5),
    ]


def test_quotes_of_a_tab_separated_corpus_are_text(tmp_path: Path) -> None:
    path = write(tmp_path / "eng_Latn.tsv", '1\t"No," he said.\n2\t"Yes."\n3\t"And so\n')
    reader = DelimitedFiles(path, text_column=2)
    assert texts(reader) == ['"No," he said.', '"Yes."', '"And so']
    excel = write(tmp_path / "x" / "eng_Latn.tsv", '1\t"""No,"" he said."\n2\t"two\nlines"\n')
    assert texts(DelimitedFiles(excel, text_column=2)) == ['"No," he said.', "two\nlines"]
    unquoted = DelimitedFiles(excel, text_column=2, dialect=Dialect(quoting="none"))
    assert texts(unquoted) == ['"""No,"" he said."', '"two', "missing_field"]


PBC = """# language_name:\tHindi
# closest ISO 639-3:\thin
# ISO 15924:\tDeva
# year_short:\t2010
40001001\tयीशु मसीह की वंशावली
# 40001002\tno verse
40001003\t
"""


def test_a_tab_separated_file_in_which_every_field_is_quoted(tmp_path: Path) -> None:
    path = tmp_path / "rus_Cyrl.tsv"
    path.write_text('"id"\t"text"\n"1"\t"да, нет"\n"2"\t"то"\n', encoding="utf-8")
    found = list(DelimitedFiles(str(path), id_column="id"))
    assert [(x.id, x.text) for x in found if isinstance(x, Line)] == [("1", "да, нет"), ("2", "то")]


def test_a_bible_of_the_parallel_bible_corpus(tmp_path: Path) -> None:
    write(tmp_path / "hin-x-bible-bsi.txt", PBC)
    write(tmp_path / "rus-x-bible.txt", "# closest_ISO_639-3: rus\n40001001 \tРодословие Иисуса\n")
    reader = DelimitedFiles(
        str(tmp_path),
        tags="auto",
        id_column=1,
        text_column=2,
        dialect=Dialect("tab", comment="#", quoting="none"),
    )
    assert [(x.id, str(x.lang), x.text) for x in reader if isinstance(x, Line)] == [
        ("40001001", "hin_Deva", "यीशु मसीह की वंशावली"),
        ("40001003", "hin_Deva", ""),
        ("40001001", "rus_Cyrl", "Родословие Иисуса"),
    ]
    assert language_in_comments(["# a note", "# year: 1999"]) is None


def test_tatoebas_sentences(tmp_path: Path) -> None:
    path = write(tmp_path / "sentences.csv", '1276\teng\t"Let\'s go."\n5\trus\tДа.\n6\t\\N\tх\n')
    reader = DelimitedFiles(path, tags="auto", id_column=1, lang_column=2, text_column=3)
    assert [(x.id, str(x.lang)) for x in reader if isinstance(x, Line)] == [
        ("1276", "eng_Latn"),
        ("5", "rus_Cyrl"),
    ]
    assert texts(reader) == ['"Let\'s go."', "Да.", "wrong_language_tag"]


def test_a_damaged_file_gives_what_it_has_and_a_skip(tmp_path: Path) -> None:
    rows = "".join(f"да {i},da {os.urandom(9).hex()}\n" for i in range(9999))
    whole = gzip.compress(f"text,transliteration\n{rows}".encode())
    write(tmp_path / "rus_Cyrl.csv.gz", whole[: len(whole) // 2])
    *lines, last = TranslicoCsv(str(tmp_path))
    assert len(lines) > 1000
    assert isinstance(last, Skip)
    assert last.reason == "unreadable_rest"


def test_a_row_that_holds_a_text_and_its_translation(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.tsv", "Go.\tИди.\nHi.\n\tПривет.\n")
    reader = DelimitedFiles(path, text_column={"en": 1, "rus_Cyrl": 2}, tags="auto")
    assert [(x.id, str(x.lang), x.text) for x in reader if isinstance(x, Line)] == [
        ("pairs.tsv:1", "eng_Latn", "Go."),
        ("pairs.tsv:1", "rus_Cyrl", "Иди."),
        ("pairs.tsv:3", "eng_Latn", ""),
        ("pairs.tsv:3", "rus_Cyrl", "Привет."),
    ]
    assert [x.reason for x in reader if isinstance(x, Skip)] == ["missing_field"]
    with pytest.raises(ConfigError) as raised:
        DelimitedFiles(path, text_column={"eng_Latn": 1}, lang="rus_Cyrl")
    assert raised.value.code == "TLN-CONFIG-113"
    with raises("TLN-DATA-101") as missing:
        DelimitedFiles(path, text_column={"eng_Latn": "Go.", "hin_Deva": "hindi"})
    assert missing.value.code == "TLN-DATA-101"


def test_blank_lines_before_the_header(tmp_path: Path) -> None:
    path = write(tmp_path / "rus_Cyrl.csv", "\n\ntext,n\nда,1\n")
    assert texts(DelimitedFiles(path)) == ["empty", "empty", "да"]


def test_an_empty_file_and_one_of_comments(tmp_path: Path) -> None:
    write(tmp_path / "rus_Cyrl.tsv", "")
    write(tmp_path / "ell_Grek.tsv", "# nothing\n")
    reader = DelimitedFiles(str(tmp_path), text_column=1, dialect=Dialect(comment="#"))
    assert list(reader) == []


field = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(field, min_size=3, max_size=3), min_size=1, max_size=8),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quote_all=st.booleans(),
)
def test_every_row_that_excel_writes_is_read_back(
    rows: list[list[str]], delimiter: str, quote_all: bool
) -> None:
    content = io.StringIO()
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(content, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)
    lines = list(enumerate(content.getvalue().removesuffix("\n").split("\n"), 1))
    read = [row for _, row in KnownDialect(delimiter, quoted=True).rows(lines)]
    assert read == rows


@settings(max_examples=150, deadline=None)
@given(lines=st.lists(st.text('ab",\t', max_size=8), min_size=1, max_size=8))
def test_every_line_is_in_one_row_whatever_its_quotes(lines: list[str]) -> None:
    rows = list(KnownDialect(",", quoted=True).rows(enumerate(lines)))
    numbers = [number for number, _ in rows]
    assert numbers == sorted(set(numbers))
    covered = sum(1 if row is None else 1 + sum(f.count("\n") for f in row) for _, row in rows)
    assert covered == len(lines)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 999), st.text("абв ,;\"'", min_size=1, max_size=9)),
        min_size=1,
        max_size=6,
    ),
    delimiter=st.sampled_from([",", ";", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_a_written_file_is_read_back_with_nothing_given(
    rows: list[tuple[int, str]], delimiter: str, encoding: str, tmp_path: Path
) -> None:
    content = io.StringIO()
    csv.writer(content, delimiter=delimiter).writerows([("id", "text"), *rows])
    path = write(tmp_path / "rus_Cyrl.csv", content.getvalue().encode(encoding))
    read = [(x.id, x.text) for x in DelimitedFiles(path, id_column="id") if isinstance(x, Line)]
    assert read == [(str(number), text) for number, text in rows]
