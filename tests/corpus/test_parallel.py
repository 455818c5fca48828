"""Line-aligned files: which belong together, and when their lines share an id."""

from pathlib import Path

import pytest

from tests.settings import raises
from transliconet.corpus.sources.base import Line
from transliconet.corpus.sources.jsonl import JsonLines
from transliconet.corpus.sources.parallel import ParallelFiles
from transliconet.corpus.sources.text import TextFiles
from transliconet.errors import DataError


def write(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return str(folder)


def triples(reader: ParallelFiles | TextFiles) -> set[tuple[str, str, str]]:
    return {(x.id, str(x.lang), x.text) for x in reader if isinstance(x, Line)}


def bible(tag: str, text: str, english: str) -> dict[str, str]:
    name = f"bible.eng_Latn-{tag}"
    return {f"{name}.{tag}": text, f"{name}.eng_Latn": english}


def test_pairs_with_the_same_english_share_ids(tmp_path: Path) -> None:
    files = bible("rus_Cyrl", "да\nнет\n", "yes\nno\n") | bible(
        "ell_Grek", "ναι\nόχι\n", "yes\r\nno"
    )
    expected = {
        ("bible:1", "ell_Grek", "ναι"),
        ("bible:1", "eng_Latn", "yes"),
        ("bible:1", "rus_Cyrl", "да"),
        ("bible:2", "ell_Grek", "όχι"),
        ("bible:2", "eng_Latn", "no"),
        ("bible:2", "rus_Cyrl", "нет"),
    }
    for shared in (None, True):
        reader = ParallelFiles(write(tmp_path, files), shared=shared)
        assert triples(reader) == expected
        assert len(list(reader)) == 6
    own = list(ParallelFiles(str(tmp_path), shared=False))
    assert len(own) == 8
    assert len({x.id for x in own if isinstance(x, Line)}) == 4


def test_pairs_with_different_english_have_ids_of_their_own(tmp_path: Path) -> None:
    files = bible("rus_Cyrl", "да\nнет\n", "yes\nno\n") | bible("ell_Grek", "ναι\n", "yes\n")
    lines = triples(ParallelFiles(write(tmp_path, files)))
    assert lines == {
        ("bible.eng_Latn-ell_Grek:1", "ell_Grek", "ναι"),
        ("bible.eng_Latn-ell_Grek:1", "eng_Latn", "yes"),
        ("bible.eng_Latn-rus_Cyrl:1", "eng_Latn", "yes"),
        ("bible.eng_Latn-rus_Cyrl:1", "rus_Cyrl", "да"),
        ("bible.eng_Latn-rus_Cyrl:2", "eng_Latn", "no"),
        ("bible.eng_Latn-rus_Cyrl:2", "rus_Cyrl", "нет"),
    }
    with pytest.raises(DataError) as raised:
        ParallelFiles(str(tmp_path), shared=True)
    assert raised.value.code == "TLN-DATA-132"


def test_only_the_pairs_with_the_same_english_share_ids(tmp_path: Path) -> None:
    files = (
        bible("ell_Grek", "ναι\n", "yes\n")
        | bible("rus_Cyrl", "да\n", "yes\n")
        | bible("hin_Deva", "नहीं\n", "no\n")
    )
    lines = triples(ParallelFiles(write(tmp_path, files)))
    languages_of = {i: {lang for j, lang, _ in lines if j == i} for i, _, _ in lines}
    assert sorted(languages_of.values(), key=len) == [
        {"eng_Latn", "hin_Deva"},
        {"eng_Latn", "ell_Grek", "rus_Cyrl"},
    ]


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (("TED2020.en-hi.hi", "TED2020.en-hi.en"), {"TED2020.en-hi:1"}),
        (("de-hi.dev.hi", "de-hi.dev.de"), {"de-hi.dev:1"}),
        (("train.hi", "train.en"), {"train:1"}),
        (("dev/hin_Deva.dev", "dev/eng_Latn.dev"), {"dev:1"}),
        (("newstest2019-ref.hin.txt", "newstest2019-src.eng.txt"), {"newstest2019:1"}),
        (("hin_Deva/train.txt", "eng_Latn/train.txt"), {"train:1"}),
        (("hi/train.txt", "en/train.txt"), {"train:1"}),
        (("dev.hi", "dev.en"), {"dev:1"}),
        (("hi.txt", "en.txt"), {"1"}),
    ],
)
def test_names_of_aligned_files(names: tuple[str, str], ids: set[str], tmp_path: Path) -> None:
    reader = ParallelFiles(write(tmp_path, dict.fromkeys(names, "x\n")), tags="auto")
    lines = triples(reader)
    assert {i for i, _, _ in lines} == ids
    assert {lang for _, lang, _ in lines} == {"hin_Deva"} | {
        "deu_Latn" if names[0].startswith("de-") else "eng_Latn"
    }


def test_the_parts_of_flores_are_not_aligned_with_each_other(tmp_path: Path) -> None:
    files = {
        "dev/hin_Deva.dev": "a\nb\n",
        "dev/eng_Latn.dev": "a\nb\n",
        "devtest/hin_Deva.devtest": "a\n",
        "devtest/eng_Latn.devtest": "a\n",
    }
    lines = triples(ParallelFiles(write(tmp_path, files)))
    assert {i for i, _, _ in lines} == {"dev:1", "dev:2", "devtest:1"}


def test_names_that_a_mapping_explains(tmp_path: Path) -> None:
    files = {"corpus.hindi-eng.hindi": "हाँ\n", "corpus.hindi-eng.eng": "yes\n"}
    reader = ParallelFiles(write(tmp_path, files), tags={"hindi": "hin_Deva"})
    assert {lang for _, lang, _ in triples(reader)} == {"hin_Deva", "eng_Latn"}


def test_files_that_name_no_language_are_mentioned(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, bible("rus_Cyrl", "да\n", "yes\n") | {"README": "x", "bible.ids": "1"})
    ParallelFiles(str(tmp_path))
    assert "2 files name no language and are not read: README, bible.ids" in caplog.text


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"x.txt": ""}, "TLN-DATA-111"),
        ({"b.eng_Latn-rus_Cyrl.rus_Cyrl": "да\n"}, "TLN-DATA-112"),
        (bible("rus_Cyrl", "да\n", "yes\nno\n"), "TLN-DATA-113"),
        ({"dev/rus_Cyrl.dev": "да\n", "dev/ell_Grek.dev": "ναι\nόχι\n"}, "TLN-DATA-113"),
        ({"rus_Cyrl.txt.gz": "not gzip", "ell_Grek.txt": "ναι\n"}, "TLN-DATA-131"),
    ],
)
def test_files_that_do_not_fit(files: dict[str, str], code: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        ParallelFiles(write(tmp_path, files))
    assert raised.value.code == code


def test_text_files_are_aligned_where_they_differ_in_language_alone(tmp_path: Path) -> None:
    files = {f"{tag}/{part}.txt": f"{part}\n" for tag in ("a", "b") for part in ("train", "test")}
    files = {
        name.replace("a/", "hin_Deva/").replace("b/", "kat_Geor/"): t for name, t in files.items()
    }
    reader = TextFiles(write(tmp_path, files), parallel=True)
    assert sorted((x.id, str(x.lang)) for x in reader if isinstance(x, Line)) == [
        ("test:1", "hin_Deva"),
        ("test:1", "kat_Geor"),
        ("train:1", "hin_Deva"),
        ("train:1", "kat_Geor"),
    ]
    own = TextFiles(str(tmp_path))
    assert {x.id for x in own if isinstance(x, Line)} == {f"{name}:1" for name in files}


def test_parallel_text_files_of_unequal_length_are_refused_with_their_counts(
    tmp_path: Path,
) -> None:
    folder = write(tmp_path, {"hin_Deva.txt": "1\n2\n3\n4\n", "eng_Latn.txt": "1\n2\n3\n"})
    with raises("TLN-DATA-113") as raised:
        TextFiles(folder, parallel=True)
    assert raised.value.code == "TLN-DATA-113"
    assert len(list(TextFiles(folder))) == 7


def test_one_file_per_language_is_parallel_by_line(tmp_path: Path) -> None:
    folder = write(tmp_path, {"rus_Cyrl.txt": "a\nb\n", "ell_Grek.txt": "a\nb\n"})
    ids = [x.id for x in TextFiles(folder, parallel=True) if isinstance(x, Line)]
    assert ids == ["1", "2", "1", "2"]


def test_files_of_the_same_name_in_folders_have_ids_of_their_own(tmp_path: Path) -> None:
    files = {"hi/train.jsonl": '{"text": "हाँ"}\n', "ka/train.jsonl": '{"text": "კი"}\n'}
    reader = JsonLines(write(tmp_path, files), lang="und_Zyyy")
    assert [x.id for x in reader if isinstance(x, Line)] == ["hi/train.jsonl:1", "ka/train.jsonl:1"]
