"""``transliconet sweep status FOLDER``: the jobs of a sweep, also while they run."""

import time
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig
from tabulate import tabulate

from transliconet.errors import require_choice
from transliconet.progress import duration
from transliconet.report.sweep import accuracy_percent
from transliconet.sweep.job import (
    DONE,
    JOB_FILE,
    RUNNING,
    Job,
    measured_tasks,
    read_sweep,
    varied,
)
from transliconet.sweep.plan import SweepPlan
from transliconet.sweep.process import LOG

ACTIONS = ("status",)
LAST_BYTES, LAST_COLUMNS = 4096, 60
"""Size of the end of a log that is read, and the most characters of it that are shown."""


def status(folder: str | Path) -> str:
    """A table of the jobs of a sweep, and how many are done, run and wait.

    Raises:
        DataError: there is no job in the folder, or a job's file is damaged.
    """
    jobs = read_sweep(folder)
    keys = varied(jobs)
    tasks = measured_tasks(jobs)
    rows = []
    for job in jobs:
        row = [job.name, job.state]
        for key in keys:
            row.append(job.settings.get(key, ""))
        for task in tasks:
            row.append(accuracy_percent(job, task))
        rows.append([*row, duration(_seconds(job)), _last_words(job)])
    names = [key.split(".")[-1] for key in keys]
    headings = ["job", "state", *names, *tasks, "took", ""]
    table = tabulate(rows, headings, tablefmt="simple", disable_numparse=True)
    return f"{table}\n\n{_summary(jobs, SweepPlan.read(Path(folder).expanduser()).total)}"


def _seconds(job: Job) -> float:
    """How long a job took, or has been running."""
    if job.state != RUNNING:
        return job.seconds
    return max(time.time() - (job.folder / JOB_FILE).stat().st_mtime, 0.0)


def _last_words(job: Job) -> str:
    """The error of a job, or the last line of the log of one that runs."""
    if job.state != RUNNING:
        return job.error[:LAST_COLUMNS]
    try:
        with (job.folder / LOG).open("rb") as log:
            log.seek(max(log.seek(0, 2) - LAST_BYTES, 0))
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    lines = ["", *(line.strip() for line in text.splitlines() if line.strip())]
    return lines[-1][:LAST_COLUMNS]


def _summary(jobs: Sequence[Job], total: int) -> str:
    """How many jobs are in each state, and how long those that are left will take, one by one."""
    states = [job.state for job in jobs]
    counts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    left = max(total - len(jobs), 0)
    if left:
        counts.append(f"{left} not started")
    text = f"{max(total, len(jobs))} jobs: {', '.join(counts)}"
    done = [job.seconds for job in jobs if job.state == DONE]
    if not done or not (left or RUNNING in states):
        return text
    mean = sum(done) / len(done)
    seconds = left * mean
    for job in jobs:
        if job.state == RUNNING:
            seconds += max(mean - _seconds(job), 0.0)
    return f"{text}; about {duration(seconds)} left, one job at a time"


def main(cfg: DictConfig) -> None:
    require_choice("action", cfg.action, ACTIONS)
    print(status(cfg.folder))
