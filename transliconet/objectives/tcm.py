"""Transliteration contrastive modelling: a sentence and its romanization are each other's nearest
neighbour.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from transliconet.batch import CONTENT_MASK, INPUT_IDS
from transliconet.errors import ConfigError, require_choice, require_range
from transliconet.model.encoder import EncoderLike
from transliconet.model.layers import layer_numbers
from transliconet.model.pooling import OR_AUTO
from transliconet.objectives.base import Objective
from transliconet.objectives.distributed import gather, world_size
from transliconet.objectives.encode import (
    CLEAN,
    MASKED,
    EncodedPairs,
    StateRequest,
    StateRequests,
)
from transliconet.objectives.negatives import duplicate_pairs
from transliconet.objectives.similarity import SIMILARITIES, inner_products, scale_for


def tcm_loss(
    native: Tensor,
    romanized: Tensor,
    similarity: str = "cosine",
    temperature: float = 0.05,
    same_view_negatives: bool = True,
    duplicates: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Symmetric InfoNCE between the two views (TransliCo, arXiv 2401.06620, equation 2).

    With :math:`h_1 … h_{2B}` the vectors of both views and :math:`p(i)` the other view of the same
    pair,

    .. math::
        -\frac{1}{2B} \sum_{i=1}^{2B}
        \log \frac{\exp(s(h_i, h_{p(i)})/T)}{\sum_{k \in C(i)} \exp(s(h_i, h_k)/T)}

    The candidates :math:`C(i)` are all vectors but :math:`h_i` itself (``same_view_negatives``, as
    the paper has it), or only those of the other view.

    Args:
        native: (B, D).
        romanized: (B, D), row i the romanization of row i of ``native``.
        similarity: s, ``dot`` or ``cosine``. The paper's is ``dot``.
        temperature: T > 0. The paper's is 1.
        same_view_negatives: whether vectors of one's own view count as negatives.
        duplicates: (B, B) bool, True where two pairs have the same text
            (:func:`transliconet.objectives.negatives.duplicate_pairs`). They are excluded from each
            other's negatives in both views. None: all other pairs are negatives.
        reduction: ``mean``, or ``none``: the term of each of the 2B vectors.

    Returns:
        Scalar, float32; with ``none`` (2B,).

    Raises:
        ConfigError: fewer than two pairs (no negatives), or an unknown similarity or temperature.

    >>> a = torch.eye(2)
    >>> loss = tcm_loss(a, a, temperature=1.0, same_view_negatives=False)
    >>> round(loss.item(), 4)  # log(1 + exp(-1))
    0.3133
    """
    require_choice("similarity", similarity, SIMILARITIES)
    require_range("temperature", temperature, above=0)
    pairs = len(native)
    if pairs < 2:
        raise ConfigError(
            f"a batch of {pairs} pair(s)",
            "no in-batch negatives",
            "Use batches of 2 pairs or more",
            code="TLN-CONFIG-504",
        )
    vectors = scale_for(similarity, torch.cat([native, romanized]))  # (2B, D)
    scores = inner_products(vectors, vectors).div_(temperature)  # (2B, 2B)
    rows = torch.arange(2 * pairs, device=scores.device)
    if same_view_negatives:
        excluded = torch.eye(2 * pairs, dtype=torch.bool, device=scores.device)
    else:
        is_native = rows < pairs
        excluded = is_native.unsqueeze(0) == is_native.unsqueeze(1)  # (2B, 2B)
    if duplicates is not None:
        own = torch.eye(pairs, dtype=torch.bool, device=duplicates.device)
        # a pair is no duplicate of itself: its other view is the positive
        excluded = excluded | (duplicates & ~own).repeat(2, 2)
    scores = scores.masked_fill_(excluded, float("-inf"))
    other_view = (rows + pairs) % (2 * pairs)
    return F.cross_entropy(scores, other_view, reduction=reduction)


@dataclass(frozen=True)
class TransliterationContrast(Objective):
    """:func:`tcm_loss` over pooled hidden states.

    The defaults are common for sentence encoders; those of the paper are in
    ``conf/objective/translico.yaml``.

    Args:
        weight: factor in the total loss.
        scale: factor of the loss before it is weighted and logged. The paper's code has 0.5.
        layer: hidden layer, 0 the embeddings, ``last`` the top, ``auto`` the checkpoint's.
            Several, ``[4, 8, last]``: the mean of their losses.
        pooling: ``mean`` (content tokens), ``mean_with_special``, ``cls``, ``weighted``, …;
            ``auto``: as the checkpoint says, else ``mean``.
        similarity: ``dot`` or ``cosine``.
        temperature: T > 0.
        same_view_negatives: see :func:`tcm_loss`.
        input: ``masked`` contrasts the masked input, sharing the masked-LM forward pass; ``clean``
            the text as it is, at the cost of a second pass when MLM is also on.
        exclude_overlap: two pairs of a batch whose tokens overlap by this or more are excluded from
            each other's negatives; 1: pairs of equal texts
            (:func:`transliconet.objectives.negatives.duplicate_texts`). None, as in the paper:
            no pairs are.
        across_devices: whether pairs of other processes are negatives, too. In the paper they are
            not.
    """

    weight: float = 1.0
    scale: float = 1.0
    layer: int | str | Sequence[int | str] = "auto"
    pooling: str = "auto"
    similarity: str = "cosine"
    temperature: float = 0.05
    same_view_negatives: bool = True
    input: str = CLEAN
    exclude_overlap: float | None = None
    across_devices: bool = True

    def __post_init__(self) -> None:
        require_range("weight", self.weight, least=0)
        require_range("scale", self.scale, above=0)
        require_range("temperature", self.temperature, above=0)
        require_choice("pooling", self.pooling, OR_AUTO)
        require_choice("similarity", self.similarity, SIMILARITIES)
        require_choice("input", self.input, (MASKED, CLEAN))
        if self.exclude_overlap is not None:
            require_range("exclude_overlap", self.exclude_overlap, above=0, most=1)

    def reads(self, encoder: EncoderLike) -> StateRequests:
        return set(self._requests(encoder))

    def _requests(self, encoder: EncoderLike) -> list[StateRequest]:
        layers = layer_numbers(encoder, self.layer)
        pooling = encoder.pooling_name(self.pooling)
        return [StateRequest(self.input, layer, pooling) for layer in layers]

    def negatives_per_text(self, pairs: int) -> int:
        pairs *= world_size() if self.across_devices else 1
        return 2 * pairs - 2 if self.same_view_negatives else pairs - 1

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        duplicates = self._duplicates(encoded)
        losses = []
        for request in self._requests(encoded.encoder):
            vectors = self._of_every_process(encoded.states[request], encoded.pairs)  # (2B, H)
            native, romanized = vectors.chunk(2)
            loss = tcm_loss(
                native,
                romanized,
                similarity=self.similarity,
                temperature=self.temperature,
                same_view_negatives=self.same_view_negatives,
                duplicates=duplicates,
            )
            losses.append(loss)
        return {"tcm": self.scale * torch.stack(losses).mean()}

    def pair_losses(self, encoded: EncodedPairs) -> Tensor:
        losses = []
        for request in self._requests(encoded.encoder):
            native, romanized = encoded.states[request].detach().chunk(2)  # (B, H) each
            of_vectors = tcm_loss(
                native,
                romanized,
                similarity=self.similarity,
                temperature=self.temperature,
                same_view_negatives=self.same_view_negatives,
                reduction="none",
            )  # (2B,)
            losses.append(of_vectors.view(2, -1).mean(0))
        return self.scale * torch.stack(losses).mean(0)

    def _duplicates(self, encoded: EncodedPairs) -> Tensor | None:
        """(B, B) bool: pairs that are excluded from each other's negatives."""
        if self.exclude_overlap is None:
            return None
        batch, pairs = encoded.batch, encoded.pairs
        # process groups cannot gather tensors of bool
        content_mask = self._of_every_process(batch[CONTENT_MASK].byte(), pairs).bool()
        input_ids = self._of_every_process(batch[INPUT_IDS], pairs)
        return duplicate_pairs(input_ids, content_mask, self.exclude_overlap)

    def _of_every_process(self, rows: Tensor, pairs: int) -> Tensor:
        """(2B, …) native rows, then romanized ones; those of all processes, if they count."""
        if not self.across_devices:
            return rows
        return torch.cat([gather(rows[:pairs]), gather(rows[pairs:])])
