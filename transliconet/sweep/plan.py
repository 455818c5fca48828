"""Which folder a job of a sweep has: jobs are known by their settings, not by their number."""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from transliconet.errors import ConfigError, Option
from transliconet.outputs import mark
from transliconet.storage import file_lock
from transliconet.sweep.job import Job, find_jobs
from transliconet.sweep.overrides import settings_of

PLACE = ("out=", "resume=", "overwrite=", "jobs.", "jobs=", "hydra.", "hydra/")
"""Overrides that say where and how jobs are run, not what they are."""
FOLDERS_LOCK = ".folders.lock"
RUN_KIND = "run"
"""What the marker of a run folder says."""


def job_overrides(overrides: Sequence[str]) -> list[str]:
    """The overrides that say what a job is."""
    return [override for override in overrides if not override.startswith(PLACE)]


def find_or_make_job(sweep: Path, overrides: Sequence[str], wished: str) -> Job:
    """The job with these settings, or a new one in the folder ``wished``, else in the first number
    that is free.

    Args:
        sweep: folder of the sweep.
        overrides: of the job, in any order.
        wished: name of the folder.
    """
    wanted = job_overrides(overrides)
    sweep.mkdir(parents=True, exist_ok=True)
    with file_lock(sweep / FOLDERS_LOCK, keep=True):
        jobs = find_jobs(sweep)
        for job in jobs:
            if job.settings == settings_of(wanted):
                return job
        taken = {job.name for job in jobs}
        name = wished
        if name in taken:
            numbers = (str(number) for number in count(len(taken)))
            name = next(number for number in numbers if number not in taken)
        job = Job(sweep / name, wanted)
        job.folder.mkdir(exist_ok=True)
        mark(job.folder, RUN_KIND)
        job.write()
        return job


def check_same_sweep(sweep: Path, wanted: Sequence[Sequence[str]]) -> None:
    """Raise unless the jobs ``wanted``, by their overrides, can join those that a folder has: of
    the same keys, and with the same values where a key has only one.

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
    """Key → its values in all jobs."""
    values: dict[str, set[str]] = {}
    for job in jobs:
        for key, value in job.items():
            values.setdefault(key, set()).add(value)
    return values


def _listed(values: set[str]) -> str:
    return ",".join(sorted(values)) or "its default"
