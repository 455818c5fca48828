"""Makes the batch sampler of a run, and says which pairs its batches have read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytorch_lightning as pl

from transliconet.data.batching import PairFeatures
from transliconet.data.mixture import Mixture, exponents
from transliconet.data.mixture_sampler import MixtureBatchSampler
from transliconet.data.sampler import PairBatchSampler, batches_of_run
from transliconet.data.settings import DataSettings
from transliconet.tokens.tokenize import TokenizedPairs


@dataclass(frozen=True)
class BatchOrder:
    """How the training pairs of a run become batches.

    Args:
        settings: how pairs are batched.
        pairs: the N training pairs.
        seed: decides the order.
        concepts: (N,) numbers, equal for pairs of one id; None where they are not read.
        mixture: of languages; None draws every pair once an epoch.
        round_batches: batches for which a mixture stays as it is; None: those of the window.
        scheduled: whether something in a batch depends on how much of the run is done.
    """

    settings: DataSettings
    pairs: TokenizedPairs
    seed: int
    concepts: np.ndarray | None = None
    mixture: Mixture | None = None
    round_batches: int | None = None
    scheduled: bool = False

    def sampler(self, trainer: pl.Trainer | None) -> PairBatchSampler:
        """The sampler of this process.

        Args:
            trainer: knows the processes and the length of the run; None: there is one process.

        Raises:
            ConfigError: there is a schedule, and the run has no end but a time limit.
        """
        settings = self.settings
        make = PairBatchSampler if self.mixture is None else MixtureBatchSampler
        sampler = make(
            self._features(),
            settings.batch_size,
            batch_tokens=settings.batch_tokens,
            window=settings.window,
            seed=self.seed,
            rank=trainer.global_rank if trainer else 0,
            world_size=trainer.world_size if trainer else 1,
        )
        if trainer is not None and self.scheduled:
            sampler.run_batches = batches_of_run(trainer, len(sampler))
        if isinstance(sampler, MixtureBatchSampler):
            assert self.mixture is not None, "it decided which sampler this is"
            batches = self.round_batches or settings.window
            sampler.mix(self.pairs.languages, self.pairs.tags, self.mixture, batches)
        return sampler

    def _features(self) -> PairFeatures:
        pairs, settings = self.pairs, self.settings
        if settings.pairs_per_id > 1:
            # equal texts of one id are no negatives of each other
            return PairFeatures(
                pairs.lengths, ids=self.concepts, pairs_per_id=settings.pairs_per_id
            )
        return PairFeatures(
            lengths=pairs.lengths,
            groups=pairs.languages if settings.by_language else None,
            text_digests=pairs.text_digests,
        )


def numbers_of_languages(pairs: TokenizedPairs) -> dict[str, int]:
    """Language → its number of pairs, where it has any."""
    numbers = np.bincount(pairs.languages, minlength=len(pairs.tags)).tolist()
    return {tag: number for tag, number in zip(pairs.tags, numbers, strict=True) if number}


def languages_read(
    sampler: PairBatchSampler, pairs: TokenizedPairs, epoch: int, batches: int
) -> dict[str, int]:
    """How many pairs of each language all processes have read.

    Args:
        sampler: of a run, in any of its processes.
        pairs: the training pairs.
        epoch: of the last batch, from 0.
        batches: that each process has read of it.
    """
    sampler.set_epoch(epoch)
    read = sampler.languages_read(pairs.languages, batches)
    return {tag: int(read[pairs.tags.index(tag)]) for tag in numbers_of_languages(pairs)}


def batch_identity(settings: DataSettings, seed: int) -> Mapping[str, Any]:
    """The settings that decide which batches a run makes."""
    return {
        "batch_size": settings.batch_size,
        "batch_tokens": settings.batch_tokens,
        "window": settings.window,
        "by_language": settings.by_language,
        "pairs_per_id": settings.pairs_per_id,
        "weights": dict(settings.weights or {}),
        "alpha": exponents(settings.alpha),
        "seed": seed,
    }
