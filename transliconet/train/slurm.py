"""The SLURM job that this process runs in, if any, and how it is run again."""

import logging
import os
import re
import subprocess

log = logging.getLogger(__name__)


def job_name() -> str | None:
    """``4711``, or ``4711_3`` for a task of an array; None outside of SLURM."""
    job = os.environ.get("SLURM_JOB_ID")
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else job


def restarts() -> int:
    """How often the job has been requeued."""
    return int(os.environ.get("SLURM_RESTART_COUNT", "0"))


def requeue_this_job() -> None:
    """Ask SLURM to run this job again, and log the outcome. Outside of SLURM it does nothing."""
    job = job_name()
    if not job or not re.fullmatch(r"[0-9_]+", job):
        return
    problem = _requeue(job)
    outcome = f"cannot be requeued ({problem})" if problem else "requeued"
    log.warning("SLURM job %s: %s", job, outcome)


def _requeue(job: str) -> str:
    """``scontrol requeue`` a job. Returns its error message, or an empty string."""
    try:
        done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True)
    except OSError as error:
        return str(error)
    return done.stderr.strip() if done.returncode else ""
