"""Anchored contrast: romanized text is drawn to where the frozen starting model has its native
text.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from transliconet.batch import ANCHOR, NEGATIVES
from transliconet.errors import ConfigError, require_choice, require_range
from transliconet.model.encoder import EncoderLike
from transliconet.model.pooling import POOLINGS
from transliconet.objectives.distributed import mean_weight, rows_of_other_processes, world_size
from transliconet.objectives.encode import CLEAN, EncodedPairs, Read, Reads
from transliconet.objectives.similarity import SIMILARITIES, products


def anchored_loss(
    vectors: Tensor,
    anchors: Tensor,
    temperature: float = 0.05,
    same: float = 0.999,
    negatives: Tensor | None = None,
    soft_targets: bool = False,
    exclude_nearest: float = 0.0,
    similarity: str = "cosine",
) -> Tensor:
    r"""InfoNCE from trained vectors to fixed ones (van den Oord et al., 2018, equation 4).

    .. math:: -\frac{1}{B} \sum_{i=1}^{B} \log \frac{\exp(s(v_i, a_i)/T)}{\sum_{k \in C(i)} \exp(s(v_i, a_k)/T)}

    :math:`C(i)` holds the anchors of the batch and ``negatives``, but leaves out every other one
    that is the same as :math:`a_i` (cosine above ``same``): equal texts are no negatives. Nor are
    the ``exclude_nearest`` of all candidates: texts that the frozen model has closest to
    :math:`a_i` are often its translations or variants.

    With ``soft_targets``, the target is not :math:`a_i` alone but the neighbourhood that the anchor
    has: the cross-entropy to :math:`\mathrm{softmax}_k s(a_i, a_k)/T` over all candidates
    (similarity distillation; Fang et al., 2021, arXiv 2101.04731, equation 2). Equal texts then
    share the target and none is left out.

    Args:
        vectors: (B, D), trained.
        anchors: (B, D), fixed; row i belongs to row i of ``vectors``.
        temperature: T > 0.
        same: cosine of two anchors from which they count as one.
        negatives: (K, D), fixed; anchors of other texts. They cost a matrix product, no forward
            pass.
        soft_targets: whether the target is the anchor's own similarities.
        exclude_nearest: share of the candidates that are left out, those of highest cosine to
            :math:`a_i`, rounded down.
        similarity: s, ``cosine`` or ``dot``.

    Returns:
        Scalar, float32.

    Raises:
        ConfigError: fewer than two pairs, an impossible temperature or an unknown similarity.

    >>> a = torch.eye(2)
    >>> round(anchored_loss(a, a, temperature=1.0).item(), 4)  # log(1 + exp(-1))
    0.3133
    """
    require_range("temperature", temperature, above=0)
    require_choice("similarity", similarity, SIMILARITIES)
    if len(vectors) < 2 and (negatives is None or not len(negatives)):
        raise ConfigError(
            f"a batch of {len(vectors)} pair(s)",
            "no in-batch negatives",
            "Use batches of 2 pairs or more",
            code="TLN-CONFIG-500",
        )
    fixed = anchors.float() if negatives is None else torch.cat([anchors, negatives]).float()
    unit = F.normalize(fixed, dim=-1)
    v, candidates = (
        (vectors.float(), fixed)
        if similarity == "dot"
        else (F.normalize(vectors.float(), dim=-1), unit)
    )
    if soft_targets:
        target = (products(candidates[: len(v)], candidates) / temperature).softmax(-1)
        return F.cross_entropy(products(v, candidates) / temperature, target)
    own = torch.eye(len(v), len(candidates), dtype=torch.bool, device=v.device)
    no_negative = _alike(products(unit[: len(v)], unit), own, same, exclude_nearest)
    scores = (products(v, candidates) / temperature).masked_fill(no_negative, float("-inf"))
    return F.cross_entropy(scores, torch.arange(len(v), device=v.device))


def _alike(cosines: Tensor, own: Tensor, same: float, exclude_nearest: float) -> Tensor:
    """(B, C) bool: the other candidates that say about what the anchor of the row says."""
    alike = (cosines > same) & ~own
    if number := int(exclude_nearest * (cosines.shape[1] - 1)):
        found = cosines.masked_fill(own, -2.0).topk(number, dim=1).indices
        alike = alike.scatter(1, found, True)
    return alike


def pull_loss(vectors: Tensor, anchors: Tensor) -> Tensor:
    r"""Mean cosine distance :math:`\frac{1}{B} \sum_i 1 - \cos(v_i, a_i)`, float32.

    >>> pull_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]]))
    tensor(1.)
    """
    return (1 - F.cosine_similarity(vectors.float(), anchors.float(), dim=-1)).mean()


@dataclass(frozen=True)
class AnchoredContrast:
    """Both views are drawn to the native vectors of the starting model.

    The anchors are the pooled native states of the model as it was before training; the data module
    computes them once and caches them beside the pairs.

    Args:
        weight: factor in the total loss.
        contrast: factor of :func:`anchored_loss` within this objective.
        pull: factor of :func:`pull_loss`.
        replay: factor of the same two losses of the native view, which keep native text where it
            was. Needed only where weights are trained that native text shares.
        replay_share: share of a batch's pairs whose native view is replayed; the others' is not
            computed.
        layer, pooling: of the vectors, trained and fixed.
        temperature: T > 0.
        exclude_nearest: share of all candidates, those most similar to the anchor, that are no
            negatives: translations and variants of a text lie there.
        cached_negatives: anchors of so many other training pairs, drawn anew for each batch, join
            those of the batch.
        soft_targets, similarity: see :func:`anchored_loss`.
    """

    weight: float = 1.0
    contrast: float = 1.0
    pull: float = 0.0
    replay: float = 0.0
    replay_share: float = 0.25
    layer: int | str = "last"
    pooling: str = "mean"
    temperature: float = 0.05
    exclude_nearest: float = 0.0
    cached_negatives: int = 0
    soft_targets: bool = False
    similarity: str = "cosine"

    def __post_init__(self) -> None:
        for name in ("weight", "contrast", "pull", "replay"):
            require_range(f"objective.anchor.{name}", getattr(self, name), least=0)
        require_range("objective.anchor.replay_share", self.replay_share, above=0, most=1)
        require_range("objective.anchor.temperature", self.temperature, above=0)
        require_range("objective.anchor.exclude_nearest", self.exclude_nearest, least=0, most=0.5)
        require_range("objective.anchor.cached_negatives", self.cached_negatives, least=0)
        require_choice("objective.anchor.pooling", self.pooling, POOLINGS)
        require_choice("objective.anchor.similarity", self.similarity, SIMILARITIES)

    @property
    def native_share(self) -> float:
        return self.replay_share if self.replay > 0 else 0.0

    def reads(self, encoder: EncoderLike) -> Reads:
        return {
            Read(CLEAN, encoder.layer_number(self.layer, "objective.anchor.layer"), self.pooling)
        }

    def negatives_per_text(self, pairs: int) -> int:
        """Negatives of each text in a batch of ``pairs`` a process."""
        return (pairs + self.cached_negatives) * world_size() - 1

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        vectors = encoded.states[
            Read(CLEAN, encoded.encoder.layer_number(self.layer), self.pooling)
        ]
        terms = self._terms(vectors[-encoded.pairs :], encoded.batch)
        if self.replay > 0:
            replayed = self._terms(vectors[: encoded.native], encoded.batch)
            terms.update({f"{name}_replay": self.replay * loss for name, loss in replayed.items()})
        return terms

    def _terms(self, vectors: Tensor, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The losses of one view of the first pairs of the batch."""
        terms: dict[str, Tensor] = {}
        share = mean_weight(len(vectors), vectors.device)
        own, rest = batch[ANCHOR].split([len(vectors), len(batch[ANCHOR]) - len(vectors)])
        # anchors have no gradient, so each process scores its own vectors alone, with all
        # candidates
        if self.contrast:
            cached = [batch[NEGATIVES]] if NEGATIVES in batch else []
            negatives = torch.cat(
                [rest, *cached, rows_of_other_processes(torch.cat([own, rest, *cached]))]
            )
            terms["anchor"] = (
                self.contrast
                * share
                * anchored_loss(
                    vectors,
                    own,
                    self.temperature,
                    negatives=negatives,
                    soft_targets=self.soft_targets,
                    exclude_nearest=self.exclude_nearest,
                    similarity=self.similarity,
                )
            )
        if self.pull:
            terms["pull"] = self.pull * share * pull_loss(vectors, own)
        return terms
