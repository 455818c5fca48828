"""Progress of long work on stderr, with an estimate: a bar on a terminal, elsewhere a line every
few seconds. In a notebook it is a line below the cell that is gone when the work is done.

It is off unless :func:`progress_shown` switches it on, as the commands do. So functions that are
called from Python print nothing.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self, TypeVar

LINE_SECONDS = 10.0
"""Seconds between two lines where stderr is no terminal. Work that takes less has no line."""
CELL_SECONDS = 1.0
"""Seconds between two lines in a notebook, where each replaces the one before."""
BAR_DELAY = 1.0
"""Seconds before a bar appears on a terminal."""
RANK = "LOCAL_RANK"
"""Environment variable of the further processes of a run, which show nothing."""

_shown: ContextVar[bool] = ContextVar("shown", default=False)
_outermost: ContextVar["Progress | None"] = ContextVar("outermost", default=None)

Item = TypeVar("Item")


@contextmanager
def progress_shown(shown: bool = True) -> Iterator[None]:
    """Show progress within the block, or not.

    >>> with progress_shown():
    ...     for text in tracked(["a", "b"], "texts"):
    ...         pass
    """
    token = _shown.set(shown)
    try:
        yield
    finally:
        _shown.reset(token)


def is_shown() -> bool:
    """Whether this process shows progress."""
    first = int(os.environ.get(RANK, "0")) == 0
    return _shown.get() and first and multiprocessing.parent_process() is None


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")  # imported only by somebody who uses it
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")  # the shell of a terminal has none


class _CellLine:
    """A line below a notebook's cell, which can be replaced and emptied."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, line: str) -> None:
        from IPython.display import display

        content = {"text/plain": line}
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)

    def clear(self) -> None:
        if self._handle is not None:
            self.show("")


def say(message: str) -> None:
    """Print a line to stderr where progress is shown, above a bar that is there. Not in a notebook,
    where it would stay.
    """
    if is_shown() and not _in_notebook():
        from tqdm import tqdm

        tqdm.write(message, file=sys.stderr)
        sys.stderr.flush()


def duration(seconds: float) -> str:
    """A duration in one unit.

    >>> duration(75), duration(4000)
    ('75 s', '67 min')
    """
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


class Progress:
    """The progress of some work; used as a context manager.

    Work within the block may have a progress of its own. It is not shown: what it advances by
    advances this one.

    Args:
        what: the work, such as ``anchors``.
        total: number of units; None if it is not known.
        unit: what is counted.
        done: number of units that an earlier process did.

    >>> with Progress("anchors", 2, "texts") as progress:
    ...     progress.advance(2)
    """

    def __init__(
        self, what: str, total: int | None = None, unit: str = "texts", done: int = 0
    ) -> None:
        self.what, self.total, self.unit = what, total, unit
        self.done = done
        self._bar: Any = None
        self._cell: _CellLine | None = None
        self._rate_since: tuple[float, int] | None = None  # when the first units were done
        self._outer: Progress | None = None

    def __enter__(self) -> Self:
        self._outer = _outermost.get()
        self._last_line = time.monotonic()
        if self._outer is None:
            _outermost.set(self)
            if is_shown() and _in_notebook():
                self._cell = _CellLine()
            elif is_shown() and sys.stderr.isatty():
                self._bar = self._make_bar()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()
        if self._cell is not None:
            self._cell.clear()
        if self._outer is None:
            _outermost.set(None)

    def advance(self, number: int = 1) -> None:
        """Count units as done."""
        self.done += number
        if self._rate_since is None:  # what is loaded for the first unit is not counted
            self._rate_since = (time.monotonic(), self.done)
        if self._outer is not None:
            self._outer.advance(number)
        elif self._bar is not None:
            self._bar.update(number)
        elif is_shown():
            self._print_line()

    def advance_to(self, done: int) -> None:
        """Count all units up to a number as done."""
        if done > self.done:
            self.advance(done - self.done)

    def _make_bar(self) -> Any:
        from tqdm import tqdm

        return tqdm(
            desc=self.what,
            total=self.total,
            initial=self.done,
            unit=f" {self.unit}",
            file=sys.stderr,
            delay=BAR_DELAY,
            mininterval=0.5,
            dynamic_ncols=True,
            leave=False,
        )

    def _print_line(self) -> None:
        now = time.monotonic()
        if now - self._last_line < (LINE_SECONDS if self._cell is None else CELL_SECONDS):
            return
        self._last_line = now
        if self._cell is not None:
            self._cell.show(self.line(now))
        else:
            print(self.line(now), file=sys.stderr, flush=True)

    def line(self, now: float) -> str:
        """What is said about the progress at a time of ``time.monotonic()``."""
        if self.total is None:
            return f"{self.what}: {self.done:,} {self.unit}"
        count = f"{self.what}: {self.done:,} of {self.total:,} {self.unit}"
        since, done = self._rate_since or (now, self.done)
        if self.done == done:
            return count
        left = (now - since) / (self.done - done) * max(self.total - self.done, 0)
        return f"{count}, {duration(left)} left"


def tracked(
    items: Iterable[Item], what: str, total: int | None = None, unit: str = "texts"
) -> Iterator[Item]:
    """The items, while their progress is shown."""
    with Progress(what, total, unit) as progress:
        for item in items:
            yield item
            progress.advance()
