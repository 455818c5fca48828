"""What became of a sweep's job: ``job.json`` in its run folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from transliconet.errors import DataError, first_line
from transliconet.storage import atomic_write

FILE = "job.json"
RUNNING, DONE, FAILED, STOPPED = "running", "done", "failed", "stopped"
"""States. A job that is ``running`` with no process behind it was killed."""


@dataclass(frozen=True)
class Job:
    """One job of a sweep.

    Args:
        folder: its run folder.
        overrides: what it was started with, ``key=value``; where the run folder lies is no part of
            it.
        state: one of the states above.
        error: what it said when it failed.
        seconds: how long its last process ran.
        accuracies: task → mean Acc@1 over languages after training.
    """

    folder: Path
    overrides: Sequence[str]
    state: str = RUNNING
    error: str = ""
    seconds: float = 0.0
    accuracies: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its number in the sweep."""
        return self.folder.name

    @property
    def settings(self) -> dict[str, str]:
        """Key → value of the overrides."""
        return {
            key: value for key, _, value in (override.partition("=") for override in self.overrides)
        }

    def write(self) -> None:
        """Write the file, whole or not at all."""
        content = {k: v for k, v in asdict(self).items() if k != "folder"}
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        atomic_write(self.folder / FILE, text)

    @classmethod
    def read(cls, folder: str | Path) -> "Job | None":
        """The job of a run folder; None where there is none.

        Raises:
            DataError: its file is damaged.
        """
        file = Path(folder) / FILE
        if not file.is_file():
            return None
        try:
            return cls(Path(folder), **json.loads(file.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise DataError(
                file,
                f"damaged ({first_line(error)})",
                "Delete it to run the job again",
                code="TLN-DATA-880",
            ) from error


def read_sweep(folder: str | Path) -> list[Job]:
    """The jobs of a sweep's folder, in the order of their numbers.

    Raises:
        DataError: there is none, or the file of one is damaged.
    """
    jobs = [
        job
        for path in Path(folder).expanduser().glob(f"*/{FILE}")
        if (job := Job.read(path.parent))
    ]
    if not jobs:
        raise DataError(
            folder,
            "no job of a sweep in it",
            "Give the folder out= of transliconet train -m",
            code="TLN-DATA-881",
        )
    return sorted(jobs, key=lambda job: (len(job.name), job.name))


def varied(jobs: Sequence[Job]) -> list[str]:
    """The keys whose values differ between jobs."""
    keys = dict.fromkeys(key for job in jobs for key in job.settings)
    return [key for key in keys if len({job.settings.get(key) for job in jobs}) > 1]
