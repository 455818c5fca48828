"""The SLURM job that this process runs in, if any."""

import os
import subprocess


def job_name() -> str | None:
    """``4711``, or ``4711_3`` for a task of an array; None outside of SLURM."""
    job = os.environ.get("SLURM_JOB_ID")
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else job


def restarts() -> int:
    """How often the job has been requeued."""
    return int(os.environ.get("SLURM_RESTART_COUNT", "0"))


def requeue(job: str) -> str:
    """``scontrol requeue`` a job; what went wrong, or an empty string."""
    try:
        done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True)
    except OSError as error:
        return str(error)
    return done.stderr.strip() if done.returncode else ""
