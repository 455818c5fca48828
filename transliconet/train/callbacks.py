"""What is measured while a run goes on."""

import math
import time
from dataclasses import replace
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import TQDMProgressBar
from torch import Tensor

from transliconet import keys
from transliconet.corpus.pairs import PairsFolder
from transliconet.errors import require_range
from transliconet.model.encoder import Encoder
from transliconet.objectives.encode import native_rows
from transliconet.probe.retrieval import RetrievalProbe
from transliconet.report.records import mean_accuracies, task_name
from transliconet.train.steps import AfterStep
from transliconet.train.watch import PROBED


class Throughput(pl.Callback):
    """Logs ``pairs_per_s`` and ``tokens_per_s`` (real tokens of the views read, padding not counted), all devices
    together, over the steps since the last log."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._pairs = self._tokens = 0
        self._since = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: dict[str, Tensor],
        batch_idx: int,
    ) -> None:
        self._pairs += len(batch[keys.PAIR_INDEX]) * trainer.world_size
        pairs = len(batch[keys.PAIR_INDEX])
        native = native_rows(pairs, getattr(pl_module, "native_share", 1.0))
        attention = batch[keys.ATTENTION_MASK]
        self._tokens += int(attention[:native].sum() + attention[pairs:].sum()) * trainer.world_size
        if (batch_idx + 1) % trainer.log_every_n_steps:  # type: ignore[attr-defined]
            return
        elapsed = time.monotonic() - self._since
        pl_module.log("pairs_per_s", self._pairs / elapsed, prog_bar=True)
        pl_module.log("tokens_per_s", self._tokens / elapsed)
        self._pairs = self._tokens = 0
        self._since = time.monotonic()


class Progress(TQDMProgressBar):
    """Lightning's progress bar, with the time of day at which the run will end."""

    def on_train_start(self, *args: Any) -> None:
        super().on_train_start(*args)
        self._since, self._first_step = time.time(), self.trainer.global_step

    def on_train_epoch_start(self, trainer: pl.Trainer, *args: Any) -> None:
        super().on_train_epoch_start(trainer, *args)
        batches = trainer.estimated_stepping_batches * trainer.accumulate_grad_batches
        of = f"/{math.ceil(batches / self.total_train_batches)}" if math.isfinite(batches) else ""
        self.train_progress_bar.set_description(f"epoch {trainer.current_epoch + 1}{of}")

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        items = super().get_metrics(trainer, pl_module)
        items.pop("v_num", None)
        done, left = trainer.global_step - self._first_step, trainer.estimated_stepping_batches - trainer.global_step
        if done and math.isfinite(left):
            now = time.time()
            items["ends"] = time.strftime("%H:%M", time.localtime(now + left * (now - self._since) / done))
        return items


class ProbeWhileTraining(AfterStep):
    """Runs a probe every so many steps and logs, for each task, ``probe/TASK`` (mean Acc@1 over languages) and
    ``probe/train_seconds``, the time trained so far without the probes.

    Args:
        probe: what to run; on the first process, the others wait.
        pairs: the folder it reads.
        every_n_steps: optimizer steps between two probes; the first comes after so many.
    """

    def __init__(self, probe: RetrievalProbe, pairs: PairsFolder, every_n_steps: int) -> None:
        require_range("probe_every_n_steps", every_n_steps, least=1)
        self.probe = replace(probe, measures=False)  # only accuracies are logged
        self.pairs, self.every = pairs, every_n_steps

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        self._since, self._probing = time.monotonic(), 0.0

    def after_step(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        step = trainer.global_step
        if step % self.every:
            return
        started = time.monotonic()
        means: dict[str, float] = {}
        if trainer.is_global_zero:
            means = mean_accuracies(self.probe.run(pl_module.encoder, self.pairs))  # type: ignore[arg-type]
        self._probing += time.monotonic() - started
        means["train_seconds"] = time.monotonic() - self._since - self._probing
        metrics = {f"{PROBED}{name}": value for name, value in trainer.strategy.broadcast(means).items()}
        pl_module.log_dict(metrics, logger=False)  # for callbacks that watch; loggers would miss steps they do not log
        for logger in trainer.loggers:
            logger.log_metrics(metrics, step=step)

    def metrics(self, encoder: Encoder) -> list[str]:
        """Names of what it will log."""
        layers, tasks = self.probe.layers(encoder), self.probe.tasks(self.pairs)
        return [f"{PROBED}{task_name(task, layer, len(layers) > 1)}" for layer in layers for task in tasks]
