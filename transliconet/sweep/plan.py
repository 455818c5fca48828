"""The folders of a sweep's jobs. A job is recognized by its settings, not by its number."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from transliconet.errors import ConfigError, Option
from transliconet.outputs import is_kind, mark
from transliconet.storage import atomic_write, file_lock
from transliconet.sweep.job import Job, find_jobs
from transliconet.sweep.overrides import settings_of

PLACE = ("out=", "resume=", "overwrite=", "jobs.", "jobs=", "hydra.", "hydra/")
"""Beginnings of overrides that say where and how jobs are run. They are not settings of a job."""
FOLDERS_LOCK = ".folders.lock"
"""File of a sweep's folder; the lock is held while a job's folder is chosen."""
PLAN_FILE = "sweep.json"
RUN_KIND = "run"
"""Kind in the marker file of a run folder (:func:`transliconet.outputs.mark`)."""


@dataclass(frozen=True)
class SweepPlan:
    """What a sweep's command asked for, kept as ``sweep.json`` in its folder.

    Args:
        total: number of jobs of the last command; 0 if the sweeper chooses them one by one.
        maximize: tasks whose accuracy is maximized, the first of which orders the jobs.
    """

    total: int = 0
    maximize: Sequence[str] = ()

    def write(self, sweep: Path) -> None:
        """Write the file, atomically."""
        sweep.mkdir(parents=True, exist_ok=True)
        content = {"total": self.total, "maximize": list(self.maximize)}
        atomic_write(sweep / PLAN_FILE, json.dumps(content, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, sweep: Path) -> "SweepPlan":
        """The plan of a sweep; an empty one where there is none that can be read."""
        try:
            content = json.loads((sweep / PLAN_FILE).read_text(encoding="utf-8"))
            plan = cls(int(content["total"]), [str(task) for task in content["maximize"]])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return cls()
        return plan


def job_overrides(overrides: Sequence[str]) -> list[str]:
    """The overrides that are settings of a job."""
    return [override for override in overrides if not override.startswith(PLACE)]


def find_or_make_job(sweep: Path, overrides: Sequence[str], preferred: str) -> Job:
    """The job with these settings, or a new one.

    Args:
        sweep: folder of the sweep.
        overrides: of the job, in any order.
        preferred: name for the folder of a new job. If it is taken, the folder gets the first free
            number.
    """
    wanted = job_overrides(overrides)
    sweep.mkdir(parents=True, exist_ok=True)
    with file_lock(sweep / FOLDERS_LOCK, keep=True):
        jobs = find_jobs(sweep)
        for job in jobs:
            if job.settings == settings_of(wanted):
                return job
        taken = {job.name for job in jobs}
        name = preferred
        numbers = count(len(taken))
        while name in taken or _is_of_another(sweep / name):
            name = str(next(numbers))
        job = Job(sweep / name, wanted)
        job.folder.mkdir(exist_ok=True)
        mark(job.folder, RUN_KIND)
        job.write()
        return job


def _is_of_another(folder: Path) -> bool:
    """Whether there is something that no job of a sweep left."""
    if not os.path.lexists(folder):
        return False
    return not folder.is_dir() or (any(folder.iterdir()) and not is_kind(folder, RUN_KIND))


def check_same_sweep(sweep: Path, wanted: Sequence[Sequence[str]]) -> None:
    """Raise unless new jobs belong to the sweep in a folder.

    They do if they have the same keys as its jobs, and the same value wherever all jobs have one.

    Args:
        sweep: folder of the sweep.
        wanted: the overrides of each new job.

    Raises:
        ConfigError: the folder holds another sweep.
    """
    jobs = find_jobs(sweep)
    if not jobs:
        return
    there = _values([job.settings for job in jobs])
    here = _values([settings_of(job_overrides(overrides)) for overrides in wanted])
    for key in sorted(there.keys() | here.keys()):
        before, now = there.get(key, set()), here.get(key, set())
        constant = len(before) <= 1
        if (constant and not before <= now) or not (before and now):
            raise ConfigError(
                Option("out", sweep),
                f"holds another sweep, with {key}={_listed(before)}, not {_listed(now)}",
                "Choose another folder",
                code="TLN-CONFIG-880",
            )


def _values(jobs: Sequence[Mapping[str, str]]) -> dict[str, set[str]]:
    """Key → the values that it has in the jobs."""
    values: dict[str, set[str]] = {}
    for job in jobs:
        for key, value in job.items():
            values.setdefault(key, set()).add(value)
    return values


def _listed(values: set[str]) -> str:
    return ",".join(sorted(values)) or "its default"
