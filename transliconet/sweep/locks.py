"""Locks that last as long as any process that holds them, child processes included."""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

POLL = 0.5
"""Seconds between two looks at a lock that another process holds."""


def try_lock(file: Path) -> IO[str] | None:
    """The file, opened and locked; None where another process has it.

    A child process that inherits the descriptor holds the lock too, after its parent's death.
    """
    handle = file.open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle


@contextmanager
def locked(*files: Path) -> Iterator[tuple[int, IO[str]]]:
    """Wait until one of ``files`` is free and hold it: its place among them, and the open file."""
    while True:
        for place, file in enumerate(files):
            if (handle := try_lock(file)) is not None:
                with handle:
                    yield place, handle
                return
        time.sleep(POLL)


def gpu_locks(gpus: Sequence[int | str]) -> list[Path]:
    """A lock a GPU, the same for all sweeps of a user on this machine."""
    return [
        Path(tempfile.gettempdir()) / f"transliconet-{os.getuid()}-gpu-{gpu}.lock" for gpu in gpus
    ]
