"""A job ends when the process that runs the sweep does, however that ends."""

import os
import signal
import threading

LIFELINE = "TRANSLICONET_LIFELINE"
"""Environment variable: the end of a pipe that closes when the process that runs the sweep ends."""


def stop_with_the_sweep() -> None:
    """In a job's process: have SIGTERM sent here when the process that runs the sweep ends, be it by SIGKILL."""
    lifeline = os.environ.pop(LIFELINE, None)  # not for processes that this one starts
    if lifeline is None:
        return

    def wait() -> None:
        os.read(int(lifeline), 1)  # returns when the other end is closed
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
