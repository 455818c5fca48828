"""Lines of text files: encodings, what is no text, and lines of any length."""

import bz2
import gzip
import io
import lzma
import tarfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.settings import raises
from transliconet.corpus.sources import lines
from transliconet.corpus.sources.base import Line, Skip
from transliconet.corpus.sources.delimited import DelimitedFiles
from transliconet.corpus.sources.jsonl import JsonLines
from transliconet.corpus.sources.lines import unmarked_utf16
from transliconet.corpus.sources.parallel import ParallelFiles
from transliconet.corpus.sources.text import TextFiles
from transliconet.errors import DataError


@pytest.mark.parametrize(
    ("reader", "name", "line"),
    [
        (TextFiles, "rus_Cyrl.txt", "да"),
        (DelimitedFiles, "rus_Cyrl.csv", "text"),
        (JsonLines, "rus_Cyrl.jsonl", '{"text": "да"}'),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_lines_that_end_in_a_carriage_return_alone_are_refused(
    reader: Callable, name: str, line: str, encoding: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes((f"{line}\r" * 3).encode(encoding))
    with raises("TLN-DATA-139", naming=name):
        reader(str(tmp_path / name))


@pytest.mark.parametrize(
    "content", ['{"text": "да"}\n', '{\n  "a b": 1', ' {"text": "д' + "а" * 9999]
)
def test_json_lines_are_not_plain_text(content: str, tmp_path: Path) -> None:
    file = tmp_path / "rus_Cyrl.txt"
    file.write_text(content, encoding="utf-8")
    with raises("TLN-DATA-141", naming="rus_Cyrl.txt"):
        TextFiles(str(file))
    file.write_text('{имя}, привет\n"да": {"нет"}\n', encoding="utf-8")
    assert len(list(TextFiles(str(file)))) == 2


@pytest.mark.parametrize(
    "content", ['[{"text": "да"},\n{"text": "нет"}]', '\n[\n  {"text": "да"}\n]\n', "["]
)
def test_a_json_array_is_not_json_lines(content: str, tmp_path: Path) -> None:
    file = tmp_path / "rus_Cyrl.jsonl"
    file.write_text(content, encoding="utf-8")
    with raises("TLN-DATA-140", naming="rus_Cyrl.jsonl"):
        JsonLines(str(file))
    file.write_text('["да"]\n{"text": "да"}\n', encoding="utf-8")  # one line of another type
    assert [type(line) for line in JsonLines(str(file))] == [Skip, Line]


@given(st.binary(max_size=60).map(lambda b: b.replace(b"\x01", b"\n")), st.integers(1, 9))
def test_lines_do_not_depend_on_the_blocks(content: bytes, size: int) -> None:
    blocks = [content[i : i + size] for i in range(0, len(content), size)]
    expected = [line.removesuffix(b"\n") for line in io.BytesIO(content)]
    assert list(lines._split_lines(blocks)) == expected


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_utf_16_is_read_where_a_mark_announces_it(encoding: str, tmp_path: Path) -> None:
    text = "первая\r\nवाक्य\u2028🙂\n\nпоследняя"
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (tmp_path / "rus_Cyrl.txt").write_bytes((mark + text).encode(encoding))
    read = [x.text for x in TextFiles(str(tmp_path)) if isinstance(x, Line)]
    assert read == ["первая", "वाक्य\u2028🙂", "", "последняя"]


def test_invalid_utf_16_is_skipped_by_the_line(tmp_path: Path) -> None:
    content = "да\n".encode("utf-16-le") + b"\x00\xd8" + "\nнет\n".encode("utf-16-le") + b"\x41"
    (tmp_path / "rus_Cyrl.txt").write_bytes(b"\xff\xfe" + content)
    found = [x.text if isinstance(x, Line) else x.reason for x in TextFiles(str(tmp_path))]
    assert found == ["да", "invalid_utf8", "нет", "invalid_utf8"]


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": ["да"]}), sink)
    return sink.getvalue()


def zipped() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("a.txt", "да")
    return sink.getvalue()


def tarred() -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        archive.add(__file__, "a.txt")
    return sink.getvalue()


NOT_TEXT = {
    "corpus=tmx": b'<?xml version="1.0"?>\n<tmx>',
    "XML": '\ufeff <?xml version="1.0"?>'.encode("utf-16-le"),
    "Unpack it": zipped(),
    "7z": b"7z\xbc\xaf\x27\x1c\x00\x04",
    "corpus=parquet": parquet(),
    ".gz": gzip.compress(b"x"),
    ".bz2": bz2.compress(b"x"),
    ".xz": lzma.compress(b"x"),
    "HTML": b"\n<!doctype html>\n<p>",
    "Extract": b"<HTML><body>x</body></HTML>",
    "Office": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504),
    "NumPy": b"\x93NUMPY\x01\x00",
    "tar": tarred(),
}


@pytest.mark.parametrize("named", NOT_TEXT)
@pytest.mark.parametrize(
    ("reader", "name"),
    [
        (TextFiles, "rus_Cyrl.txt"),
        (DelimitedFiles, "rus_Cyrl.csv"),
        (JsonLines, "rus_Cyrl.jsonl"),
        (ParallelFiles, "dev/rus_Cyrl.dev"),
    ],
)
def test_what_is_no_text_is_refused_by_its_first_bytes(
    reader: type, name: str, named: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(NOT_TEXT[named])
    with pytest.raises(DataError) as raised:
        reader(str(path))
    assert raised.value.code == "TLN-DATA-130"
    assert named in str(raised.value)
    compressed = path.with_name(f"{path.name}.gz")
    compressed.write_bytes(gzip.compress(NOT_TEXT[named]))
    with pytest.raises(DataError) as raised:
        reader(str(compressed))
    assert raised.value.code == "TLN-DATA-130"


@pytest.mark.parametrize("reader", [TextFiles, DelimitedFiles, JsonLines])
def test_a_line_of_28_mb_is_skipped_in_little_time_and_memory(reader: type, tmp_path: Path) -> None:
    path = tmp_path / "rus_Cyrl.txt"
    good = '{"text": "да"}' if reader is JsonLines else "да"
    header = "text\n" if reader is DelimitedFiles else ""
    path.write_text(f"{header}{good}\n{'x' * (28 << 20)}\n{good}\n", encoding="utf-8")
    tracemalloc.start()
    started = time.perf_counter()
    found = [x.text if isinstance(x, Line) else x.reason for x in reader(str(path))]
    seconds = time.perf_counter() - started
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == ["да", "too_long", "да"]
    assert seconds < 5
    assert peak < 3 * lines.LONGEST_LINE


def test_a_row_of_many_quotes_takes_linear_time(tmp_path: Path) -> None:
    path = tmp_path / "rus_Cyrl.csv"
    rows = ["text", '"' + '""' * 2_000_000 + '"', '"open'] + ["x"] * 5000 + ['"open'] * 2000
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    started = time.perf_counter()
    found = list(DelimitedFiles(str(path)))
    assert time.perf_counter() - started < 10
    assert sum(isinstance(x, Skip) for x in found) > 1000


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text",
    ["Hello, café\n", "Привет, мир\n", "नमस्ते दुनिया\n", "一二三一\n", "안녕 세상\n", "ਸਤਿ ਸ੍ਰੀ\n"],
)
def test_utf16_without_a_mark_is_refused(tmp_path: Path, encoding: str, text: str) -> None:
    for repetitions in (2, 3000):  # shorter and longer than what is looked at
        file = tmp_path / "hin_Deva.txt"
        file.write_bytes((text * repetitions).encode(encoding))
        with pytest.raises(DataError) as error:
            TextFiles(str(file))
        assert error.value.code == "TLN-DATA-138"
        assert encoding.replace("-", "").upper() in error.value.remedy.replace("-", "")


@given(st.text(min_size=1), st.integers(0, 5))
def test_utf8_with_nul_bytes_is_not_taken_for_utf16(line: str, nuls: int) -> None:
    text = ("абв " + line.replace("\ud800", "") + "\0" * nuls + "\n") * 3
    assert unmarked_utf16(text.encode(errors="replace")) is None


@pytest.mark.parametrize("text", ["", "\0", "a\0b\nc d e f\n", "one\0\ntwo\0\n"])
def test_a_few_nul_bytes_are_counted_line_by_line(text: str) -> None:
    assert unmarked_utf16(text.encode()) is None


def test_broken_lines_are_not_taken_for_utf16() -> None:
    broken = [b"\xff\xfe broken", b"a\0b", "café\0".encode("latin-1"), b"\0\0"]
    for good in ("хорошая строка", "a good line", "एक अच्छी पंक्ति"):
        assert unmarked_utf16(b"\n".join([good.encode(), *broken, good.encode(), b""])) is None
