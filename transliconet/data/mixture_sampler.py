"""The batch sampler of a run whose languages are drawn by a mixture."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from transliconet.data.mixture import Mixture
from transliconet.data.rounds import Rounds, RoundSize
from transliconet.data.sampler import PairBatchSampler


class MixtureBatchSampler(PairBatchSampler):
    """Batches whose languages have the shares of a mixture.

    Pairs are drawn round by round (:class:`transliconet.data.rounds.Rounds`), and each round
    becomes batches as an epoch of :class:`PairBatchSampler` does. An epoch has as many batches as
    without a mixture; a language of twice its share is read twice in it.
    """

    def mix(
        self, languages: np.ndarray, tags: Sequence[str], mixture: Mixture, batches: int
    ) -> None:
        """Set what is drawn; to be called once, before the first batch.

        Args:
            languages: (N,) number of each training pair's language among ``tags``.
            tags: language tags.
            mixture: says the shares.
            batches: of a round, a rank.
        """
        batches *= self.world_size
        pairs = batches * self.batch_size
        mixed_only = self.batch_size if self.features.groups is not None else 0
        if self.batch_tokens is not None:
            pairs_per_batch = self.batch_tokens / self.features.lengths.mean()
            pairs = max(round(batches * pairs_per_batch), 2)
            mixed_only = round(mixed_only and pairs_per_batch)
        size = RoundSize(batches, pairs, mixed_only)
        self.rounds = Rounds(
            languages,
            list(tags),
            mixture,
            size=size,
            make_batches=self.make_batches,
            seed=self.seed,
        )

    def batch(self, position: int) -> np.ndarray:
        return self.rounds.batch(self._in_run(position), self._progress_at)

    def languages_read(self, languages: np.ndarray, batches: int) -> np.ndarray:
        return self.rounds.drawn_before(self._position(batches), self._progress_at)

    def round_after(self, batches: int) -> dict[str, Any]:
        """The round to go on with after some batches of this epoch, for a checkpoint."""
        return self.rounds.start_of(self._position(batches)).as_dict()

    def _position(self, batches: int) -> int:
        """Of the first batch after some of this epoch, counted over the run and all ranks."""
        return self._in_run(batches * self.world_size)
