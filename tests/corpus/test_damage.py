"""Damaged and hostile files: one message or counted skips, in bounded memory, and what can be read
is read.
"""

import gzip
import logging
import resource
import struct
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import write_po
from hypothesis import given, settings
from hypothesis import strategies as st

from transliconet.corpus.sources.base import Line, Reader, Skip
from transliconet.corpus.sources.files import find_files
from transliconet.corpus.sources.gettext import GettextCatalogues
from transliconet.corpus.sources.jsonl import JsonLines
from transliconet.corpus.sources.parquet import ParquetFiles
from transliconet.corpus.sources.text import TextFiles
from transliconet.errors import DataError

ROWS_A_GROUP = 500


def catalogue() -> Catalog:
    catalogue = Catalog(locale="ru")
    for number in range(20):
        catalogue.add(f"Message {number}", f"Сообщение {number}")
    catalogue.add(("One file", "%d files"), ("файл", "файла", "файлов"))
    return catalogue


def po(path: Path) -> None:
    with path.open("wb") as f:
        write_po(f, catalogue())


def mo(path: Path) -> None:
    with path.open("wb") as f:
        write_mo(f, catalogue())


def parquet(path: Path) -> None:
    rows = 3 * ROWS_A_GROUP
    table = pa.table(
        {
            "id": [str(n) for n in range(rows)],
            "lang": ["rus_Cyrl", "ell_Grek"] * (rows // 2),
            "text": [f"текст {n * n} и ещё {n}" for n in range(rows)],
        }
    )
    pq.write_table(table, path, row_group_size=ROWS_A_GROUP, write_page_checksum=True)


def text(path: Path) -> None:
    path.write_text("первая\nвторая\n" * 20, encoding="utf-8")


def compressed_text(path: Path) -> None:
    path.write_bytes(gzip.compress("первая\nвторая\n".encode() * 20))


def json_lines(path: Path) -> None:
    path.write_text('{"text": "да", "n": 1}\n' * 20, encoding="utf-8")


KINDS: dict[str, tuple[Callable[[Path], None], Callable[[str], Reader]]] = {
    "rus_Cyrl.txt": (text, TextFiles),
    "rus_Cyrl.txt.gz": (compressed_text, TextFiles),
    "rus_Cyrl.jsonl": (json_lines, JsonLines),
    "ru.po": (po, GettextCatalogues),
    "ru.mo": (mo, GettextCatalogues),
    "x.parquet": (parquet, ParquetFiles),
}


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("originals")
    for name, (write, _) in KINDS.items():
        write(folder / name)
    return {name: (folder / name).read_bytes() for name in KINDS}


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_flipped_and_truncated_files(
    name: str, originals: dict[str, bytes], data: st.DataObject
) -> None:
    content = bytearray(originals[name])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            found = list(KINDS[name][1](str(path)))
        except DataError:
            return
    assert all(isinstance(line, Line | Skip) for line in found)


def test_damage_in_one_row_group_loses_its_rows_only(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    parquet(path)
    chunk = pq.ParquetFile(path).metadata.row_group(1).column(2)
    content = bytearray(path.read_bytes())
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    middle = start + chunk.total_compressed_size // 2
    content[middle : middle + 50] = bytes(50)
    path.write_bytes(content)

    found = list(ParquetFiles(str(path)))
    assert [x.number for x in found] == list(range(1, 3 * ROWS_A_GROUP + 1))
    lost = [x for x in found if isinstance(x, Skip)]
    assert {x.number for x in lost} == set(range(ROWS_A_GROUP + 1, 2 * ROWS_A_GROUP + 1))
    assert {x.reason for x in lost} == {"unreadable_row"}
    assert {x.lang for x in lost} == {"rus_Cyrl", "ell_Grek"}


HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset={charset}\\n"\n{plural}\n'
MESSAGES = 'msgid "a"\nmsgid_plural "b"\nmsgstr[0] "в"\nmsgstr[1] "г"\n'


@pytest.mark.parametrize(
    "plural",
    [
        '"Plural-Forms: nplurals=2000000000; plural=n;\\n"',
        '"Plural-Forms: nplu"\n"rals=2000000000; plural=n;\\n"',
        '"Plural-Forms: nplurals=-1; plural=n;\\n"',
        '"Plural-Forms: nplurals=two; plural=n;\\n"',
        '"Plural-Forms: nplurals=' + "9" * 5000 + '; plural=n;\\n"',
    ],
)
def test_a_header_that_asks_for_the_whole_memory(plural: str, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    content = HEADER.format(charset="UTF-8", plural=plural) + "\n" + MESSAGES
    (tmp_path / "ru.po").write_text(content, encoding="utf-8")
    (skip,) = GettextCatalogues(str(tmp_path))
    assert isinstance(skip, Skip)
    assert skip.reason == "damaged_catalogue"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_an_unknown_charset_and_a_catalogue_that_lies_about_its_size(tmp_path: Path) -> None:
    content = HEADER.format(charset="klingon", plural="") + "\n" + MESSAGES
    (tmp_path / "ru.po").write_text(content, encoding="utf-8")
    header = struct.pack("<7I", 0x950412DE, 0, 2**31, 28, 28, 0, 0)
    (tmp_path / "el.mo").write_bytes(header)
    found = list(GettextCatalogues(str(tmp_path)))
    assert [x.reason for x in found if isinstance(x, Skip)] == ["damaged_catalogue"] * 2


def test_a_catalogue_of_no_language_is_one_skip_among_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    po(tmp_path / "ru.po")
    po(tmp_path / "messages.po")
    found = list(GettextCatalogues(str(tmp_path), source_language=None))
    assert [x.reason for x in found if isinstance(x, Skip)] == ["unknown_language"]
    assert len([x for x in found if isinstance(x, Line)]) == 21
    assert "1 catalogues are not read" in caplog.text
    tagged = list(GettextCatalogues(str(tmp_path), tags={"messages": "bul_Cyrl"}))
    assert {str(x.lang) for x in tagged} == {"rus_Cyrl", "bul_Cyrl", "eng_Latn"}


def test_folders_with_links_and_upper_case_suffixes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    corpus, elsewhere = tmp_path / "corpus", tmp_path / "elsewhere"
    corpus.mkdir()
    elsewhere.mkdir()
    (elsewhere / "ell_Grek.txt").write_text("ναι\n")
    (corpus / "rus_Cyrl.TXT").write_text("да\n")
    (corpus / "bul_Cyrl.Txt.GZ").write_bytes(gzip.compress("да\n".encode()))
    (corpus / "README.md").write_text("about")
    (corpus / "linked").symlink_to(elsewhere)
    (corpus / "loop").symlink_to(corpus)
    (corpus / "kat_Geor.txt").symlink_to(tmp_path / "gone.txt")

    names = {file.name for file in find_files(str(corpus), (".txt",))}
    assert names == {"rus_Cyrl.TXT", "bul_Cyrl.Txt.GZ", "ell_Grek.txt"}
    assert {x.text for x in TextFiles(str(corpus)) if isinstance(x, Line)} == {"да", "ναι"}
    dangling = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert "1 links lead to no file" in dangling[0]
    assert "kat_Geor.txt" in dangling[0]
    assert "1 × .md" in caplog.text
