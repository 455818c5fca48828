"""Text files as numbered lines: compressed or not, UTF-8 or UTF-16, in bounded memory."""

import codecs
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from transliconet.corpus.sources.base import Skip
from transliconet.corpus.sources.files import UNREADABLE, open_bytes
from transliconet.errors import DataError

LONGEST_LINE = 8 << 20
"""Bytes. A longer line is skipped as ``too_long`` without being held in memory."""

BLOCK = 1 << 16

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}

NOT_TEXT = (
    (b"<?xml", "XML", "corpus=tmx reads TMX; extract the text of other XML first"),
    (b"<tmx", "XML", "corpus=tmx reads TMX"),
    (b"<!doctype", "XML or HTML", "corpus=tmx reads TMX; extract the text of others first"),
    (b"<html", "HTML", "Extract the text first"),
    (b"PK\x03\x04", "a zip archive", "Unpack it; save a spreadsheet as CSV for corpus=csv"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it"),
    (b"Rar!\x1a\x07", "a RAR archive", "Unpack it"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file", "Save it as CSV for corpus=csv"),
    (b"PAR1", "Parquet", "corpus=parquet reads it"),
    (b"ARROW1", "Arrow", "corpus=hub reads a folder written by save_to_disk"),
    (b"\xff\xff\xff\xff", "Arrow", "corpus=hub reads a folder written by save_to_disk"),
    (b"\x1f\x8b", "gzip data", "Name the file with the ending .gz"),
    (b"BZh", "bzip2 data", "Name the file with the ending .bz2"),
    (b"\xfd7zXZ\x00", "xz data", "Name the file with the ending .xz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data", "Name the file with the ending .zst"),
    (b"\xde\x12\x04\x95", "a compiled gettext catalogue", "corpus=gettext reads it"),
    (b"\x95\x04\x12\xde", "a compiled gettext catalogue", "corpus=gettext reads it"),
    (b"%PDF-", "PDF", "Extract the text first"),
    (b"\x93NUMPY", "a NumPy array", "Write its texts a line each"),
    (b"SQLite format 3\x00", "an SQLite database", "Export its table as CSV for corpus=csv"),
)
"""First bytes, what they are a sign of, and what to do."""

TAR_MARK = slice(257, 262)
"""Where a tar archive says what it is."""
SAMPLE_BYTES = 4096
"""Bytes from the start of a file that :func:`unmarked_utf16` looks at."""


def require_text(files: Iterable[Path]) -> None:
    r"""Refuse files whose first bytes show that they are not text, or not in UTF-8.

    A file that cannot be read passes: its lines are skipped and counted later.

    Args:
        files: paths.

    Raises:
        DataError: a file is XML, an archive, Parquet, compressed under a wrong name, UTF-16 without
            a byte-order mark, of lines without ``\n``, or the like.
    """
    for path in files:
        first = first_bytes(path)
        if found := _binary_kind(first):
            kind, remedy = found
            raise DataError(path, f"{kind}, not plain text", remedy, code="TLN-DATA-130")
        if encoding := unmarked_utf16(first):
            raise DataError(
                path,
                f"looks like {encoding} without a byte-order mark",
                f"Convert it to UTF-8: iconv -f {encoding} -t UTF-8 FILE > NEW_FILE",
                code="TLN-DATA-138",
            )
        if b"\n" not in first and first.count(b"\r") > 1:
            raise DataError(
                path,
                "its lines end in a carriage return alone, as on old Macs",
                r"Convert it: tr '\r' '\n' < FILE > NEW_FILE",
                code="TLN-DATA-139",
            )


def _binary_kind(first: bytes) -> tuple[str, str] | None:
    """What a file is that begins so, and what to do with it; None if it may be text."""
    if first[TAR_MARK] == b"ustar":
        return "a tar archive", "Unpack it"
    for signature, kind, remedy in NOT_TEXT:
        # XML may begin with white space; other kinds have their signature at byte 0.
        start = first.lstrip().lower() if signature.startswith(b"<") else first
        if start.startswith(signature):
            return kind, remedy
    return None


def first_bytes(path: Path) -> bytes:
    """The first :data:`SAMPLE_BYTES` of a file, decompressed and in UTF-8; empty where it cannot be
    read.
    """
    try:
        with open_bytes(path) as f:
            return next(_utf8_blocks(f), b"")[:SAMPLE_BYTES]
    except UNREADABLE:
        return b""


def unmarked_utf16(first: bytes) -> str | None:
    """``UTF-16LE`` or ``UTF-16BE`` if bytes look like text in it without a byte-order mark.

    Args:
        first: the first bytes of a file.

    Returns:
        The name of the encoding; None for UTF-8, also where some lines hold NUL bytes.

    >>> unmarked_utf16("Привет, мир\\n".encode("utf-16-be"))
    'UTF-16BE'
    >>> unmarked_utf16("Привет,\\0мир\\n".encode())
    """
    # In UTF-16 every space, digit and line end has a NUL byte.
    if b"\0" not in first or _may_be_utf8(first):
        return None
    ascii_characters: dict[str, int] = {}
    for encoding in ("UTF-16LE", "UTF-16BE"):
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(first)
        except UnicodeDecodeError:
            continue
        if text and sum(map(_is_text, text)) > 0.98 * len(text):
            ascii_characters[encoding] = sum(map(str.isascii, text))
    # Read in the wrong order, a space becomes U+2000, which is assigned too.
    return max(ascii_characters, key=ascii_characters.__getitem__, default=None)


def _may_be_utf8(first: bytes) -> bool:
    """Whether bytes look like UTF-8, in which some lines may be broken, more than like UTF-16."""
    text = first.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    several_bytes = len(text) - sum(map(str.isascii, text)) - broken
    # In UTF-16, a valid sequence of several bytes is a rare chance.
    if several_bytes > broken:
        return True
    if broken > 0.1 * len(first):
        return False
    # In UTF-16, every second byte is the number of the alphabet's block, or that of ASCII.
    for half in (first[::2], first[1::2]):
        commonest = dict(Counter(half).most_common(2))
        if sum(commonest.values()) > 0.9 * len(half):
            return False
    return True


def _is_text(character: str) -> bool:
    """Whether a character is assigned and no control character; spaces and joiners are text."""
    category = unicodedata.category(character)
    return category not in ("Cc", "Cn", "Co", "Cs") or character.isspace()


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Read a text file line by line.

    Only ``\\n`` and ``\\r\\n`` end a line. A byte-order mark is removed; UTF-16 is read where a
    mark announces it.

    Args:
        path: the file, compressed or not.

    Returns:
        An iterator over numbers from 1 and lines in UTF-8 without their ends. None stands for a
        line longer than :data:`LONGEST_LINE`.
    """
    with open_bytes(path) as f:
        for number, line in enumerate(_split_lines(_utf8_blocks(f)), 1):
            yield number, line if line is None else line.removesuffix(b"\r")


def text_lines(path: Path, lang: str) -> Iterator[tuple[int, str | Skip]]:
    """Read and decode a text file line by line.

    Args:
        path: the file, compressed or not.
        lang: its language, for the skips.

    Returns:
        An iterator over numbers from 1, and each line or the reason why it is skipped.
    """
    for number, raw in numbered_lines(path):
        if raw is None:
            detail = f"more than {LONGEST_LINE} bytes"
            yield number, Skip(str(path), number, lang, "too_long", detail=detail)
            continue
        try:
            yield number, raw.decode("utf-8")
        except UnicodeDecodeError as error:
            detail = f"byte {error.start}: {error.reason}"
            yield number, Skip(str(path), number, lang, "invalid_utf8", detail=detail)


def _blocks(f: BinaryIO) -> Iterator[bytes]:
    # read1 hands out what is decompressed so far: of a damaged file, everything before the damage.
    read = getattr(f, "read1", f.read)
    while block := read(BLOCK):
        yield block


def _utf8_blocks(f: BinaryIO) -> Iterator[bytes]:
    """The file's bytes in UTF-8 and without byte-order mark.

    What is invalid in UTF-16 is invalid in the UTF-8 that comes out, so one line is skipped for it.
    """
    blocks = _blocks(f)
    first = next(blocks, b"")
    while len(first) < 4 and (more := next(blocks, b"")):
        first += more
    marks = (mark for mark in BYTE_ORDER_MARKS if first.startswith(mark))
    mark = next(marks, b"")
    encoding = BYTE_ORDER_MARKS.get(mark, "utf-8")
    first = first.removeprefix(mark)
    if encoding == "utf-8":
        yield first
        yield from blocks
        return
    # A lone surrogate passes through both codecs and makes its line invalid UTF-8.
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for block in chain([first], blocks):
        yield decoder.decode(block).encode("utf-8", "surrogatepass")
    if decoder.getstate()[0]:
        yield b"\xff"  # half a character at the end of the file


def _split_lines(blocks: Iterable[bytes]) -> Iterator[bytes | None]:
    """Lines without ``\\n``; None for one longer than :data:`LONGEST_LINE`."""
    parts: list[bytes] = []  # of the line that goes on over several blocks
    size = 0
    for block in blocks:
        first, *others = block.split(b"\n")
        size += len(first)
        if size > LONGEST_LINE:
            parts.clear()
        else:
            parts.append(first)
        if not others:
            continue
        yield None if size > LONGEST_LINE else b"".join(parts)
        *complete, rest = others
        yield from complete
        parts, size = [rest], len(rest)
    if size:
        yield None if size > LONGEST_LINE else b"".join(parts)
