"""Lexical specialization: words and names of one concept are near each other in all languages and
scripts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from transliconet.errors import require_choice, require_range
from transliconet.model.encoder import Encoder, EncoderLike
from transliconet.model.pooling import OR_AUTO
from transliconet.objectives.base import Objective
from transliconet.objectives.distributed import gather
from transliconet.objectives.encode import EncodedPairs, StateRequest, StateRequests
from transliconet.objectives.similarity import inner_products, scale_for
from transliconet.tokens.concepts import CONCEPT, UNLABELLED, Concepts
from transliconet.tokens.fields import BatchField


def concept_loss(vectors: Tensor, concepts: Tensor, temperature: float = 0.07) -> Tensor:
    r"""Supervised contrast over concepts, by cosine.

    With :math:`P(i)` the other vectors of the concept of :math:`h_i`, and :math:`N(i)` those of
    other concepts,

    .. math::
        -\frac{1}{|I|} \sum_{i \in I} \frac{1}{|P(i)|} \sum_{p \in P(i)}
        \log \frac{\exp(\cos(h_i, h_p)/T)}
        {\exp(\cos(h_i, h_p)/T) + \sum_{k \in N(i)} \exp(\cos(h_i, h_k)/T)}

    over the set :math:`I` of vectors with :math:`P(i)` not empty. It has the mean over positives
    outside the logarithm (Khosla et al., 2020, arXiv 2004.11362, equation 2), but each positive
    alone with the negatives in its denominator, so that positives do not compete with each other.
    Where concepts have equally many vectors it is NT-Xent (Chen et al., 2020, arXiv 2002.05709,
    equation 1) averaged over all positive pairs: the loss, with cosine and T = 0.07, by which Green
    et al. (2023, arXiv 2208.01018) specialize multilingual encoders. Otherwise a concept counts by
    its vectors here, not by its pairs.

    Args:
        vectors: (N, D).
        concepts: (N,) int64, equal for vectors of one concept; below 0: takes no part.
        temperature: T > 0.

    Returns:
        Scalar, float32; 0 where no concept has two vectors.

    >>> right_angles = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> concept_loss(right_angles, torch.tensor([0, 0, 1]), temperature=1.0)  # log(1 + exp(-1))
    tensor(0.3133)
    """
    require_range("temperature", temperature, above=0)
    vectors = scale_for("cosine", vectors)  # (N, D)
    scores = inner_products(vectors, vectors) / temperature  # (N, N)
    labelled = concepts > UNLABELLED  # (N,)
    same = concepts.unsqueeze(0) == concepts.unsqueeze(1)  # (N, N)
    own = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    both_labelled = labelled.unsqueeze(0) & labelled.unsqueeze(1)
    positive, negative = same & both_labelled & ~own, ~same & both_labelled
    # not -inf: a row without negatives would have no gradient that is a number
    lowest = torch.finfo(scores.dtype).min
    of_negatives = scores.masked_fill(~negative, lowest).logsumexp(1, keepdim=True)  # (N, 1)
    # -log(e^s / (e^s + e^n)) = log(1 + e^(n - s))
    losses = F.softplus(of_negatives - scores)  # (N, N)
    positives = positive.sum(1)  # (N,)
    means = losses.masked_fill(~positive, 0).sum(1) / positives.clamp(min=1)  # (N,)
    return means.sum() / (positives > 0).sum().clamp(min=1)


@dataclass(frozen=True)
class LexicalContrast(Objective):
    """:func:`concept_loss` over pooled states of both views; negatives are those of all processes.

    Pairs of one id are one concept (:class:`transliconet.tokens.concepts.Concepts`). Let batches
    hold several of them: ``data.pairs_per_id``.

    Args:
        weight: factor in the total loss.
        layer, pooling: of the vectors, as those of
            :class:`transliconet.objectives.tcm.TransliterationContrast`.
        temperature: T > 0.
    """

    weight: float = 1.0
    layer: int | str = "auto"
    pooling: str = "auto"
    temperature: float = 0.07

    def __post_init__(self) -> None:
        require_range("weight", self.weight, least=0)
        require_range("temperature", self.temperature, above=0)
        require_choice("pooling", self.pooling, OR_AUTO)

    def reads(self, encoder: EncoderLike) -> StateRequests:
        return {self._request(encoder)}

    def _request(self, encoder: EncoderLike) -> StateRequest:
        return StateRequest.from_options(encoder, self.layer, self.pooling)

    def fields(self, encoder: Encoder) -> Sequence[BatchField]:
        return [Concepts()]

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        vectors = gather(encoded.states[self._request(encoded.encoder)])  # (2B, H)
        concepts = gather(encoded.batch[CONCEPT])  # (2B,)
        return {"lexical": concept_loss(vectors, concepts, self.temperature)}
