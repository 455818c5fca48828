"""Finding the files that a user names, and opening them, compressed or not."""

import bz2
import gzip
import hashlib
import logging
import lzma
import os
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from transliconet.errors import DataError, Option

log = logging.getLogger(__name__)

COMPRESSED = (".gz", ".bz2", ".xz", ".zst")

UNREADABLE = (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException)
"""What reading a file can raise half-way: no permission, a broken disk, a truncated or damaged
compressed file.
"""


def find_files(
    paths: str | Path | Sequence[str | Path] | None,
    suffixes: Sequence[str],
    option: str = "paths",
) -> list[Path]:
    """Find the files that a user names.

    Args:
        paths: files, folders (searched through for ``suffixes``, links followed, hidden files left
            out) and glob patterns (``**`` for any depth). A file named twice is taken once.
        suffixes: endings looked for in folders, e.g. ``.txt``, in any case; each also with a
            compressed ending (``.txt.gz``). Other files of a folder are counted in the log.
        option: what the user set, for the error.

    Returns:
        The files; those of a folder or pattern in the order of their paths.

    Raises:
        DataError: nothing is named, or a name leads to no file.
    """
    named = [paths] if isinstance(paths, str | Path) else list(paths or [])
    if not named:
        raise DataError(
            Option(option, paths),
            "no file named",
            f"Give files, folders or patterns, e.g. {option}=[text/]",
            code="TLN-DATA-102",
        )
    found: dict[Path, None] = {}
    for name in named:
        files = _expand(Path(name).expanduser(), suffixes, option)
        found.update(dict.fromkeys(files))
    return list(found)


def _expand(path: Path, suffixes: Sequence[str], option: str) -> list[Path]:
    if path.is_dir():
        files = _files_in(path, suffixes)
        if not files:
            raise DataError(
                Option(option, path),
                f"no {' or '.join(suffixes)} file in that folder",
                "Check the path",
                code="TLN-DATA-103",
            )
        return files
    if not os.path.lexists(path) and has_magic(str(path)):
        matches = [Path(match) for match in glob(str(path), recursive=True)]
        files = sorted(match for match in matches if match.is_file())
        dangling = [match for match in matches if not match.exists()]
        if dangling:
            _warn_of_dangling(dangling)
        if not files:
            raise DataError(
                Option(option, path),
                "no file matches",
                "Check the pattern; quote it in the shell",
                code="TLN-DATA-104",
            )
        return files
    if not path.is_file():
        raise DataError(
            Option(option, path),
            "no such file",
            "Check the path; it is relative to the working folder",
            code="TLN-DATA-105",
        )
    return [path]


def _files_in(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Files of a folder with one of ``suffixes``, in order of their paths; what is passed over is
    named once.
    """
    wanted: list[Path] = []
    dangling: list[Path] = []
    others: Counter[str] = Counter()
    for file in _walk(folder):
        if not file.exists():
            dangling.append(file)
        elif file.is_file() and has_suffix(file, suffixes):
            wanted.append(file)
        elif file.is_file():
            others[file.suffix or file.name] += 1
    if dangling:
        _warn_of_dangling(dangling)
    if others and wanted:
        counts = ", ".join(f"{n} × {suffix}" for suffix, n in others.most_common(5))
        log.info("%s: other files are not read: %s", folder, counts)
    return sorted(wanted)


def _warn_of_dangling(links: Sequence[Path]) -> None:
    log.warning(
        "%d links lead to no file and are not read, the first: %s → %s",
        len(links),
        links[0],
        os.readlink(links[0]),
    )


def _walk(folder: Path) -> Iterator[Path]:
    """Everything in a folder that is not hidden, through linked folders too, each folder once."""
    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()  # a link back to where we have been
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(parent, name)


def has_suffix(path: Path, suffixes: Sequence[str]) -> bool:
    """Whether the name of ``path`` ends in one of ``suffixes``, in any case, compressed or not."""
    name = path.name.lower()
    plain = name.removesuffix(path.suffix.lower()) if _compression(path) else name
    return plain.endswith(tuple(suffixes))


def _compression(path: Path) -> str | None:
    suffix = path.suffix.lower()
    return suffix if suffix in COMPRESSED else None


def relative_names(files: Sequence[Path]) -> dict[Path, str]:
    """Short names of files, which are different for different files.

    Args:
        files: paths.

    Returns:
        File → its path from the folder that all of them lie in.
    """
    absolute = {path: path.absolute() for path in files}
    folders = {path.parent for path in absolute.values()}
    root = Path(os.path.commonpath(folders)) if folders else Path()
    return {path: whole.relative_to(root).as_posix() for path, whole in absolute.items()}


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading bytes, decompressing ``.gz``, ``.bz2``, ``.xz`` and ``.zst``."""
    match _compression(path):
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


def sha256(path: Path) -> str:
    """The SHA-256 of the bytes of ``path``, in hexadecimal."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def describe(files: Sequence[Path]) -> list[dict[str, object]]:
    """Describe files for the manifest.

    Args:
        files: paths.

    Returns:
        An entry for each file: its path, SHA-256 and size, or the error where it cannot be read
        (its lines are then skipped and counted).
    """
    entries: list[dict[str, object]] = []
    for file in files:
        entry: dict[str, object] = {"path": str(file)}
        try:
            entry |= {"sha256": sha256(file), "bytes": file.stat().st_size}
        except OSError as error:
            entry["unreadable"] = error.strerror
        entries.append(entry)
    return entries
