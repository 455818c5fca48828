"""Sources beyond plain files: compressed files, folders, JSON lines, gettext, parallel layouts, hub
datasets.
"""

import bz2
import gzip
import json
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import write_po

from transliconet.corpus.sources.base import Line, Skip
from transliconet.corpus.sources.files import find_files
from transliconet.corpus.sources.gettext import GettextCatalogues, language_of_path
from transliconet.corpus.sources.hub import HubDataset
from transliconet.corpus.sources.jsonl import JsonLines
from transliconet.corpus.sources.text import TextFiles
from transliconet.errors import DataError

TEXT = "первая\nвторая\n"


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(data)
    return sink.getvalue().to_pybytes()


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd,
    "": bytes,
}


@pytest.mark.parametrize("suffix", COMPRESS)
def test_compressed_text_gives_the_same_lines(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"rus_Cyrl.txt{suffix}"
    path.write_bytes(COMPRESS[suffix](b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode()))
    assert [(x.number, x.text) for x in TextFiles(str(path))] == [(1, "первая"), (2, "вторая")]


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_a_truncated_file_gives_what_it_has_and_a_skip(suffix: str, tmp_path: Path) -> None:
    whole = COMPRESS[suffix]("".join(f"{os.urandom(20).hex()}\n" for _ in range(20_000)).encode())
    (tmp_path / f"eng_Latn.txt{suffix}").write_bytes(whole[: len(whole) // 2])
    (tmp_path / f"rus_Cyrl.txt{suffix}").write_bytes(COMPRESS[suffix](TEXT.encode()))
    lines = list(TextFiles(str(tmp_path)))
    (skip,) = [x for x in lines if isinstance(x, Skip)]
    assert (skip.lang, skip.reason) == ("eng_Latn", "unreadable_rest")
    assert [x.text for x in lines if str(x.lang) == "rus_Cyrl"] == ["первая", "вторая"]
    number = sum(str(x.lang) == "eng_Latn" for x in lines) - 1
    assert skip.number == number + 1
    if suffix in (".gz", ".zst"):
        assert number > 1000


def test_an_unreadable_file_among_many(tmp_path: Path) -> None:
    for i in range(5):
        (tmp_path / f"rus_Cyrl.{i}.txt").write_text(f"строка {i}\n")
    (tmp_path / "rus_Cyrl.2.txt.gz").write_bytes(b"this is not gzip")
    reader = TextFiles(str(tmp_path))
    assert [x.reason for x in reader if isinstance(x, Skip)] == ["unreadable_rest"]
    assert len([x for x in reader if isinstance(x, Line)]) == 5


def test_a_file_without_read_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rus_Cyrl.txt"
    path.write_text(TEXT)
    reader = TextFiles(str(path))

    def refuse(self: Path, *_: object, **__: object) -> None:  # root can read what its mode forbids
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    (skip,) = reader
    assert isinstance(skip, Skip)
    assert "Permission denied" in skip.detail
    assert reader.sources() == [{"path": str(path), "unreadable": "Permission denied"}]


def test_folders_and_patterns(tmp_path: Path) -> None:
    for name in ("a/rus_Cyrl.txt", "b/ell_Grek.txt.gz", "b/notes.md", ".hidden/rus_Cyrl.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(gzip.compress(b"x\n") if name.endswith("gz") else b"x\n")
    expected = [tmp_path / "a/rus_Cyrl.txt", tmp_path / "b/ell_Grek.txt.gz"]
    assert find_files(str(tmp_path), (".txt",)) == expected
    assert find_files([str(tmp_path / "*" / "*.txt*")], (".txt",)) == expected
    assert find_files([str(expected[0]), str(tmp_path / "a")], (".txt",)) == expected[:1]
    (tmp_path / "empty").mkdir()
    for path, code in ((tmp_path / "empty", 103), (tmp_path / "*.parquet", 104)):
        with pytest.raises(DataError) as error:
            find_files(str(path), (".txt",))
        assert error.value.code == f"TLN-DATA-{code}"


def test_json_lines(tmp_path: Path) -> None:
    rows = [
        json.dumps({"text": "да", "lang": "rus_Cyrl", "n": 7}),
        json.dumps({"text": 3, "lang": "rus_Cyrl", "n": 8}),
        "{broken",
        "",
        json.dumps(["да"]),
        json.dumps({"text": "x", "lang": "ru", "n": 9}),
    ]
    (tmp_path / "x.jsonl").write_bytes("\n".join(rows).encode() + b'\n{"text": "\xff"}\n')
    lines = list(JsonLines(str(tmp_path / "x.jsonl"), lang_field="lang", id_field="n"))
    assert (lines[0].id, lines[0].text) == ("7", "да")
    reasons = [x.reason for x in lines[1:] if isinstance(x, Skip)]
    assert reasons == [
        "wrong_type",
        "invalid_json",
        "empty",
        "missing_field",
        "wrong_language_tag",
        "invalid_utf8",
    ]


def test_json_lines_take_their_language_from_the_name_or_the_option(tmp_path: Path) -> None:
    (tmp_path / "rus_Cyrl.jsonl").write_text(json.dumps({"text": "да"}))
    assert [(str(x.lang), x.id) for x in JsonLines(str(tmp_path))] == [
        ("rus_Cyrl", "rus_Cyrl.jsonl:1")
    ]
    assert [str(x.lang) for x in JsonLines(str(tmp_path), lang="bul_Cyrl")] == ["bul_Cyrl"]


def test_a_json_surrogate_escape_is_counted(tmp_path: Path) -> None:
    from transliconet.corpus.prepare import prepare
    from transliconet.romanizers.base import Identity

    (tmp_path / "rus_Cyrl.jsonl").write_text('{"text": "\\ud800 да"}\n{"text": "да"}\n')
    pairs = prepare(JsonLines(str(tmp_path)), Identity(), tmp_path / "pairs", progress=False)
    assert pairs.manifest["dropped"] == {"lone_surrogate": 1}


def catalogue() -> Catalog:
    c = Catalog(locale="hi", domain="app")
    c.add("Open file", "फ़ाइल खोलें")
    c.add("Save", "सहेजें", context="menu")
    c.add("Unfinished", "")
    c.add("Doubtful", "शायद", flags=["fuzzy"])
    c.add(("One file", "%d files"), ("एक फ़ाइल", "%d फ़ाइलें"))
    return c


def test_gettext_po_with_its_source_language(tmp_path: Path) -> None:
    with (tmp_path / "hi.po").open("wb") as f:
        write_po(f, catalogue())
    lines = list(GettextCatalogues(str(tmp_path)))
    hindi = {
        x.id.split(":", 1)[1]: x.text
        for x in lines
        if isinstance(x, Line) and str(x.lang) == "hin_Deva"
    }
    assert hindi == {":Open file": "फ़ाइल खोलें", "menu:Save": "सहेजें", ":One file": "एक फ़ाइल"}
    english = {
        x.id.split(":", 1)[1]: x.text
        for x in lines
        if isinstance(x, Line) and str(x.lang) == "eng_Latn"
    }
    assert english == {":Open file": "Open file", "menu:Save": "Save", ":One file": "One file"}
    assert sorted(x.reason for x in lines if isinstance(x, Skip)) == ["fuzzy", "untranslated"]


def test_gettext_mo_trees_are_parallel(tmp_path: Path) -> None:
    for code, text in (("hi", "सहेजें"), ("ru", "Сохранить")):
        folder = tmp_path / "locale" / code / "LC_MESSAGES"
        folder.mkdir(parents=True)
        c = Catalog(locale=code)
        c.add("Save", text)
        with (folder / "app.mo").open("wb") as f:
            write_mo(f, c)
    (folder / "broken.mo").write_bytes(b"not a catalogue")
    lines = list(GettextCatalogues(str(tmp_path)))
    assert {(str(x.lang), x.text) for x in lines if isinstance(x, Line)} == {
        ("hin_Deva", "सहेजें"),
        ("rus_Cyrl", "Сохранить"),
        ("eng_Latn", "Save"),
    }
    assert len({x.id for x in lines if isinstance(x, Line)}) == 1
    assert [x.reason for x in lines if isinstance(x, Skip)] == ["unreadable_rest"]


@pytest.mark.parametrize(
    ("path", "tag"),
    [
        ("locale/zh_TW/LC_MESSAGES/x.mo", "zho_Hant"),
        ("po/sr.po", "srp_Cyrl"),
        ("po/sr@latin.po", "srp_Latn"),
        ("po/pt_BR.po", "por_Latn"),
        ("po/sr@ijekavianlatin.po", "srp_Latn"),
        ("po/sr@Latn.po", "srp_Latn"),
        ("po/ks@deva.po", "kas_Deva"),
        ("po/en@shaw.po", "eng_Shaw"),
        ("po/tt@iqtelif.po", "tat_Latn"),
        ("po/sh.po", "hbs_Latn"),
        ("po/nan@latin.po", "nan_Latn"),
        ("po/ca@valencia.po", "cat_Latn"),
        ("po/sr_RS.UTF-8.po.gz", "srp_Cyrl"),
        ("hi/app.po", "hin_Deva"),
        ("hi/messages.po", "hin_Deva"),
        ("hi/LC_MESSAGES/x.po", "hin_Deva"),
    ],
)
def test_languages_of_gettext_paths(path: str, tag: str) -> None:
    assert str(language_of_path(Path(path))) == tag


def test_a_gettext_path_without_a_language() -> None:
    for path in ("po/messages.po", "po/app.po", "xx/LC_MESSAGES/a.mo"):
        with pytest.raises(DataError) as error:
            language_of_path(Path(path))
        assert error.value.code == "TLN-DATA-106"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A local dataset with one configuration a language, as the hub lays them out."""
    pytest.importorskip("datasets")
    configs = ""
    for tag in ("rus_Cyrl", "ell_Grek", "other"):
        (tmp_path / "ds" / tag).mkdir(parents=True)
        rows = [{"text": f"{tag} {i}", "lang": "rus_Cyrl"} for i in range(3)]
        (tmp_path / "ds" / tag / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
        configs += f"- config_name: {tag}\n  data_files: {tag}/train.jsonl\n"
    (tmp_path / "ds" / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    return tmp_path / "ds"


def test_hub_datasets_whose_configurations_are_tags(dataset: Path) -> None:
    reader = HubDataset(str(dataset))
    assert sorted(reader.configs) == ["ell_Grek", "rus_Cyrl"]
    lines = [x for x in reader if isinstance(x, Line)]
    assert len(lines) == 6
    assert {(x.id, str(x.lang), x.text) for x in lines} >= {
        ("rus_Cyrl:1", "rus_Cyrl", "rus_Cyrl 0")
    }
    assert [s["config"] for s in reader.sources()] == reader.configs


def test_hub_configurations_that_are_not_read_are_named(
    dataset: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (dataset / "hi").mkdir()
    (dataset / "hi" / "train.jsonl").write_text(json.dumps({"text": "मत"}))
    with (dataset / "README.md").open("r+") as f:
        content = f.read().removesuffix("---\n")
        f.seek(0)
        f.write(f"{content}- config_name: hi\n  data_files: hi/train.jsonl\n---\n")
    HubDataset(str(dataset))
    (warning,) = [r.getMessage() for r in caplog.records if "configurations" in r.getMessage()]
    assert "2 of 4 configurations are not read" in warning
    assert "hi (→ hin_Deva)" in warning
    mapped = HubDataset(str(dataset), tags={"hi": "hin_Deva", "other": "bul_Cyrl"})
    assert {str(x.lang) for x in mapped} >= {"hin_Deva", "bul_Cyrl"}
    assert "hi" in HubDataset(str(dataset), tags="auto").configs


def test_hub_datasets_with_a_language_column(dataset: Path) -> None:
    lines = list(HubDataset(str(dataset), configs=["other"], lang_column="lang"))
    assert {str(x.lang) for x in lines} == {"rus_Cyrl"}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"configs": ["rus_Cyrl"], "text_column": "sentence"}, "TLN-DATA-109"),
        ({"configs": ["rus_Cyrl"], "split": "test"}, "TLN-DATA-110"),
        ({"configs": ["hin_Deva"]}, "TLN-DATA-110"),
        ({"configs": ["other"]}, "TLN-DATA-230"),
    ],
)
def test_hub_datasets_that_do_not_fit(options: dict, code: str, dataset: Path) -> None:
    with pytest.raises(DataError) as error:
        list(HubDataset(str(dataset), **options))
    assert error.value.code == code


@pytest.mark.parametrize("splits", [True, False])
def test_hub_datasets_written_by_save_to_disk(splits: bool, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    for tag in ("rus_Cyrl", "ell_Grek"):
        rows = datasets.Dataset.from_dict({"translation": [{"x": f"{tag} {i}"} for i in range(2)]})
        saved = datasets.DatasetDict(train=rows) if splits else rows
        saved.save_to_disk(str(tmp_path / "ds" / tag))
    (tmp_path / "ds" / "notes").mkdir()
    reader = HubDataset(str(tmp_path / "ds"), text_column="translation.x")
    assert sorted((x.id, x.text) for x in reader if isinstance(x, Line)) == [
        ("ell_Grek:1", "ell_Grek 0"),
        ("ell_Grek:2", "ell_Grek 1"),
        ("rus_Cyrl:1", "rus_Cyrl 0"),
        ("rus_Cyrl:2", "rus_Cyrl 1"),
    ]
    one = HubDataset(str(tmp_path / "ds" / "ell_Grek"), text_column="translation.x")
    assert {str(x.lang) for x in one} == {"ell_Grek"}
    if splits:
        with pytest.raises(DataError) as raised:
            list(HubDataset(str(tmp_path / "ds"), split="test", text_column="translation.x"))
        assert raised.value.code == "TLN-DATA-136"


def test_a_hub_name_that_is_not_there_or_no_network() -> None:
    pytest.importorskip("datasets")
    with pytest.raises(DataError) as error:
        HubDataset("someone/nothing")
    assert (error.value.given, error.value.code) == ("name=someone/nothing", "TLN-DATA-110")
