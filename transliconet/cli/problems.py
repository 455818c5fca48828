"""Errors of several options, told together, so that a command line is corrected once."""

from collections.abc import Callable
from typing import Any

from omegaconf.errors import OmegaConfBaseException

from transliconet.errors import TransliconetError


class SeveralErrors(Exception):
    """Errors that are independent of each other.

    Args:
        errors: two or more, in the order in which they were found.
    """

    def __init__(self, errors: list[Exception]) -> None:
        super().__init__(*errors)
        self.errors = errors


class Problems:
    """Collects the errors of parts that do not depend on each other.

    >>> problems = Problems()
    >>> loss = problems.attempt(build, cfg.objective)  # doctest: +SKIP
    >>> data = problems.attempt(build, cfg.data)  # doctest: +SKIP
    >>> problems.raise_found()  # nothing, or one error, or all of them
    """

    def __init__(self) -> None:
        self.found: list[Exception] = []

    def attempt(self, make: Callable[..., Any], *arguments: Any) -> Any:
        """The result of ``make``; None after an error that the user can correct, which is kept."""
        try:
            return make(*arguments)
        except (TransliconetError, OmegaConfBaseException) as error:
            self.found.append(error)
            return None

    def raise_found(self) -> None:
        """Raise what was found.

        Raises:
            SeveralErrors: more than one error.
        """
        if len(self.found) > 1:
            raise SeveralErrors(self.found)
        if self.found:
            raise self.found[0]
