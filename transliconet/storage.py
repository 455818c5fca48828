"""Files and folders that appear whole or not at all, and locks between processes.

Every file of this package is written beside its place and renamed, so that a reader finds the
old one or the new one. Errors of the disk become one :class:`StorageError`.
"""

import atexit
import errno
import fcntl
import hashlib
import logging
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

from transliconet.errors import StorageError, TransliconetError

log = logging.getLogger(__name__)

_FULL = ("the disk is full", "Make room and run the same command again", "TLN-STORAGE-220")
_DENIED = ("not writable", "Choose another place, or change its permissions", "TLN-STORAGE-221")
_TOO_LARGE = ("a file would be larger than is allowed", "Raise ulimit -f", "TLN-STORAGE-222")
_IN_THE_WAY = (
    "a file stands where a folder should be, or a folder where a file should be",
    "Choose another place",
    "TLN-STORAGE-223",
)
_TOO_LONG = ("the name is too long", "Choose a shorter one", "TLN-STORAGE-224")
_BROKEN = ("the disk reports an error", "Check it, or choose another place", "TLN-STORAGE-225")
_MOUNTED = (
    "a mount point, or on another disk than the folder above it",
    "Name a folder within it",
    "TLN-STORAGE-226",
)
_PROBLEMS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _DENIED,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EFBIG: _TOO_LARGE,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
    errno.ENAMETOOLONG: _TOO_LONG,
    errno.EIO: _BROKEN,
    errno.EXDEV: _MOUNTED,
    errno.EBUSY: _MOUNTED,
}
_ERRNO_IN_TEXT = re.compile(r"\((?:os error|errno) (\d+)\)|\[errno (\d+)\]", re.IGNORECASE)
_SHORT_WRITE = re.compile(
    r"\d+ requested and \d+ written|PytorchStreamWriter failed writing|unexpected pos \d+ vs"
)
"""What NumPy and torch say when a write is cut short; they don't hand the system's number on."""
_LOCKS_NOT_SUPPORTED = {errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK}


@contextmanager
def storage_errors(given: object) -> Iterator[None]:
    """Raise what the disk refuses in the block as a :class:`StorageError` about ``given``.

    Covers a full disk or quota, a read-only or forbidden place and the limit of file sizes, also
    where a library wraps the system's error in its own.
    """
    try:
        yield
    except TransliconetError:
        raise
    except Exception as error:
        found = _PROBLEMS.get(_error_number(error))
        if found is None:
            raise
        problem, remedy, code = found
        raise StorageError(given, problem, remedy, code=code) from error


def _error_number(error: BaseException | None) -> int:
    """The system's number of an error or of what caused it; 0 where it has none."""
    while error is not None:
        if isinstance(error, OSError) and error.errno:
            return error.errno
        text = str(error)
        if match := _ERRNO_IN_TEXT.search(text):
            return int(match[1] or match[2])
        if _SHORT_WRITE.search(text):
            return errno.ENOSPC
        error = error.__cause__ or error.__context__
    return 0


# ---- files -------------------------------------------------------------------------------------


def partial_path(path: Path) -> Path:
    """Where a file or folder is written before it becomes ``path``: hidden, beside it."""
    return path.with_name(f".{path.name}.partial")


@contextmanager
def atomic_file(path: str | Path, *, durable: bool = False) -> Iterator[Path]:
    """A path to write to; the file becomes ``path`` when the block ends without an error.

    Where the block fails, ``path`` stays as it was and nothing is left beside it. What a killed
    process left is overwritten by the next writer. The file gets the mode that the umask says,
    whatever mode the library in the block gives it.

    Args:
        path: the file to write; its folder is made. A symbolic link is followed.
        durable: wait until the content is on the disk, so that it survives a power failure.

    Raises:
        StorageError: the disk is full, read-only, …
    """
    target = Path(os.path.realpath(path))
    partial = partial_path(target)
    with storage_errors(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        with _open_locked(partial, wait=True) as lock:
            try:
                lock.truncate(0)
                yield partial
                partial.chmod(_umask_mode(lock))
                if durable:
                    _flush_to_disk(partial)
                partial.replace(target)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise


def atomic_write(path: str | Path, content: str | bytes) -> None:
    """Write a whole file as :func:`atomic_file` does; text is UTF-8."""
    raw = content.encode() if isinstance(content, str) else content
    with atomic_file(path) as partial:
        partial.write_bytes(raw)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; it becomes ``path``, which must not exist, when the block ends without an
    error. One writer at a time: see :func:`made_once`.
    """
    partial = partial_path(path)
    with storage_errors(path):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            yield partial
            follow_umask(partial)
            partial.rename(path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def follow_umask(folder: Path) -> None:
    """Give every file in ``folder`` the mode that the umask says: safetensors writes mode 0600,
    which colleagues cannot read.
    """
    with tempfile.TemporaryDirectory(dir=folder) as probe, (Path(probe) / "new").open("wb") as new:
        mode = _umask_mode(new)
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            file.chmod(mode)


def _umask_mode(new: IO[bytes]) -> int:
    """The mode of a file that was opened in the ordinary way, which is what the umask says."""
    return stat.S_IMODE(os.fstat(new.fileno()).st_mode)


def _flush_to_disk(file: Path) -> None:
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# ---- locks -------------------------------------------------------------------------------------


@contextmanager
def file_lock(path: Path, *, wait: bool = True, keep: bool = False) -> Iterator[IO[bytes]]:
    """Hold the lock file ``path``; it lasts as long as any process that has it open.

    Args:
        path: the lock file, made where it is missing.
        wait: for another holder to let go; if false, :class:`BlockingIOError` is raised.
        keep: leave the file when the lock is released. Needed where child processes inherit the
            open file, which may outlive this process and still hold the lock.

    Yields:
        The open file, to hand to a child process.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _open_locked(path, wait) as lock:
        try:
            yield lock
        finally:
            if not keep:
                path.unlink(missing_ok=True)


def _open_locked(path: Path, wait: bool) -> IO[bytes]:
    while True:
        lock = path.open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _LOCKS_NOT_SUPPORTED:
                lock.close()
                raise
        # Who held it may have renamed or removed the file: then another one has that name now.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                return lock
        lock.close()


@contextmanager
def made_once(place: Path) -> Iterator[bool]:
    """Hold the right to make ``place`` while other processes wait; whether it is still missing.

    Raises:
        StorageError: its folder cannot be written.
    """
    with storage_errors(place), file_lock(place.with_name(f".{place.name}.lock")):
        yield not place.exists()


def cached(
    place: Path, make: Callable[[Path], None], intact: Callable[[Path], bool] = Path.exists
) -> Path:
    """Where to find what ``make`` makes: at ``place``, made by one process and kept.

    Where ``place`` cannot be written, it is made in a temporary folder, for this process alone.

    Args:
        place: file or folder in a cache.
        make: makes it at the path that it is given, whole or not at all.
        intact: whether what is there can be used; otherwise it is made again.
    """
    if place.exists() and intact(place):
        return place
    # the name tells apart equal caches of two folders
    folder = hashlib.sha256(os.fsencode(place.absolute().parent)).hexdigest()[:12]
    fallback = scratch_folder() / folder / place.name
    if fallback.exists():
        return fallback
    try:
        with made_once(place) as missing:
            if not missing and not intact(place):
                log.warning("%s is damaged: made again", place)
                remove(place)
                missing = True
            if missing:
                make(place)
        return place
    except StorageError as error:
        _tell_fallback(place.parent, error.problem)
    make(fallback)
    return fallback


@cache
def _tell_fallback(folder: Path, problem: str) -> None:
    """Say, once for each folder, that its caches are elsewhere."""
    where = scratch_folder()
    log.warning("no cache in %s (%s): made for this run alone, in %s", folder, problem, where)


def remove(path: Path) -> None:
    """Delete a file or a folder with all that is in it."""
    with storage_errors(path):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


@cache
def scratch_folder() -> Path:
    """A temporary folder of this process, removed when it ends."""
    folder, owner = Path(tempfile.mkdtemp(prefix="transliconet-")), os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # not a forked process
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder
