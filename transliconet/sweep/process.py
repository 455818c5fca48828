"""A job of a sweep, run in a fresh process: nothing of one job reaches the next, whatever devices
it uses.
"""

import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from transliconet.errors import ConfigError, DataError
from transliconet.probe.results import mean_accuracies, read_results
from transliconet.storage import file_lock
from transliconet.sweep.job import DONE, FAILED, RUNNING, STOPPED, Job

log = logging.getLogger(__name__)

LOG = "job.log"
LOCK = ".job.lock"
"""Held by the sweep's process and by the job's, which may outlive it."""
POLL = 0.5
"""Seconds between two looks for a free GPU."""
RANKS = {
    "LOCAL_RANK",
    "NODE_RANK",
    "GROUP_RANK",
    "RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
}
"""Variables that would make a job a part of something: it starts its own processes, also within a
job of SLURM's.
"""
ELSEWHERE = ("out=", "resume=", "jobs.", "jobs=")
"""Overrides that say where and how jobs are run, not what they are."""


def run_job(folder: Path, overrides: Sequence[str], gpus: Sequence[int | str] | None = None) -> Job:
    """Run ``transliconet train`` with ``overrides`` in ``folder``, unless it is done there already.

    A job that was killed goes on from its last checkpoint. What the process prints goes to
    ``job.log``; a failure is written down and returned, not raised. If this process ends, however,
    the job saves and stops.

    Args:
        folder: run folder of the job.
        overrides: of the command.
        gpus: numbers as of ``CUDA_VISIBLE_DEVICES``; the job gets one that no other job has, and
            waits for it. None: it sees what this process sees.

    Raises:
        ConfigError: the folder has another job.
    """
    what = [override for override in overrides if not override.startswith(ELSEWHERE)]
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        lock = held.enter_context(file_lock(folder / LOCK, keep=True))
        before = Job.read(folder)
        if before is not None and list(before.overrides) != what:
            differing = " ".join(sorted(set(before.overrides) ^ set(what)))
            raise ConfigError(
                f"out={folder.parent}",
                f"{folder.name}/ holds another job ({differing})",
                "Choose another",
                code="TLN-CONFIG-880",
            )
        job = before or Job(folder, what)
        if (
            before is not None
            and before.state == RUNNING
            and (found := _accuracies(folder)) is not None
        ):
            job = replace(
                before, state=DONE, accuracies=found
            )  # its process outlived the one that ran the sweep
            job.write()
        if job.state == DONE:
            log.info("job %s: was done", job.name)
            return job
        job = replace(job, state=RUNNING, error="")
        inherited = [lock.fileno()]
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith("SLURM_") and k not in RANKS
        }
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
    """Wait for one of ``gpus`` that no job of this user has on this machine, whichever sweep it is
    of; the GPU, and the open lock file for the job's process to inherit.
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
    command = [
        sys.executable,
        "-m",
        "transliconet",
        "train",
        *job.overrides,
        f"out={job.folder}",
        "resume=last",
    ]
    reading, writing = os.pipe()
    started = time.monotonic()
    with (job.folder / LOG).open("ab") as output:
        output.write(f"$ transliconet {' '.join(command[3:])}\n".encode())
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
    except BaseException:  # an interrupted sweep: the job sees the pipe close, and saves
        os.close(writing)
        process.wait()
        raise
    os.close(writing)
    job = replace(job, seconds=round(time.monotonic() - started, 1))
    if status == 0:
        return replace(job, state=DONE, accuracies=_accuracies(job.folder) or {})
    stopped = status in (128 + signal.SIGTERM, -signal.SIGTERM)
    return replace(
        job, state=STOPPED if stopped else FAILED, error=_last_words(job.folder / LOG, status)
    )


def _accuracies(folder: Path) -> dict[str, float] | None:
    """What the results file of a run says, None where there is no whole one."""
    try:
        return mean_accuracies(read_results(folder / "results.json").get("after", []))
    except DataError:
        return None


def _last_words(log: Path, status: int) -> str:
    """The error that a log ends with, else its last line."""
    lines = [
        line
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        if line.strip()
    ]
    errors = [
        line for line in lines if re.match(r"(error: |stopped by |\w*(Error|Exception)\b)", line)
    ]
    said = (errors or lines)[-1].removeprefix("error: ")
    return f"{said[:500]} (exit status {status})"


LIFELINE = "TRANSLICONET_LIFELINE"
"""Environment variable: the end of a pipe that closes when the process that runs the sweep ends."""


def stop_with_the_sweep() -> None:
    """In a job's process: have SIGTERM sent here when the process that runs the sweep ends, be it
    by SIGKILL.
    """
    lifeline = os.environ.pop(LIFELINE, None)  # not for processes that this one starts
    if lifeline is None:
        return

    def wait() -> None:
        os.read(int(lifeline), 1)  # returns when the other end is closed
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
