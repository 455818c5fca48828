"""The loss of one language at a time, and its gradient, on a few of its training pairs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from transliconet.data.batch_order import numbers_of_languages
from transliconet.data.datamodule import PairsDataModule
from transliconet.data.sampler import BatchPlan
from transliconet.errors import DataError
from transliconet.model.states import evaluation_mode
from transliconet.objectives.base import combine
from transliconet.train.module import PairModule


class LanguageLosses:
    """Measures an encoder that is being trained, without dropout. Of several processes each
    measures pairs of its own, and the results are those of all.

    Args:
        trainer, module: of the run.
        data: its training pairs.
        pairs: number of pairs of a language in a batch, as far as it has them.

    Raises:
        DataError: a language has a single pair, which has no negative.
    """

    def __init__(
        self, trainer: pl.Trainer, module: PairModule, data: PairsDataModule, pairs: int
    ) -> None:
        assert data.pairs is not None, "setup() has run"
        self.trainer, self.module, self.data, self.pairs = trainer, module, data, pairs
        numbers = numbers_of_languages(data.pairs)
        self.tags = list(numbers)
        """The L languages that have training pairs."""
        alone = [tag for tag, number in numbers.items() if number < 2]
        if alone:
            raise DataError(
                "mixing",
                f"a single training pair of {', '.join(alone)}",
                "Leave such languages out: data.languages=[…]",
                code="TLN-DATA-800",
            )
        places = [data.pairs.tags.index(tag) for tag in self.tags]
        self._members = [np.flatnonzero(data.pairs.languages == place) for place in places]

    def losses(self) -> Tensor:
        """(L,) float64: the loss of each language, always on the same pairs with the same masks."""
        found = []
        with self._measuring(), torch.no_grad():
            for language in range(len(self.tags)):
                found.append(self._loss([language], 0).double())
            return self._mean(torch.stack(found)).cpu()

    def alignments(self, target: Sequence[str], turn: int) -> Tensor:
        """Inner products of the gradient of each language with that of some target languages.

        Args:
            target: tags; an equal number of pairs of each is drawn.
            turn: number of the measurement: other pairs each time.

        Returns:
            (L,) float64.
        """
        weights = [weight for weight in self.module.parameters() if weight.requires_grad]
        with self._measuring():
            wanted = self._loss([self.tags.index(tag) for tag in target], 2 * turn + 1)
            of_target = _gradients(wanted, weights)
            of_target = [self._mean(gradient) for gradient in of_target]
            products = []
            for language in range(len(self.tags)):
                own = _gradients(self._loss([language], 2 * turn + 2), weights)
                products.append(_inner_product(own, of_target))
            return self._mean(torch.stack(products)).cpu()

    @contextmanager
    def _measuring(self) -> Iterator[None]:
        """Without dropout, in the precision of training."""
        precision = self.trainer.precision_plugin.forward_context()
        with evaluation_mode(self.module.encoder), precision:
            yield

    def _mean(self, values: Tensor) -> Tensor:
        """The mean over processes."""
        mean = self.trainer.strategy.reduce(values, reduce_op="mean")
        assert isinstance(mean, Tensor)
        return mean

    def _loss(self, languages: Sequence[int], turn: int) -> Tensor:
        """The loss, a scalar, on a batch of some languages.

        Args:
            languages: numbers of the languages.
            turn: decides which pairs.
        """
        each = max(2, -(-self.pairs // len(languages)))
        chosen = [self._chosen(language, each, turn) for language in languages]
        key = (self.data.seed, turn, languages[0], self.trainer.global_rank, 5)
        batch = self.data.batch(BatchPlan(key, np.concatenate(chosen)))
        batch = self.trainer.strategy.batch_to_device(batch, self.module.device)
        return combine(self.module.objectives, self.module.encode(batch, in_parts=False))[0]

    def _chosen(self, language: int, number: int, turn: int) -> np.ndarray:
        """(n,) pairs of a language, other ones in each process if there are enough."""
        rng = np.random.default_rng([self.data.seed, turn, language, 4])
        order = rng.permutation(self._members[language])
        start = self.trainer.global_rank * number
        here = order[start : start + number]
        return here if len(here) > 1 else order[:number]


def _gradients(loss: Tensor, weights: Sequence[Tensor]) -> list[Tensor]:
    """The gradient for each weight; those of the training step are left as they are."""
    found = torch.autograd.grad(loss, weights, allow_unused=True)
    gradients = []
    for weight, gradient in zip(weights, found, strict=True):
        gradients.append(torch.zeros_like(weight) if gradient is None else gradient)
    return gradients


def _inner_product(left: Sequence[Tensor], right: Sequence[Tensor]) -> Tensor:
    """A scalar, float64."""
    products = []
    for one, other in zip(left, right, strict=True):
        products.append((one.float() * other.float()).sum().double())
    return torch.stack(products).sum()
