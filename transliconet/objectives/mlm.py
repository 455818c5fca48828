"""Masked language modelling on each view."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from transliconet import keys
from transliconet.errors import require_range
from transliconet.objectives.combine import MASKED, EncodedPairs, Reads


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


@dataclass(frozen=True)
class MaskedLanguageModel:
    """``L_MLM(native) + L_MLM(romanised)`` (TransliCo, section 3.2: one loss a view, summed).

    The head is computed at masked positions only.
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        require_range("objective.mlm.weight", self.weight, least=0)

    @property
    def native_share(self) -> float:
        return 1.0

    def reads(self, encoder: object) -> Reads:
        return {(MASKED, encoder.layers)}  # type: ignore[attr-defined]

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        labels = encoded.batch[keys.LABELS]
        hidden = encoded.hidden[MASKED, encoded.encoder.layers]
        chosen = labels != keys.IGNORE
        logits, targets = encoded.encoder.vocabulary_logits(hidden[chosen]), labels[chosen]
        native = torch.arange(len(labels), device=labels.device).unsqueeze(1).expand_as(labels)[chosen] < encoded.pairs
        return {
            "mlm_native": mlm_loss(logits[native], targets[native]),
            "mlm_romanized": mlm_loss(logits[~native], targets[~native]),
        }
