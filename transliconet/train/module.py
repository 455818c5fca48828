"""The LightningModule: one forward pass over both views, every loss term logged."""

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
from transliconet.objectives.encode import encode
from transliconet.train.optim import LR_FACTOR, parameter_groups

PREFIX = "encoder.masked_lm."
"""Where the module's state keeps the masked LM."""

MakeOptimizer = Callable[[Iterable[dict]], Optimizer]
MakeScheduler = Callable[[Optimizer, int], LRScheduler]


class PairModule(pl.LightningModule):
    """Trains an encoder on pairs.

    Args:
        encoder: what is trained.
        objectives: by name; those that are None or of weight 0 are off.
        optimizer: from parameter groups to an optimizer, e.g. a partial of ``torch.optim.AdamW``.
        scheduler: from optimizer and number of steps to a scheduler, stepped at every optimizer
            step; None: constant.
        weight_decay, new_rows_lr_factor, layer_decay: see
            :func:`transliconet.train.optim.parameter_groups`.
        micro_batch: texts encoded at a time, see :func:`transliconet.objectives.encode.encode`.

    Raises:
        ConfigError: no objective is on, or one reads a layer that the encoder does not have.
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
        self.make_optimizer, self.make_scheduler = optimizer, scheduler
        self.decays = {
            "weight_decay": weight_decay,
            "new_rows_lr_factor": new_rows_lr_factor,
            "layer_decay": layer_decay,
        }

    def on_fit_start(self) -> None:
        # from_pretrained leaves a model without dropout, and Lightning keeps what it finds
        self.encoder.train()

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        torch.manual_seed(int(batch[SEED]))
        encoded = encode(self.encoder, batch, self.requests, self.native_share, self.micro_batch)
        total, terms = combine(self.objectives, encoded)
        pairs = len(batch[PAIR_INDEX])
        self.log("loss", total, prog_bar=True, batch_size=pairs)
        self.log_dict({f"loss/{name}": term for name, term in terms.items()}, batch_size=pairs)
        for objective in self.objectives.values():
            negatives = objective.negatives_per_text(pairs)
            if negatives is not None:
                self.log("negatives", float(negatives), batch_size=pairs)
        self.log("lr", self.optimizers().param_groups[0]["lr"])  # type: ignore[union-attr]
        return total

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        if self.trainer.precision != "bf16-mixed":
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)
            return
        # Lightning refuses fused optimizers under mixed precision, since they unscale gradients;
        # bf16 scales none.
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
