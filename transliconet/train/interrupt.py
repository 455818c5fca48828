"""Signals that end a run: it saves after the current optimizer step, and says how to go on."""

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
    """Notes a signal until the optimizer step in progress is done.

    Outside of the training loop, and when a second signal comes, the run ends at once.

    Args:
        checkpoint: the file that a resumed run starts from.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint
        self.received = 0
        self.in_training_loop = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals in the block. In a thread other than the main one, Python allows no
        handlers: then nothing is handled.
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
        """Set the handlers, again where a library has set its own."""
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
        """What to raise: ``step`` is the one that was saved, None where nothing was saved now."""
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
    """Saves and ends the run when a signal was received. SIGUSR1, SLURM's warning
    (``--signal=SIGUSR1@90``), also has the job requeued.

    Lightning's handlers would save at once, in the middle of a step, and talk to other processes
    from within the handler. Here all processes compare notes when a step is done.

    It is a ``Checkpoint`` because Lightning calls those last: what the probe, early stopping and
    the choice of checkpoints found at this step is then part of what is saved.

    Args:
        request: what notes the signals.

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
