"""The state of a sweep's job, kept as ``job.json`` in its run folder."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from transliconet.errors import DataError, first_line
from transliconet.storage import atomic_write, file_lock
from transliconet.sweep.overrides import settings_of

JOB_FILE, LOCK_FILE = "job.json", ".job.lock"
"""Files of a job's folder. The lock is held by the process of the sweep and by that of the job,
which may run on after the sweep has ended.
"""
RUNNING, DONE, FAILED, STOPPED = "running", "done", "failed", "stopped"
STATES = (RUNNING, DONE, FAILED, STOPPED)
"""States of a job."""
KILLED = "its process was killed"
"""Error of a job whose process ended without a word."""


@dataclass(frozen=True)
class Job:
    """One job of a sweep.

    Args:
        folder: its run folder.
        overrides: its settings, ``key=value``, without those that say where and how it is run.
        state: ``running``, ``done``, ``failed`` or ``stopped``.
        error: message of a job that failed or was stopped.
        seconds: how long its last process ran.
        accuracies: task → Acc@1 after training, the mean over languages.
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
        """Write the file, atomically."""
        content = asdict(self)
        del content["folder"]
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        atomic_write(self.folder / JOB_FILE, text)

    @classmethod
    def read(cls, folder: str | Path) -> "Job | None":
        """Read the job of a run folder; None if the folder has no job file.

        Raises:
            DataError: the file is damaged.
        """
        file = Path(folder) / JOB_FILE
        if not file.is_file():
            return None
        try:
            job = cls(Path(folder), **json.loads(file.read_text(encoding="utf-8")))
            job._require_types()
            return job
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise DataError(
                file,
                f"damaged ({first_line(error)})",
                "Delete it to run the job again",
                code="TLN-DATA-880",
            ) from error

    def _require_types(self) -> None:
        """Raise TypeError or ValueError where a field is not what :meth:`write` writes."""
        if not isinstance(self.overrides, list) or not isinstance(self.accuracies, dict):
            raise TypeError("no list of overrides, or no accuracies by task")
        if self.state not in STATES:
            raise ValueError(f"no state: {self.state}")
        # joining and encoding raise for what is no text, and for half of a surrogate pair
        "".join([self.error, *self.overrides, *self.accuracies]).encode()
        for number in (self.seconds, *self.accuracies.values()):
            if not math.isfinite(number):
                raise ValueError("a number is not finite")

    def with_actual_state(self) -> "Job":
        """The job, with the state ``stopped`` in place of ``running`` if its process has ended."""
        if self.state != RUNNING:
            return self
        try:
            with file_lock(self.folder / LOCK_FILE, wait=False, keep=True):
                return replace(self, state=STOPPED, error=KILLED)
        except BlockingIOError:
            return self
        except OSError:  # nothing can run in a read-only folder
            return replace(self, state=STOPPED, error=KILLED)


def read_sweep(folder: str | Path) -> list[Job]:
    """The jobs of a sweep with their actual states, in the order of their numbers.

    Args:
        folder: of the sweep; each job has a folder in it.

    Raises:
        DataError: there is no job, or a job's file is damaged.
    """
    jobs = find_jobs(Path(folder).expanduser())
    if not jobs:
        raise DataError(
            folder,
            "no job of a sweep in it",
            "Give the folder out= of transliconet train -m",
            code="TLN-DATA-881",
        )
    return [job.with_actual_state() for job in jobs]


def find_jobs(folder: Path) -> list[Job]:
    """The jobs in a folder with the states in their files, in the order of their numbers."""
    found = [Job.read(path.parent) for path in folder.glob(f"*/{JOB_FILE}")]
    jobs = [job for job in found if job is not None]
    return sorted(jobs, key=lambda job: (len(job.name), job.name))  # 10 after 9


def measured_tasks(jobs: Sequence[Job]) -> list[str]:
    """The tasks that a job has an accuracy of, in their order."""
    tasks: dict[str, None] = {}
    for job in jobs:
        tasks.update(dict.fromkeys(job.accuracies))
    return list(tasks)


def varied(jobs: Sequence[Job]) -> list[str]:
    """The keys whose values differ between jobs."""
    keys = [key for job in jobs for key in job.settings]
    several = []
    for key in dict.fromkeys(keys):
        values = {job.settings.get(key) for job in jobs}
        if len(values) > 1:
            several.append(key)
    return several
