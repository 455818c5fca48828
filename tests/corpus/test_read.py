"""Readers: every line comes out once, as a line or as a skip with a reason."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.settings import CliHere, raises
from transliconet.corpus.sources.base import Line, Reader, Skip
from transliconet.corpus.sources.cldr import CldrNames
from transliconet.corpus.sources.delimited import TranslicoCsv
from transliconet.corpus.sources.files import sha256
from transliconet.corpus.sources.parquet import ParquetFiles
from transliconet.corpus.sources.text import TextFiles
from transliconet.errors import ConfigError, DataError
from transliconet.pairs import PairsFolder


def write(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def long_parquet(path: Path, **columns: list) -> str:
    pq.write_table(pa.table(columns), path)
    return str(path)


def test_text_takes_its_language_from_the_name(tmp_path: Path) -> None:
    path = write(tmp_path / "hin_Deva.txt", "नमस्ते\nदुनिया\n")
    assert [(x.id, str(x.lang), x.text, x.number) for x in TextFiles(path)] == [
        ("hin_Deva.txt:1", "hin_Deva", "नमस्ते", 1),
        ("hin_Deva.txt:2", "hin_Deva", "दुनिया", 2),
    ]


def test_text_takes_its_language_from_the_option(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.txt", "да")
    assert [str(x.lang) for x in TextFiles(path, "bul_Cyrl")] == ["bul_Cyrl"]


def test_text_lines_end_at_newlines_only(tmp_path: Path) -> None:
    path = write(tmp_path / "rus_Cyrl.txt", "\ufeffодин\r\nдва\u2028три\x0bчетыре\n\nпять")
    assert [x.text for x in TextFiles(path)] == ["один", "два\u2028три\x0bчетыре", "", "пять"]


def test_text_skips_a_line_of_invalid_utf8_and_says_where(tmp_path: Path) -> None:
    path = write(
        tmp_path / "rus_Cyrl.txt",
        b"\xd0\xb4\xd0\xb0\n\xd0\xb4\xff\xd0\xb0\n\xd0\xbd\xd0\xb5\xd1\x82\n",
    )
    first, second, third = TextFiles(path)
    assert isinstance(first, Line)
    assert isinstance(third, Line)
    assert second == Skip(path, 2, "rus_Cyrl", "invalid_utf8", "byte 2: invalid start byte")


def test_parquet_rows_and_wanted_languages(tmp_path: Path) -> None:
    path = long_parquet(
        tmp_path / "p.parquet",
        id=["a", "a", "b", None],
        lang=["rus_Cyrl", "ell_Grek", "rus_Cyrl", "rus_Cyrl"],
        text=["да", "ναι", None, "нет"],
    )
    assert [(x.id, x.text) if isinstance(x, Line) else x.reason for x in ParquetFiles(path)] == [
        ("a", "да"),
        ("a", "ναι"),
        "missing_field",
        "missing_field",
    ]
    assert [x.text for x in ParquetFiles(path, ["ell_Grek"])] == ["ναι"]
    with raises("TLN-DATA-116") as error:
        ParquetFiles(path, ["hin_Deva"])
    assert error.value.code == "TLN-DATA-116"


def test_a_message_names_the_languages_most_like_the_one_that_is_not_there(tmp_path: Path) -> None:
    tags = [f"{a}{b}x_Latn" for a in "abcdefgh" for b in "abcdefgh"] + ["mon_Cyrl", "khk_Cyrl"]
    path = long_parquet(tmp_path / "p.parquet", id=tags, lang=tags, text=tags)
    with raises("TLN-DATA-116") as raised:
        ParquetFiles(path, ["mon_Mong"])
    assert str(raised.value).count("_Latn") < 20


def test_parquet_rows_with_a_wrong_tag_are_skipped_with_the_reason(tmp_path: Path) -> None:
    path = long_parquet(
        tmp_path / "p.parquet", id=["a", "b"], lang=["ru", "rus_Cyrl"], text=["да", "нет"]
    )
    first, second = ParquetFiles(path)
    assert isinstance(first, Skip)
    assert (first.number, first.lang, first.reason) == (1, "ru", "wrong_language_tag")
    assert "rus_Cyrl" in first.detail
    assert isinstance(second, Line)
    for tags in ("auto", {"ru": "rus_Cyrl"}):
        assert [str(x.lang) for x in ParquetFiles(path, tags=tags)] == ["rus_Cyrl"] * 2


def test_parquet_files_that_cannot_be_used(tmp_path: Path) -> None:
    twice = pa.Table.from_arrays(
        [pa.array(["a"]), pa.array(["rus_Cyrl"]), pa.array(["да"]), pa.array(["нет"])],
        names=["id", "lang", "text", "text"],
    )
    pq.write_table(twice, tmp_path / "twice.parquet")
    files = {
        "TLN-DATA-114": write(tmp_path / "x.parquet", "text"),
        "TLN-DATA-115": long_parquet(tmp_path / "p.parquet", id=["a"], text=["да"]),
        "TLN-DATA-118": long_parquet(
            tmp_path / "b.parquet", id=["a"], lang=["rus_Cyrl"], text=[b"\xd0\xb4"]
        ),
    }
    for code, path in [*files.items(), ("TLN-DATA-115", str(tmp_path / "twice.parquet"))]:
        with pytest.raises(DataError) as error:
            ParquetFiles(path)
        assert error.value.code == code


@pytest.mark.parametrize("reader", [TextFiles, TranslicoCsv, ParquetFiles])
def test_files_that_are_not_there(reader: type, tmp_path: Path) -> None:
    for paths, code in ((str(tmp_path / "rus_Cyrl.txt"), 105), ([], 102)):
        with pytest.raises(DataError) as error:
            reader(paths)
        assert error.value.code == f"TLN-DATA-{code}"


def test_sources_name_every_file_with_its_hash(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{t}.txt", "а\n") for t in ("rus_Cyrl", "bul_Cyrl")]
    sources = TextFiles(paths).sources()
    assert [s["path"] for s in sources] == paths
    assert {s["sha256"] for s in sources} == {sha256(Path(paths[0]))}


def test_cldr_names_are_parallel_and_in_their_own_script() -> None:
    lines = [x for x in CldrNames(["territories"], ["ell_Grek", "rus_Cyrl"]) if isinstance(x, Line)]
    names = {(x.id, str(x.lang)): x.text for x in lines}
    assert names["territories/GR", "ell_Grek"] == "Ελλάδα"
    assert names["territories/GR", "rus_Cyrl"] == "Греция"


def test_cldr_covers_every_non_latin_script_with_one_locale_a_tag() -> None:
    tags = list(CldrNames().locales)
    assert len(tags) == len(set(tags))
    assert len({t.script for t in tags}) >= 30
    assert "Latn" not in {t.script for t in tags}
    assert {"srp_Cyrl", "uzb_Cyrl", "uzb_Arab", "pan_Arab", "pan_Guru"} <= set(map(str, tags))


def test_cldr_refuses_an_unknown_kind() -> None:
    with raises("TLN-CONFIG-001"):
        CldrNames(["territory"])


def test_cldr_has_latin_script_languages_where_they_are_asked_for() -> None:
    lines = [
        x
        for x in CldrNames(["territories"], ["fra_Latn", "srp_Latn", "rus_Cyrl"])
        if isinstance(x, Line)
    ]
    names = {(x.id, str(x.lang)): x.text for x in lines}
    assert names["territories/GR", "fra_Latn"] == "Grèce"
    assert names["territories/GR", "srp_Latn"] == "Grčka"
    assert all(x.text != x.id.removeprefix("territories/") for x in lines)
    with pytest.raises(ConfigError) as error:
        CldrNames(languages=["rus_Cyrl", "kor_Hang"])  # Korean stands under kor_Kore
    assert error.value.code == "TLN-CONFIG-102"


def test_the_documented_reader_of_ones_own_works_from_the_command_line(
    cli_here: CliHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = [line.strip() for line in str(Reader.__doc__).splitlines()]
    source = [line[4:] for line in example if line.startswith((">>>", "... ", "..."))]
    imports = "from transliconet.corpus.sources.base import Iterator, LanguageTag, Line, Skip\n"
    (tmp_path / "my_reader.py").write_text(imports + "\n".join(source) + "\n")
    (tmp_path / "poems.txt").write_text("नमस्ते\nदुनिया\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    done = cli_here(
        "prepare",
        "corpus=custom",
        "corpus._target_=my_reader.Poems",
        "+corpus.path=poems.txt",
        "corpus.romanizer=none",
        "progress=false",
        "out=pairs",
    )
    assert done.status == 0, done.err
    pairs = PairsFolder.open(tmp_path / "pairs")
    assert pairs.table["id"].to_pylist() == ["poem:1", "poem:2"]
    assert pairs.manifest["sources"] == [{"path": "poems.txt"}]
    assert pairs.manifest["languages"]["hin_Deva"]["romanizer_code"] == "hin"
