"""Errors that a user can correct. Each is one message: what was given, what is wrong with it, and
what to do.

The command line prints it without a traceback and exits with status 1. In a notebook it is an
ordinary exception.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Self, cast


class Option(str):
    """An option and its value as the class that takes it names them: ``weight=-1``.

    The command line shows the section of the configuration before it:
    ``objective.tcm.weight=-1``.
    """

    def __new__(cls, name: str, value: object) -> Self:
        return super().__new__(cls, f"{name}={value}")

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        name, _, value = self.partition("=")
        return type(self), (name, value)


class TransliconetError(Exception):
    """Base of every error that a change of input or configuration can correct.

    Args:
        given: the argument, file or value that the user supplied.
        problem: what is wrong with it.
        remedy: what to do about it.
        code: stable name of the error, such as ``TLN-DATA-103``; ``docs/errors.md`` lists them.
    """

    def __init__(self, given: object, problem: str, remedy: str, code: str) -> None:
        super().__init__(given, problem, remedy, code)  # its parts, so that it survives pickling
        self.given = given if isinstance(given, Option) else str(given)
        self.problem, self.remedy, self.code = problem, remedy, code
        self.section = ""

    def in_section(self, section: str) -> Self:
        """Add the section of the configuration that the error's :class:`Option` belongs to.

        Calls from the inside out build the path: ``tcm``, then ``objective``, give
        ``objective.tcm``. A section is added in one place only, or it appears twice.

        Args:
            section: its name.

        Returns:
            This error.
        """
        if isinstance(self.given, Option):
            self.section = f"{section}.{self.section}".rstrip(".")
        return self

    def with_section(self) -> str:
        """The message with the option's full path, as the command line shows it."""
        return f"{self.section}.{self}" if self.section else str(self)

    def __str__(self) -> str:
        return f"{self.given}: {self.problem}. {self.remedy} [{self.code}]"


@contextmanager
def section(name: str) -> Iterator[None]:
    """Errors within the block concern options of the section ``name``. Blocks may be nested.

    >>> with section("objective"), section("tcm"):
    ...     require_range("k", -1, least=0)
    Traceback (most recent call last):
    ...
    transliconet.errors.ConfigError: k=-1: not a usable number. Give a number >= 0 [TLN-CONFIG-002]
    """
    try:
        yield
    except TransliconetError as error:
        error.in_section(name)
        raise


class ConfigError(TransliconetError, ValueError):
    """An option has a value that cannot be used."""


class DataError(TransliconetError, ValueError):
    """A corpus, pairs folder or parallel set cannot be used."""


class CheckpointError(TransliconetError, ValueError):
    """A model, tokenizer or checkpoint cannot be loaded or does not fit."""


class TrainingError(TransliconetError, RuntimeError):
    """A run cannot continue."""


class StorageError(TransliconetError, RuntimeError):
    """A file or folder cannot be written: the disk is full, read-only, or another process has
    it.
    """


class Interrupted(TransliconetError, RuntimeError):
    """A run was stopped by a signal, :attr:`signal`."""

    signal: int = 15


def first_line(error: BaseException) -> str:
    """The first line of a library's error, short enough to be part of one of this package."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def require_choice(option: str, value: object, choices: Iterable[str]) -> None:
    """Raise :class:`ConfigError` unless ``value`` is one of ``choices``."""
    allowed = list(choices)
    if value in allowed:
        return
    close = get_close_matches(str(value), allowed, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    raise ConfigError(
        Option(option, value),
        "not a known choice",
        f"{hint}Choose one of: {', '.join(allowed)}",
        code="TLN-CONFIG-001",
    )


def require_range(
    option: str,
    value: object,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
) -> None:
    """Raise :class:`ConfigError` unless ``value`` is a number with ``above < value``, ``least <=
    value <= most``.
    """
    bounds = [
        f"{sign} {bound}"
        for sign, bound in ((">", above), (">=", least), ("<=", most))
        if bound is not None
    ]
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    if usable:
        number = cast(float, value)
        in_range = (
            (above is None or number > above)
            and (least is None or number >= least)
            and (most is None or number <= most)
        )
        if in_range:
            return
    raise ConfigError(
        Option(option, value),
        "not a usable number",
        f"Give a number {' and '.join(bounds)}",
        code="TLN-CONFIG-002",
    )
