"""What a user can get wrong, said in one message: what was given, what is wrong with it, what to do.

The command line prints these without a traceback and exits with status 1; a notebook sees ordinary exceptions.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class TransliconetError(Exception):
    """Base of every error that a change of input or configuration can mend.

    Args:
        given: the argument, file or value that the user supplied.
        problem: what is wrong with it.
        remedy: what to do about it.
    """

    def __init__(self, given: object, problem: str, remedy: str) -> None:
        super().__init__(given, problem, remedy)  # the three parts, so that the error survives pickling
        self.given, self.problem, self.remedy = str(given), problem, remedy

    def __str__(self) -> str:
        return f"{self.given}: {self.problem}. {self.remedy}"


class ConfigError(TransliconetError, ValueError):
    """An option has a value that cannot be used."""


class DataError(TransliconetError, ValueError):
    """A corpus, pairs folder or parallel set cannot be used."""


class CheckpointError(TransliconetError, ValueError):
    """A model, tokenizer or checkpoint cannot be loaded or does not fit."""


class TrainingError(TransliconetError, RuntimeError):
    """A run cannot go on."""


class Interrupted(TransliconetError, RuntimeError):
    """A run was told to stop, and has saved what it did."""


def first_line(error: BaseException) -> str:
    """What a library's error says, short enough to stand in one of ours."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def require_choice(option: str, value: object, choices: Iterable[str]) -> None:
    """Raise :class:`ConfigError` unless ``value`` is one of ``choices``."""
    allowed = list(choices)
    if value in allowed:
        return
    close = get_close_matches(str(value), allowed, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    raise ConfigError(f"{option}={value}", "not a known choice", f"{hint}Choose one of: {', '.join(allowed)}")


def require_range(
    option: str, value: object, *, above: float | None = None, least: float | None = None, most: float | None = None
) -> None:
    """Raise :class:`ConfigError` unless ``value`` is a number with ``above < value``, ``least <= value <= most``."""
    bounds = [f"{sign} {bound}" for sign, bound in ((">", above), (">=", least), ("<=", most)) if bound is not None]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and (
        (above is None or value > above) and (least is None or value >= least) and (most is None or value <= most)  # type: ignore[operator]
    ):
        return
    raise ConfigError(f"{option}={value}", "not a usable number", f"Give a number {' and '.join(bounds)}")
