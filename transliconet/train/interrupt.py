"""Signals that end a run: it saves after the current optimizer step, and says how to resume."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

from transliconet.errors import Interrupted
from transliconet.train import slurm
from transliconet.train.callbacks import AfterStep

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
GO_ON = "Run it again with resume=last to go on from there"


class StopRequest:
    """Remembers a signal until the current optimizer step is done.

    Outside of the training loop, and at a second signal, the run ends at once.

    Args:
        checkpoint: the file that a resumed run starts from.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint
        self.received = 0
        self.in_training_loop = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals within the block. Python allows handlers in the main thread only; in
        any other thread this does nothing.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in SIGNALS}
        self.install()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def install(self) -> None:
        """Set the handlers. It is called again where a library may have set its own."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received or not self.in_training_loop:
            raise self.error(number, None)
        self.received = number
        if number == signal.SIGINT:
            log.info("stopping after this step; press Ctrl-C again to stop at once")

    def error(self, number: int, step: int | None) -> Interrupted:
        """The error to raise.

        Args:
            number: of the signal.
            step: the step that was saved because of the signal; None if nothing was saved.
        """
        if step is not None:
            problem, remedy = f"saved at step {step} in {self.checkpoint}", GO_ON
        elif self.checkpoint.exists():
            problem, remedy = f"its last checkpoint is {self.checkpoint}", GO_ON
        else:
            problem, remedy = "no checkpoint was written yet", "Run it again to start over"
        name = signal.Signals(number).name
        stopped = Interrupted(f"stopped by {name}", problem, remedy, code="TLN-STOP-800")
        stopped.signal = number
        return stopped


class SaveOnSignal(AfterStep, Checkpoint):
    """Saves a checkpoint and ends the run after a signal. After SIGUSR1, SLURM's warning
    (``--signal=SIGUSR1@90``), the job is also requeued.

    Lightning's handlers would save at once, in the middle of a step, and communicate with other
    processes from within the handler. Here all processes agree after each step whether to stop.

    It is a ``Checkpoint`` because Lightning calls those last. The results of the probe, of early
    stopping and of the choice of checkpoints at this step are then part of the checkpoint.

    Args:
        request: receives the signals.

    Raises:
        Interrupted: from the training loop, once the checkpoint is written.
    """

    def __init__(self, request: StopRequest) -> None:
        self.request = request

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        self.request.install()
        self.request.in_training_loop = True

    def after_step(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        received = self.request.received

        def any_process(noted: bool) -> bool:
            return trainer.strategy.reduce_boolean_decision(noted, all=False)

        if not any_process(received != 0):
            return
        requeue = any_process(received == signal.SIGUSR1)
        by_hand = any_process(received == signal.SIGINT)
        trainer.save_checkpoint(self.request.checkpoint)
        if requeue and trainer.is_global_zero:
            slurm.requeue_this_job()
        number = signal.SIGINT if by_hand else signal.SIGTERM
        raise self.request.error(signal.SIGUSR1 if requeue else number, trainer.global_step)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.request.in_training_loop = False

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        self.request.in_training_loop = False
