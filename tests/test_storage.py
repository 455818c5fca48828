"""Files appear whole or not at all, locks hold between processes, and errors of the disk are one
message each.
"""

import errno
import multiprocessing
import os
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from transliconet.errors import StorageError
from transliconet.storage import (
    atomic_file,
    atomic_folder,
    atomic_write,
    cached,
    file_lock,
    follow_umask,
    made_once,
    scratch_folder,
    storage_errors,
)

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def forbidden() -> Iterator[Path]:
    """A folder that may not be written, by a user to whom that means something."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    user = os.geteuid()
    scratch_folder.cache_clear()
    if user == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(user)
    scratch_folder.cache_clear()
    folder.chmod(0o700)
    shutil.rmtree(folder)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "new" / "file"
    atomic_write(file, "één")
    assert file.read_bytes() == "één".encode()

    def interrupted() -> None:
        with atomic_file(file) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert file.read_text() == "één"
    assert names(file.parent) == ["file"]


def test_what_a_killed_writer_left_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".file.partial").write_text("what was written before the kill")
    with atomic_file(tmp_path / "file") as partial, partial.open("r+b") as file:
        file.write(b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert names(tmp_path) == ["file"]


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    atomic_write(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "text"


def test_processes_that_write_one_file_do_not_mix(tmp_path: Path) -> None:
    def write(letter: str) -> None:
        for _ in range(30):
            with atomic_file(tmp_path / "file") as partial, partial.open("wb") as file:
                for _ in range(50):
                    file.write(letter.encode() * 100)

    writers = [FORK.Process(target=write, args=(letter,)) for letter in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    content = (tmp_path / "file").read_text()
    assert len(content) == 5000
    assert len(set(content)) == 1
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_files_have_the_mode_that_the_umask_says(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with atomic_file(tmp_path / "weights") as partial:
            save_file({"a": np.zeros(3)}, partial)
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "weights").touch(mode=0o600)
        follow_umask(tmp_path / "folder")
    finally:
        os.umask(before)
    assert mode(tmp_path / "weights") == 0o666 & ~mask
    assert mode(tmp_path / "folder" / "weights") == 0o666 & ~mask
    assert names(tmp_path / "folder") == ["weights"]


def numpy_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(100_000))


def torch_file(path: Path) -> None:
    with path.open("wb") as file:
        torch.save({"a": torch.zeros(100_000)}, file)


def torch_path(path: Path) -> None:
    torch.save({"a": torch.zeros(100_000)}, path)


def safetensors_file(path: Path) -> None:
    save_file({"a": np.zeros(100_000)}, path)


WRITERS: list[Callable[[Path], object]] = [
    lambda path: path.write_bytes(b"x" * 800_000),
    numpy_array,
    torch_file,
    torch_path,
    safetensors_file,
]


@pytest.mark.parametrize("write", WRITERS)
def test_a_file_that_may_not_grow_so_large(tmp_path: Path, write: Callable[[Path], object]) -> None:
    """The limit of ulimit -f is the nearest to a full disk that a test may set up."""
    messages = FORK.SimpleQueue()

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        try:
            with atomic_file(tmp_path / "file") as partial:
                write(partial)
        except StorageError as error:
            messages.put(error.code)
        except Exception as error:
            messages.put(repr(error))

    process = FORK.Process(target=limited)
    process.start()
    process.join()
    # NumPy and torch's own writer don't hand the system's error on: for those the disk is full
    assert messages.get() in ("TLN-STORAGE-222", "TLN-STORAGE-220")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "TLN-STORAGE-220"),
        (errno.EDQUOT, "TLN-STORAGE-220"),
        (errno.EROFS, "TLN-STORAGE-221"),
        (errno.EACCES, "TLN-STORAGE-221"),
        (errno.EFBIG, "TLN-STORAGE-222"),
    ],
)
def test_errors_of_the_disk_have_codes(tmp_path: Path, number: int, code: str) -> None:
    with pytest.raises(StorageError) as plain, storage_errors("out=x"):
        raise OSError(number, os.strerror(number))
    with pytest.raises(StorageError) as wrapped, storage_errors("out=x"):
        raise RuntimeError(f"I/O error: {os.strerror(number)} (os error {number})")
    assert (plain.value.code, wrapped.value.code) == (code, code)


def test_other_errors_pass_through() -> None:
    with pytest.raises(ZeroDivisionError), storage_errors("out=x"):
        _ = 1 / 0
    with pytest.raises(FileNotFoundError), storage_errors("out=x"):
        Path("/nothing/here").read_bytes()


def test_a_folder_that_may_not_be_written(forbidden: Path) -> None:
    with pytest.raises(StorageError) as error:
        atomic_write(forbidden / "file", "x")
    assert error.value.code == "TLN-STORAGE-221"


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "below", tmp_path / "folder"):
        with pytest.raises(StorageError) as error:
            atomic_write(path, "x")
        assert error.value.code == "TLN-STORAGE-223"
    with pytest.raises(StorageError) as error:
        atomic_write(tmp_path / ("n" * 300), "x")
    assert error.value.code == "TLN-STORAGE-224"
    assert names(tmp_path) == ["file", "folder"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / ".made.partial").mkdir()
    (tmp_path / ".made.partial" / "left").touch()
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "made") as folder:
        _ = 1 / 0
    assert names(tmp_path) == []
    with atomic_folder(tmp_path / "made") as folder:
        (folder / "a").touch()
    assert names(tmp_path / "made") == ["a"]


def test_a_lock_goes_with_its_holder_and_leaves_no_file(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    code = f"""
import sys, time
from pathlib import Path
from transliconet.storage import file_lock
with file_lock(Path({str(lock)!r})):
    print("held", flush=True)
    time.sleep(60)
"""
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(BlockingIOError), file_lock(lock, wait=False):
        pass
    holder.kill()
    with file_lock(lock):  # does not wait for the one who is dead
        assert lock.exists()
    holder.wait()
    assert not lock.exists()


def test_locks_exclude_each_other_although_the_file_is_removed(tmp_path: Path) -> None:
    """Who waited for a lock whose file is gone holds nothing, and has to take the new one."""
    counter = tmp_path / "counter"
    counter.write_text("0")

    def count() -> None:
        for _ in range(100):
            with file_lock(tmp_path / "lock"):
                number = int(counter.read_text())
                time.sleep(0)
                counter.write_text(str(number + 1))

    processes = [FORK.Process(target=count) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert counter.read_text() == "400"


def test_one_process_makes_what_several_need(tmp_path: Path) -> None:
    place = tmp_path / "made"

    def make() -> None:
        with made_once(place) as missing:
            if missing:
                time.sleep(0.05)
                with (tmp_path / "makers").open("a") as file:
                    file.write("x")
                place.touch()

    processes = [FORK.Process(target=make) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert (tmp_path / "makers").read_text() == "x"
    assert names(tmp_path) == ["made", "makers"]


def test_a_cache_that_cannot_be_written_is_made_elsewhere_once(
    forbidden: Path,
) -> None:
    made: list[Path] = []

    def make(place: Path) -> None:
        made.append(place)
        atomic_write(place, "content")

    first, second = cached(forbidden / "a", make), cached(forbidden / "a", make)
    assert first == second
    assert first.read_text() == "content"
    assert len(made) == 1
    assert names(forbidden) == []


def test_the_temporary_folder_goes_with_its_process() -> None:
    code = "from transliconet.storage import scratch_folder; print(scratch_folder())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not Path(done.stdout.strip()).exists()
