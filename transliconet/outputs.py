"""Output folders: what may be replaced, who writes them, and how they appear in one step."""

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from transliconet.errors import ConfigError, DataError, Option, StorageError
from transliconet.storage import (
    atomic_write,
    file_lock,
    follow_umask,
    partial_path,
    remove,
    storage_errors,
)

MARKER = ".transliconet.json"
"""Marker file of every output folder, with the kind of the folder."""
RESULT = "result"
"""Folder within the working folder of :func:`resumable_folder` that becomes the output folder."""
PLAN = "plan.json"
LOCK = ".lock"
"""Lock file within a folder of :func:`claimed_folder`."""


def output_folder(
    out: str | Path,
    kind: str,
    overwrite: bool = False,
    recognize: Callable[[Path], bool] | None = None,
) -> Path:
    """Check that an output folder may be written. Only folders of this package are ever replaced.

    Args:
        out: the folder that the user named.
        kind: what it will hold: ``pairs``, ``export``, ``run``. The marker of a folder says so.
        overwrite: a folder of the same kind, or an empty one, may be replaced.
        recognize: tells whether a folder without a marker is of that kind.

    Returns:
        The path, with the user's home folder in the place of ``~``.

    Raises:
        ConfigError: there is something at ``out`` that must not be replaced.
        StorageError: the folder above it cannot be written.
    """
    given, path = Option("out", out), Path(out).expanduser()
    with storage_errors(given):  # such as a name that is too long
        is_link = path.is_symlink()
    if is_link:
        raise ConfigError(given, "a symbolic link", "Name the folder itself", code="TLN-CONFIG-220")
    path = Path(os.path.abspath(path))
    if Path.cwd().is_relative_to(path) or Path.home().is_relative_to(path):
        raise ConfigError(
            given,
            "the working folder, the home folder or one above them",
            "Name a folder of its own, such as out=pairs/first",
            code="TLN-CONFIG-221",
        )
    replaced = _replaced_folder(path)
    with storage_errors(given):
        if not path.exists() and is_kind(replaced, kind, recognize):
            replaced.rename(path)  # a process was killed between the two renames of _put_in_place
        if path.exists() and not path.is_dir():
            raise ConfigError(given, "a file", "Name a folder", code="TLN-CONFIG-222")
        there = path.exists()
        empty = there and _is_empty(path)
        if not there:
            require_writable_above(path)
    if there and not empty and not is_kind(path, kind, recognize):
        raise ConfigError(
            given,
            f"a folder that holds something else than a transliconet {kind}, it is not replaced",
            "Choose another folder",
            code="TLN-CONFIG-223",
        )
    if there and not overwrite:
        raise ConfigError(
            given,
            "already there",
            "Choose another folder, or overwrite=true",
            code="TLN-CONFIG-224",
        )
    return path


def require_writable_above(path: Path) -> None:
    """Raise the system's error where ``path`` cannot be made, before hours of work end in it."""
    above = path.absolute().parent
    while not above.exists():
        above = above.parent
    if not above.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not os.access(above, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def is_kind(folder: Path, kind: str, recognize: Callable[[Path], bool] | None = None) -> bool:
    """Whether this package wrote a folder of this kind."""
    try:
        content = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        return isinstance(content, dict) and content.get("kind") == kind
    except (OSError, ValueError):
        return recognize is not None and recognize(folder)


def mark(folder: Path, kind: str) -> None:
    """Write the marker of an output folder."""
    atomic_write(folder / MARKER, json.dumps({"kind": kind}) + "\n")


@contextmanager
def owner(out: Path, lock_file: Path | None = None) -> Iterator[None]:
    """Lock the output folder ``out`` against other processes within the block. The lock file is
    beside the folder, or is ``lock_file``.

    Raises:
        StorageError: another process has the lock, or the parent folder cannot be written.
    """
    given = Option("out", out)
    with ExitStack() as held:
        try:
            with storage_errors(given):
                lock = file_lock(lock_file or out.with_name(f".{out.name}.lock"), wait=False)
                held.enter_context(lock)
        except BlockingIOError as error:
            raise StorageError(
                given,
                "another process is writing it",
                "Wait for it, or stop it",
                code="TLN-STORAGE-227",
            ) from error
        yield


@contextmanager
def claimed_folder(
    out: str | Path, kind: str, *, overwrite: bool = False, resume: bool = False
) -> Iterator[Path]:
    """A folder that only this process writes to within the block. Everything written stays in it.

    Args:
        out: the folder; it is created if it is missing.
        kind: see :func:`output_folder`.
        overwrite: empty a folder of the same kind first.
        resume: use a folder of the same kind with its content.

    Raises:
        ConfigError: see :func:`output_folder`.
        StorageError: another process works in it, or it cannot be written.
    """
    folder = Path(out).expanduser()
    with storage_errors(Option("out", out)):
        empty = folder.is_dir() and _is_empty(folder)
    path = output_folder(out, kind, overwrite or resume or empty)
    with storage_errors(Option("out", out)):
        path.mkdir(parents=True, exist_ok=True)
    with owner(path, path / LOCK):
        if overwrite and not resume:
            _empty(path, keep=LOCK)
        mark(path, kind)
        yield path


@contextmanager
def new_folder(
    out: str | Path,
    kind: str,
    overwrite: bool = False,
    recognize: Callable[[Path], bool] | None = None,
) -> Iterator[Path]:
    """A new folder to write to, which becomes ``out`` when the block ends without an error.

    If the block fails, ``out`` is unchanged and nothing is left beside it.

    Raises:
        ConfigError: see :func:`output_folder`.
        StorageError: another process is writing ``out``, or it cannot be written.
    """
    path = output_folder(out, kind, overwrite, recognize)
    work = partial_path(path)
    with owner(path), storage_errors(Option("out", out)):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            yield work
            mark(work, kind)
            follow_umask(work)
            _put_in_place(work, path)
        finally:
            shutil.rmtree(work, ignore_errors=True)


@contextmanager
def resumable_folder(
    out: str | Path,
    kind: str,
    plan: Mapping[str, object],
    overwrite: bool = False,
    recognize: Callable[[Path], bool] | None = None,
) -> Iterator[Path]:
    """A working folder, whose subfolder :data:`RESULT` becomes ``out`` when the block ends.

    If the block is interrupted, the working folder stays, hidden beside ``out``, and the next call
    with the same ``plan`` continues with its content. It is removed after an error in the input or
    the options.

    Raises:
        ConfigError: see :func:`output_folder`.
        StorageError: another process is writing ``out``, or it cannot be written.
    """
    path = output_folder(out, kind, overwrite, recognize)
    work = partial_path(path)
    with owner(path), storage_errors(Option("out", out)):
        work.mkdir(parents=True, exist_ok=True)
        _start_from(work, plan)
        try:
            yield work
        except (ConfigError, DataError):
            shutil.rmtree(work, ignore_errors=True)
            raise
        mark(work / RESULT, kind)
        _put_in_place(work / RESULT, path)
        shutil.rmtree(work, ignore_errors=True)


def _start_from(work: Path, plan: Mapping[str, object]) -> None:
    """Empty ``work`` unless it was left by a run of the same plan."""
    text = json.dumps(plan, ensure_ascii=False, sort_keys=True)
    file = work / PLAN
    if file.is_file() and file.read_text(encoding="utf-8", errors="replace") == text:
        return
    _empty(work)
    atomic_write(file, text)


def _is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing, or only what is left of a process that was killed before it
    had written the marker.
    """
    leftovers = {LOCK, partial_path(Path(MARKER)).name}
    return all(path.name in leftovers for path in folder.iterdir())


def _empty(folder: Path, keep: str = "") -> None:
    for path in folder.iterdir():
        if path.name != keep:
            remove(path)


def _put_in_place(made: Path, out: Path) -> None:
    """Rename ``made`` to ``out``. An old folder is removed, or restored if renaming fails."""
    replaced = _replaced_folder(out)
    shutil.rmtree(replaced, ignore_errors=True)
    if out.exists():
        out.rename(replaced)
    try:
        made.rename(out)
    except OSError:
        if replaced.exists():
            replaced.rename(out)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def _replaced_folder(out: Path) -> Path:
    return out.with_name(f".{out.name}.replaced")
