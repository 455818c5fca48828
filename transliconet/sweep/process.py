"""Runs a job of a sweep in a process of its own, so that no state of one job reaches the next."""

import logging
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import IO, Any

from transliconet.errors import DataError
from transliconet.probe.results import mean_accuracies, read_results_file
from transliconet.storage import file_lock
from transliconet.sweep.environment import LIFELINE, job_environment
from transliconet.sweep.job import DONE, FAILED, LOCK_FILE, RUNNING, STOPPED, Job
from transliconet.sweep.overrides import quoted

log = logging.getLogger(__name__)

LOG = "job.log"
"""File of a job's folder with everything that its process printed."""
ERROR_LINE = re.compile(r"(error: |stopped by |\w*(Error|Exception)\b)")
POLL = 0.5
"""Seconds between two attempts to get a free GPU."""


def run_job(job: Job, gpus: Sequence[int | str] | None = None) -> Job:
    """Run ``transliconet train`` with the job's settings in its folder, unless it is done already.

    A job that was killed continues from its last checkpoint. Output of the process goes to
    ``job.log``. A failure is written to the job's file and returned, not raised. If this process
    ends before the job does, the job saves a checkpoint and stops.

    Args:
        job: see :func:`transliconet.sweep.plan.find_or_make_job`.
        gpus: numbers or names for ``CUDA_VISIBLE_DEVICES``. The job waits for one that no other job
            uses. None: it sees the GPUs that this process sees.

    Returns:
        The job with its new state.
    """
    with ExitStack() as held:
        lock = held.enter_context(file_lock(job.folder / LOCK_FILE, keep=True))
        job = Job.read(job.folder) or job
        if job.state == RUNNING:
            accuracies = run_accuracies(job.folder)
            if accuracies is not None:  # its process outlived the one that ran the sweep
                job = replace(job, state=DONE, accuracies=accuracies)
                job.write()
        if job.state == DONE:
            return job
        job = replace(job, state=RUNNING, error="")
        inherited = [lock.fileno()]
        environment = job_environment()
        if gpus:
            gpu, gpu_lock = held.enter_context(free_gpu(gpus))
            inherited.append(gpu_lock.fileno())
            environment["CUDA_VISIBLE_DEVICES"] = str(gpu)
        job.write()
        job = _run(job, environment, inherited)
        job.write()
        return job


@contextmanager
def free_gpu(gpus: Sequence[int | str]) -> Iterator[tuple[int | str, IO[bytes]]]:
    """Wait for a GPU that no other job of this user uses on this machine, in any sweep.

    Args:
        gpus: to choose from.

    Yields:
        The GPU, and its open lock file. The job's process inherits the file, so that the GPU stays
        taken as long as the job runs.
    """
    while True:
        for gpu in gpus:
            name = f"transliconet-{os.getuid()}-gpu-{gpu}.lock"
            lock = file_lock(Path(tempfile.gettempdir()) / name, wait=False, keep=True)
            with ExitStack() as held:
                try:
                    handle = held.enter_context(lock)
                except BlockingIOError:
                    continue
                yield gpu, handle
                return
        time.sleep(POLL)


def _run(job: Job, environment: Mapping[str, str], inherited: Sequence[int]) -> Job:
    """Start the process and wait for its end.

    Args:
        job: to run.
        environment: variables of the process.
        inherited: file descriptors that stay open in it.

    Returns:
        The job with its new state.
    """
    overrides = [*job.overrides, f"out={quoted(str(job.folder))}", "resume=last"]
    command = [sys.executable, "-m", "transliconet", "train", *overrides]
    reading, writing = os.pipe()
    started = time.monotonic()
    with (job.folder / LOG).open("ab") as output:
        output.write(f"$ {shlex.join(['transliconet', *command[3:]])}\n".encode())
        output.flush()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=[*inherited, reading],
            env={**environment, LIFELINE: str(reading)},
        )
    os.close(reading)
    try:
        status = process.wait()
    except BaseException:  # the sweep was interrupted: the job sees the pipe close, and saves
        os.close(writing)
        process.wait()
        seconds = round(time.monotonic() - started, 1)
        replace(job, state=STOPPED, error="the sweep was stopped", seconds=seconds).write()
        raise
    os.close(writing)
    job = replace(job, seconds=round(time.monotonic() - started, 1))
    if status == 0:
        return replace(job, state=DONE, accuracies=run_accuracies(job.folder) or {})
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    stopped = any(status in (128 + number, -number) for number in numbers)
    state = STOPPED if stopped else FAILED
    return replace(job, state=state, error=_last_error(job.folder / LOG, status))


def run_accuracies(folder: Path) -> dict[str, float] | None:
    """Accuracies after training, from a run's results file; None if there is no complete one."""
    try:
        results = read_results_file(folder / "results.json")
    except DataError:
        return None
    entries = results.content.get("transfer")
    return {
        **mean_accuracies(results.records.get("after", [])),
        **_mean_transfer(entries if isinstance(entries, list) else []),
    }


def _mean_transfer(entries: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """``transfer/VIEW`` → accuracy after training, of entities their F1, the mean over languages
    and seeds.
    """
    by_view: defaultdict[str, list[float]] = defaultdict(list)
    for entry in entries:
        if entry.get("stage") == "after":
            f1 = entry.get("entity_f1")
            by_view[f"transfer/{entry['view']}"].append(entry["accuracy"] if f1 is None else f1)
    return {name: fmean(values) for name, values in by_view.items()}


def _last_error(log: Path, status: int) -> str:
    """The last error in a log, or its last line if it has no error."""
    text = log.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if ERROR_LINE.match(line)]
    message = (errors or lines)[-1].removeprefix("error: ")
    return f"{message[:500]} (exit status {status})"
