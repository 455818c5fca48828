"""The LightningModule that trains an encoder: one forward pass for all objectives, whose terms are
logged.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.precision import Precision
from pytorch_lightning.utilities.enums import GradClipAlgorithmType
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from transliconet.batch import PAIR_INDEX, SEED
from transliconet.errors import ConfigError, Option, require_range, section
from transliconet.model.encoder import Encoder
from transliconet.model.rows import merge_state, split_state
from transliconet.objectives.base import (
    Objective,
    active,
    batch_needs,
    combine,
    state_requests,
)
from transliconet.objectives.encode import EncodedPairs, encode
from transliconet.train.optim import LR_FACTOR, parameter_groups

PREFIX = "encoder."
"""What the names of the encoder's weights begin with in the module's state."""

MakeOptimizer = Callable[[Iterable[dict]], Optimizer]
MakeScheduler = Callable[[Optimizer, int], LRScheduler]


class PairModule(pl.LightningModule):
    """Trains an encoder on pairs.

    Args:
        encoder: what is trained.
        objectives: by name; those that are None or of weight 0 are off.
        optimizer: makes an optimizer of parameter groups, e.g. a partial of ``torch.optim.AdamW``.
        scheduler: makes a scheduler of an optimizer and the number of its steps, e.g.
            :func:`transliconet.train.optim.linear_warmup_decay`. It is stepped after every
            optimizer step; None keeps the learning rate constant.
        weight_decay, new_rows_lr_factor, layer_decay: see
            :func:`transliconet.train.optim.parameter_groups`.
        micro_batch: texts encoded at a time, see :func:`transliconet.objectives.encode.encode`.

    Raises:
        ConfigError: no objective is on, one reads a layer that the encoder does not have, or
            ``micro_batch`` is below 1.
    """

    def __init__(
        self,
        encoder: Encoder,
        objectives: Mapping[str, Objective | None],
        optimizer: MakeOptimizer,
        scheduler: MakeScheduler | None = None,
        weight_decay: float = 0.01,
        new_rows_lr_factor: float = 1.0,
        layer_decay: float = 1.0,
        micro_batch: int | None = None,
    ) -> None:
        super().__init__()
        if micro_batch is not None:
            require_range("micro_batch", micro_batch, least=1)
        self.micro_batch = micro_batch
        self.encoder = encoder
        self.objectives = active(objectives)
        with section("objective"):
            self.requests = state_requests(self.objectives, encoder)
            self.batch_needs = batch_needs(self.objectives, encoder)
        self.native_share = max(o.native_share for o in self.objectives.values())
        self.watchers: list[Callable[[EncodedPairs], None]] = []
        """Called with the states of each batch, to measure them."""
        self.make_optimizer, self.make_scheduler = optimizer, scheduler
        self.decays = {
            "weight_decay": weight_decay,
            "new_rows_lr_factor": new_rows_lr_factor,
            "layer_decay": layer_decay,
        }

    def on_fit_start(self) -> None:
        # an encoder is loaded in evaluation mode, and Lightning would leave it there
        self.encoder.train()

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """The total loss of a batch (:mod:`transliconet.batch`), a scalar; every term is logged."""
        # dropout is drawn from the batch's own seed, so that a resumed run draws the same
        torch.manual_seed(int(batch[SEED]))
        encoded = self.encode(batch)
        total, terms = combine(self.objectives, encoded)
        for watch in self.watchers:
            watch(encoded)
        pairs = len(batch[PAIR_INDEX])
        self.log("loss", total, prog_bar=True, batch_size=pairs)
        self.log_dict({f"loss/{name}": term for name, term in terms.items()}, batch_size=pairs)
        for objective in self.objectives.values():
            negatives = objective.negatives_per_text(pairs)
            if negatives is not None:
                self.log("negatives", float(negatives), batch_size=pairs)
        self.log("lr", self.optimizers().param_groups[0]["lr"])  # type: ignore[union-attr]
        return total

    def encode(self, batch: Mapping[str, Tensor], in_parts: bool = True) -> EncodedPairs:
        """The states of a batch that the objectives read.

        Args:
            batch: fields of :mod:`transliconet.batch`.
            in_parts: whether a large batch is encoded in parts of ``micro_batch``.
        """
        return encode(
            self.encoder,
            batch,
            self.requests,
            native_share=self.native_share,
            micro_batch=self.micro_batch if in_parts else None,
        )

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        if self.trainer.precision != "bf16-mixed":
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)
            return
        # Lightning refuses fused optimizers under mixed precision, since they unscale gradients.
        # In bfloat16 no gradient is scaled, so its own clipping is safe.
        algorithm = GradClipAlgorithmType(gradient_clip_algorithm or "norm")
        Precision.clip_gradients(
            self.trainer.precision_plugin, optimizer, gradient_clip_val or 0.0, algorithm
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        merge_state(checkpoint["state_dict"], PREFIX, self.encoder)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        split_state(checkpoint["state_dict"], PREFIX, self.encoder)

    def configure_optimizers(self) -> Any:
        with section("optim"):
            groups = parameter_groups(self.encoder, **self.decays)
            optimizer = self._optimizer(groups)
        for group in optimizer.param_groups:
            group["lr"] *= group.get(LR_FACTOR, 1.0)
        if self.make_scheduler is None:
            return optimizer
        steps = self.trainer.estimated_stepping_batches
        if not math.isfinite(steps):
            raise ConfigError(
                Option("max_steps", -1),
                "the learning rate schedule needs a number of steps",
                "Set it or max_epochs beside max_time, or use no schedule",
                code="TLN-CONFIG-803",
            ).in_section("trainer")
        with section("optim"), section("scheduler"):
            scheduler = self.make_scheduler(optimizer, int(steps))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def _optimizer(self, groups: list[dict]) -> Optimizer:
        try:
            return self.make_optimizer(groups)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                "optimizer", str(error), "Change that option", code="TLN-CONFIG-802"
            ) from error
