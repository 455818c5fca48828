"""What became of a sweep's job: ``job.json`` in its run folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from transliconet.errors import DataError, first_line
from transliconet.storage import atomic_write, file_lock
from transliconet.sweep.overrides import settings_of

JOB_FILE, LOCK_FILE = "job.json", ".job.lock"
"""Files of a job's folder. The lock is held by the sweep's process and by the job's, which may
outlive it.
"""
RUNNING, DONE, FAILED, STOPPED = "running", "done", "failed", "stopped"
"""States."""
KILLED = "its process was killed"


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
        return settings_of(self.overrides)

    def write(self) -> None:
        """Write the file, whole or not at all."""
        content = {k: v for k, v in asdict(self).items() if k != "folder"}
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        atomic_write(self.folder / JOB_FILE, text)

    @classmethod
    def read(cls, folder: str | Path) -> "Job | None":
        """The job of a run folder as its file has it; None where there is none.

        Raises:
            DataError: its file is damaged.
        """
        file = Path(folder) / JOB_FILE
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

    def as_it_is(self) -> "Job":
        """The job, ``stopped`` instead of ``running`` where no process is behind it any more."""
        if self.state != RUNNING:
            return self
        try:
            with file_lock(self.folder / LOCK_FILE, wait=False, keep=True):
                return replace(self, state=STOPPED, error=KILLED)
        except BlockingIOError:
            return self
        except OSError:  # a read-only folder: nothing runs there
            return replace(self, state=STOPPED, error=KILLED)


def read_sweep(folder: str | Path) -> list[Job]:
    """The jobs of a sweep's folder, in the order of their numbers.

    Raises:
        DataError: there is none, or the file of one is damaged.
    """
    jobs = find_jobs(Path(folder).expanduser())
    if not jobs:
        raise DataError(
            folder,
            "no job of a sweep in it",
            "Give the folder out= of transliconet train -m",
            code="TLN-DATA-881",
        )
    return [job.as_it_is() for job in jobs]


def find_jobs(folder: Path) -> list[Job]:
    """The jobs in a folder as their files have them, in the order of their numbers."""
    found = [Job.read(path.parent) for path in folder.glob(f"*/{JOB_FILE}")]
    jobs = [job for job in found if job is not None]
    return sorted(jobs, key=lambda job: (len(job.name), job.name))


def varied(jobs: Sequence[Job]) -> list[str]:
    """The keys whose values differ between jobs."""
    keys = [key for job in jobs for key in job.settings]
    several = []
    for key in dict.fromkeys(keys):
        values = {job.settings.get(key) for job in jobs}
        if len(values) > 1:
            several.append(key)
    return several
