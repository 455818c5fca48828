"""Online mixing: the shares of languages are changed while the encoder is trained."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from transliconet.data.datamodule import PairsDataModule
from transliconet.data.mixture import exponents
from transliconet.errors import ConfigError, Option, require_range
from transliconet.train.callbacks import is_logged
from transliconet.train.language_loss import LanguageLosses
from transliconet.train.module import PairModule

log = logging.getLogger(__name__)


def exponentiated(shares: Tensor, gains: Tensor, eta: float) -> Tensor:
    r"""One step of exponentiated gradient (Kivinen and Warmuth, 1997).

    .. math:: p'_l \propto p_l \, \exp(\eta \, g_l)

    Args:
        shares: (L,), :math:`p`, in sum 1.
        gains: (L,), :math:`g`.
        eta: step size.

    Returns:
        (L,), in sum 1.

    >>> exponentiated(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0]), eta=0.0)
    tensor([0.5000, 0.5000])
    """
    return torch.softmax(shares.log() + eta * gains, 0)


def relative(gains: Tensor) -> Tensor:
    """Gains relative to the largest, so that the step size means the same whatever the loss is.

    Args:
        gains: (L,).

    Returns:
        (L,), from -1 to 1.

    >>> relative(torch.tensor([4.0, -1.0]))
    tensor([ 1.0000, -0.2500])
    """
    return gains / gains.abs().max().clamp(min=torch.finfo(torch.float32).tiny)


def bounded(shares: Tensor, least: Tensor) -> Tensor:
    """Raise shares to a least value each, and scale the others so that the sum is 1 again.

    Args:
        shares: (L,), in sum 1.
        least: (L,), in sum less than 1.

    >>> bounded(torch.tensor([0.9, 0.1, 0.0]), torch.tensor([0.1, 0.1, 0.1]))
    tensor([0.8000, 0.1000, 0.1000])
    """
    fixed = shares <= least
    # scaling may push further shares below their least value
    while True:
        free = 1 - least[fixed].sum()
        scaled = torch.where(fixed, least, shares * free / shares[~fixed].sum())
        below = (scaled < least) & ~fixed
        if not bool(below.any()):
            return scaled
        fixed = fixed | below


@dataclass(eq=False)
class OnlineMixing(pl.Callback, ABC):
    """Changes the shares of languages every ``every_n_batches`` batches.

    A method overrides :meth:`update`, and :meth:`begin` where it measures before the first batch.
    It keeps what a resumed run needs in :attr:`memory`. In a module that Python can import, it is
    taken as ``+mixing._target_=hardest.HardestFirst``::

        from dataclasses import dataclass
        from transliconet.train.mixing import OnlineMixing

        @dataclass(eq=False)
        class HardestFirst(OnlineMixing):
            eta: float = 0.1

            def update(self, shares, measure):
                return self.improved(shares, measure.losses())

    Args:
        every_n_batches: batches of each process for which shares stay as they are.
        eta: step size of :func:`exponentiated`: the most that the logarithm of a share changes
            before all are scaled to a sum of 1.
        least: smallest share of a language, relative to the one that it began with, so that none is
            lost.
        ema: part of the old shares in the new ones.
        pairs: pairs of a language in each measurement of its loss.

    Raises:
        ConfigError: a value is out of range.
    """

    every_n_batches: int = 10
    eta: float = 0.5
    least: float = 0.2
    ema: float = 0.0
    pairs: int = 16

    def __post_init__(self) -> None:
        require_range("every_n_batches", self.every_n_batches, least=1)
        require_range("eta", self.eta, above=0)
        require_range("least", self.least, above=0, most=1)
        require_range("ema", self.ema, least=0, most=0.99)
        require_range("pairs", self.pairs, least=2)
        self.data: PairsDataModule | None = None
        self._forget()

    def _forget(self) -> None:
        self.batches = 0  # since the first step
        self.seconds = 0.0  # of measurements
        self.memory: dict[str, Any] = {}
        """Plain data that a checkpoint keeps."""

    def bind(self, data: PairsDataModule) -> None:
        """Take over the shares of the training pairs, for a new run.

        Raises:
            ConfigError: their batches cannot follow.
        """
        settings = data.settings
        refused = {
            "workers": (settings.workers, 0),
            "batch_tokens": (settings.batch_tokens, None),
            "by_language": (settings.by_language, False),
            "pairs_per_id": (settings.pairs_per_id, 1),
        }
        for name, (value, needed) in refused.items():
            if value != needed:
                raise ConfigError(
                    Option(name, value),
                    "online mixing decides on each batch when it is needed, of batch_size pairs "
                    "of any language",
                    f"Leave it at {str(needed).lower()}, or set mixing=none",
                    code="TLN-CONFIG-810",
                ).in_section("data")
        if len(set(exponents(settings.alpha))) > 1:
            raise ConfigError(
                Option("alpha", settings.alpha),
                "a schedule and online mixing decide on the same shares",
                "Give one number, or set mixing=none",
                code="TLN-CONFIG-812",
            ).in_section("data")
        self._forget()
        self.data = data
        data.round_batches = self.every_n_batches

    @abstractmethod
    def update(self, shares: Tensor, measure: LanguageLosses) -> Tensor:
        """The shares by which the next ``every_n_batches`` batches are drawn.

        Args:
            shares: (L,) float64, of the mixture that the method has arrived at.
            measure: the encoder, as it is now.

        Returns:
            (L,): the method's new mixture (:meth:`improved`), or ``shares`` as they are. What is
            drawn may differ from it, see :meth:`drawn`.
        """

    def begin(self, shares: Tensor, measure: LanguageLosses) -> None:
        """Called before the first batch of a run; by default nothing is measured."""

    def drawn(self, shares: Tensor) -> Tensor:
        """(L,) what is drawn next, given the method's mixture."""
        return shares

    def improved(self, shares: Tensor, gains: Tensor) -> Tensor:
        """(L,) the mixture after a step in the direction of (L,) gains, of any size."""
        stepped = exponentiated(shares, relative(gains), self.eta)
        kept = self.ema * shares + (1 - self.ema) * stepped
        first = torch.tensor(self.memory["first"], dtype=torch.float64)
        return bounded(kept, self.least * first)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, PairModule)
        assert self.data is not None, "bind() has run"
        assert self.data.mixture is not None, "setup() has run"
        self._measure = LanguageLosses(trainer, pl_module, self.data, self.pairs)
        if self.memory:  # the run is resumed
            self._apply()
            return
        own = self.data.mixture.shares()
        shares = [own[tag] for tag in self._measure.tags]
        self.memory = {"first": shares, "shares": shares}
        started = time.monotonic()
        mixture = torch.tensor(shares, dtype=torch.float64)
        self.begin(mixture, self._measure)
        self._draw_by(mixture)
        self.seconds += time.monotonic() - started

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: dict[str, Tensor],
        batch_idx: int,
    ) -> None:
        self.batches += 1
        if self.batches % self.every_n_batches == 0:
            started = time.monotonic()
            shares = torch.tensor(self.memory["shares"], dtype=torch.float64)
            self._draw_by(self.update(shares, self._measure))
            self.seconds += time.monotonic() - started
        if is_logged(trainer, batch_idx):
            named = zip(self._measure.tags, self.memory["shares"], strict=True)
            pl_module.log_dict({f"share/{tag}": share for tag, share in named})

    def _draw_by(self, shares: Tensor) -> None:
        assert self.data is not None, "bind() has run"
        self.memory["shares"] = shares.tolist()
        self.memory["drawn"] = self.drawn(shares).tolist()
        self._apply()

    def _apply(self) -> None:
        assert self.data is not None, "bind() has run"
        assert self.data.mixture is not None, "setup() has run"
        tags, drawn = self._measure.tags, self.memory["drawn"]
        self.data.mixture.online = dict(zip(tags, drawn, strict=True))

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            named = zip(self._measure.tags, self.memory["shares"], strict=True)
            shares = [f"{tag} {share:.3f}" for tag, share in named]
            log.info(f"online mixing took {self.seconds:.1f} s; shares: {', '.join(shares)}")

    def state_dict(self) -> dict[str, Any]:
        return {"batches": self.batches, "seconds": self.seconds, "memory": dict(self.memory)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.batches, self.seconds = state_dict["batches"], state_dict["seconds"]
        self.memory = dict(state_dict["memory"])
