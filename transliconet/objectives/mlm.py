"""Masked language modelling on each view."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from transliconet import keys
from transliconet.errors import require_range
from transliconet.objectives.encode import LABELLED, MASKED, EncodedPairs, EncoderLike, Read, Reads
from transliconet.objectives.gather import share_of_mean


def mlm_loss(logits: Tensor, labels: Tensor) -> Tensor:
    r"""Mean negative log-likelihood of the hidden tokens (Devlin et al., 2019).

    .. math:: -\frac{1}{|M|} \sum_{i \in M} \log \mathrm{softmax}(z_i)_{y_i}

    Args:
        logits: (M, V), one row per token to predict.
        labels: (M,) int64.

    Returns:
        Scalar, float32; 0 where nothing is masked.

    >>> mlm_loss(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    tensor(0.6931)
    """
    if len(labels) == 0:
        return logits.float().sum() * 0  # keeps the graph, so that every rank has the same parameters in backward
    return F.cross_entropy(logits.float(), labels)


def mlm_loss_in_chunks(
    head: Callable[[Tensor], Tensor], hidden: Tensor, labels: Tensor, chunk: int | None = None
) -> Tensor:
    """:func:`mlm_loss` of ``head(hidden)`` in less memory: never more than ``chunk`` rows of logits at once.

    A chunk's logits are let go after the forward pass and computed again in the backward pass (Chen et al., 2016),
    which costs a third more of the head's time; up to ``chunk`` tokens nothing is computed twice.

    Args:
        head: from (m, H) states to (m, V) logits.
        hidden: (M, H).
        labels: (M,) int64.
        chunk: rows of logits; None takes all at once.
    """
    if chunk is None or len(labels) <= chunk:
        return mlm_loss(head(hidden), labels)

    def summed(states: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(head(states).float(), targets, reduction="sum")

    parts = [
        checkpoint(summed, states, targets, use_reentrant=False)
        for states, targets in zip(hidden.split(chunk), labels.split(chunk), strict=True)
    ]
    return torch.stack(parts).sum() / len(labels)


@dataclass(frozen=True)
class MaskedLanguageModel:
    """``L_MLM(native) + L_MLM(romanised)`` (TransliCo, section 3.2: one loss a view, summed).

    The head is computed at masked positions only.

    Args:
        weight: factor in the total loss.
        chunk: see :func:`mlm_loss_in_chunks`.
    """

    weight: float = 1.0
    chunk: int | None = 512

    def __post_init__(self) -> None:
        require_range("objective.mlm.weight", self.weight, least=0)
        if self.chunk is not None:
            require_range("objective.mlm.chunk", self.chunk, least=1)

    @property
    def native_share(self) -> float:
        return 1.0

    def reads(self, encoder: EncoderLike) -> Reads:
        return {Read(MASKED, encoder.layers, LABELLED)}

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        labels = encoded.batch[keys.LABELS]
        states = encoded.states[Read(MASKED, encoded.encoder.layers, LABELLED)]
        of_views = [rows[rows != keys.IGNORE] for rows in (labels[: encoded.pairs], labels[encoded.pairs :])]
        terms, head = {}, encoded.encoder.vocabulary_logits
        for name, targets, hidden in zip(
            ("native", "romanized"), of_views, states.split([len(t) for t in of_views]), strict=True
        ):
            loss = mlm_loss_in_chunks(head, hidden, targets, self.chunk)
            terms[f"mlm_{name}"] = share_of_mean(len(targets), loss.device) * loss
        return terms
