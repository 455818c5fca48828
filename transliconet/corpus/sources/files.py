"""Finding the files that a user names, and opening them, compressed or not."""

import bz2
import gzip
import hashlib
import lzma
import os
import zlib
from collections.abc import Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from transliconet.errors import DataError

COMPRESSED = (".gz", ".bz2", ".xz", ".zst")

UNREADABLE = (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException)
"""What reading a file can raise half-way: no permission, a broken disk, a truncated or damaged
compressed file.
"""


def find_files(
    paths: str | Path | Sequence[str | Path] | None,
    suffixes: Sequence[str],
    option: str = "corpus.paths",
) -> list[Path]:
    """The files that ``paths`` names.

    Args:
        paths: files, folders (searched through for ``suffixes``, hidden files left out) and glob
            patterns (``**`` for any depth). A file named twice is taken once.
        suffixes: endings looked for in folders, e.g. ``.txt``; each also with a compressed ending
            (``.txt.gz``).
        option: what the user set, for the error.

    Raises:
        DataError: nothing is named, or a name leads to no file.
    """
    named = [paths] if isinstance(paths, str | Path) else list(paths or [])
    if not named:
        raise DataError(
            f"{option}={paths}",
            "no file named",
            f"Give files, folders or patterns, e.g. {option}=[text/]",
            code="TLN-DATA-102",
        )
    found: dict[Path, None] = {}
    for name in named:
        found.update(dict.fromkeys(_expand(Path(name).expanduser(), suffixes, option)))
    return list(found)


def _expand(path: Path, suffixes: Sequence[str], option: str) -> list[Path]:
    if path.is_dir():
        files = sorted(
            p for p in path.rglob("*") if p.is_file() and _wanted(p.relative_to(path), suffixes)
        )
        if not files:
            raise DataError(
                f"{option}={path}",
                f"no {' or '.join(suffixes)} file in that folder",
                "Check the path",
                code="TLN-DATA-103",
            )
        return files
    if not os.path.lexists(path) and has_magic(str(path)):
        files = sorted(Path(p) for p in glob(str(path), recursive=True) if Path(p).is_file())
        if not files:
            raise DataError(
                f"{option}={path}",
                "no file matches",
                "Check the pattern; quote it in the shell",
                code="TLN-DATA-104",
            )
        return files
    if not path.is_file():
        raise DataError(
            f"{option}={path}",
            "no such file",
            "Check the path; it is relative to the working folder",
            code="TLN-DATA-105",
        )
    return [path]


def _wanted(path: Path, suffixes: Sequence[str]) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    plain = path.name.removesuffix(path.suffix) if path.suffix in COMPRESSED else path.name
    return not hidden and plain.endswith(tuple(suffixes))


def open_bytes(path: Path) -> BinaryIO:
    """Open for reading, decompressing ``.gz``, ``.bz2``, ``.xz`` and ``.zst``."""
    match path.suffix:
        case ".gz":
            return cast(BinaryIO, gzip.open(path, "rb"))
        case ".bz2":
            return cast(BinaryIO, bz2.open(path, "rb"))
        case ".xz":
            return cast(BinaryIO, lzma.open(path, "rb"))
        case ".zst":
            return cast(BinaryIO, pa.input_stream(str(path), compression="zstd"))
        case _:
            return path.open("rb")


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Line numbers from 1 and lines without their end. Only ``\\n`` and ``\\r\\n`` end a line; a
    BOM is taken off.
    """
    with open_bytes(path) as f:
        lines = f if path.suffix != ".zst" else _split(f)
        for number, raw in enumerate(lines, 1):
            if number == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            yield number, raw.removesuffix(b"\n").removesuffix(b"\r")


def _split(f: BinaryIO, size: int = 1 << 16) -> Iterator[bytes]:
    rest = b""
    while block := f.read(size):
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
    if rest:
        yield rest


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def describe(files: Sequence[Path]) -> list[dict[str, object]]:
    """One manifest entry a file; for one that cannot be read, the error: its lines are skipped and
    counted.
    """
    entries: list[dict[str, object]] = []
    for file in files:
        try:
            entries.append(
                {"path": str(file), "sha256": sha256(file), "bytes": file.stat().st_size}
            )
        except OSError as error:
            entries.append({"path": str(file), "unreadable": error.strerror})
    return entries
