"""Signals that end a run: it saves behind the optimizer step that is under way, and says how to go
on.
"""

import logging
import re
import signal
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl

from transliconet.errors import Interrupted
from transliconet.train import slurm
from transliconet.train.callbacks import AfterStep

log = logging.getLogger(__name__)


class SaveOnSignal(AfterStep):
    """SIGTERM saves and ends the run; SIGUSR1, SLURM's warning (``--signal=SIGUSR1@90``), also asks
    for its requeueing.

    Lightning's handlers would save at once, in the middle of a step, and talk to other processes
    from within the handler. Here the handler leaves a note, and all processes look at each other's
    notes when a step is done.

    Args:
        checkpoint: the file to write.

    Raises:
        Interrupted: from the training loop, once the checkpoint is written.
    """

    def __init__(self, checkpoint: str | Path) -> None:
        self.checkpoint = Path(checkpoint)
        self._received = 0
        self._before: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        for number in (signal.SIGTERM, signal.SIGUSR1):
            self._before[number] = signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._received = number

    def after_step(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        def agreed(noted: bool) -> bool:
            """Whether any process has it noted."""
            return trainer.strategy.reduce_boolean_decision(noted, all=False)

        if not agreed(self._received != 0):
            return
        requeue = agreed(self._received == signal.SIGUSR1)
        trainer.save_checkpoint(self.checkpoint)
        if requeue and trainer.is_global_zero:
            requeue_slurm_job()
        raise Interrupted(
            f"stopped by {'SIGUSR1' if requeue else 'SIGTERM'}",
            f"saved at step {trainer.global_step} in {self.checkpoint}",
            "The same command with resume=last goes on from there",
            code="TLN-STOP-800",
        )

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()


def requeue_slurm_job() -> None:
    """Have SLURM run this job again; outside of SLURM there is nothing to do."""
    job = slurm.job_name()
    if job and re.fullmatch(r"[0-9_]+", job):
        problem = slurm.requeue(job)
        log.warning(
            "SLURM job %s: %s", job, f"cannot be requeued ({problem})" if problem else "requeued"
        )


def resumed_checkpoint(resume: str | None, out: str | Path) -> Path | None:
    """The checkpoint to go on from.

    ``last`` is the last one of the run folder ``out``, if there is one, else the run starts. A job
    that SLURM has requeued goes on without being told.
    """
    last = Path(out) / "checkpoints" / "last.ckpt"
    if resume == "last" or (resume is None and slurm.was_requeued()):
        return last if last.exists() else None
    return None if resume is None else Path(resume)
