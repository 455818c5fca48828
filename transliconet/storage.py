"""What several jobs need is made by one of them, while the others wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock


@contextmanager
def made_once(place: Path) -> Iterator[bool]:
    """Hold the right to make ``place``; whether it still has to be made.

    The lock is a file beside it, and goes with the process that holds it.

    Raises:
        OSError: the folder cannot be written.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(place.with_name(f".{place.name}.lock")):
        yield not place.exists()
