"""The environment of a job's process, and how it learns that the sweep has ended: a pipe between
their processes closes.

Every command imports this module when it starts, so it imports nothing else of the package.
"""

import os
import signal
import threading

PROCESS_GROUP_VARIABLES = {
    "LOCAL_RANK",
    "NODE_RANK",
    "GROUP_RANK",
    "RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
}
"""Environment variables that would make a job part of the sweep's process group."""
LIFELINE = "TRANSLICONET_LIFELINE"
"""Environment variable: number of a pipe, which closes when the process of the sweep ends."""


def job_environment() -> dict[str, str]:
    """This process's environment, without variables of SLURM and of process groups."""
    environment = {}
    for name, value in os.environ.items():
        if not name.startswith("SLURM_") and name not in PROCESS_GROUP_VARIABLES:
            environment[name] = value
    return environment


def stop_with_the_sweep() -> None:
    """Have SIGTERM sent to this process when the sweep's process ends, even by SIGKILL.

    In a process that is not a sweep's job it does nothing.
    """
    # removed, so that processes started by this one do not read it
    lifeline = os.environ.pop(LIFELINE, None)
    if lifeline is None:
        return

    def wait() -> None:
        os.read(int(lifeline), 1)  # returns when the other end is closed
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
