"""What tests of the command line share: its result, the type of the fixtures that run it, and the
settings of a run that takes seconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from transliconet.errors import TransliconetError

SMALL_ENCODER = (
    "encoder=tiny",
    "encoder.vocab_size=700",
    "encoder.hidden_size=32",
    "encoder.layers=2",
    "encoder.heads=2",
)
SMALL_BATCHES = (
    "data.batch_size=16",
    "data.max_length=48",
    "trainer.enable_progress_bar=false",
)
SMALL = (*SMALL_ENCODER, *SMALL_BATCHES)
"""Overrides of ``transliconet train``: two layers of 32, sixteen pairs a batch. The number of
steps is the test's to say."""


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that tells the user what went wrong."""
        return next((line for line in self.err.splitlines() if line.startswith("error: ")), "")


class RunCli(Protocol):
    """The fixture ``run_cli``: ``transliconet`` in a process of its own."""

    def __call__(
        self, *arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None
    ) -> Finished: ...


class CliHere(Protocol):
    """The fixture ``cli_here``: ``transliconet`` in this process and an empty working folder."""

    def __call__(self, command: str, *overrides: str) -> Finished: ...


@contextmanager
def raises(code: str, naming: str = "") -> Iterator[pytest.ExceptionInfo[TransliconetError]]:
    """Expects an error of the library by its code, and by the option or value that it names."""
    with pytest.raises(TransliconetError) as caught:
        yield caught
    assert caught.value.code == code, caught.value
    assert naming in str(caught.value.given), caught.value
