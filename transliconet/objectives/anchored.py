"""Anchored contrast: romanized text is trained towards the vectors that the frozen starting model
gives its native text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from transliconet.errors import ConfigError, require_choice, require_range
from transliconet.model.encoder import Encoder, EncoderLike
from transliconet.model.pooling import OR_AUTO
from transliconet.objectives.anchors import FIELDS_OF, NATIVE, TARGETS, Anchors
from transliconet.objectives.base import Objective
from transliconet.objectives.distributed import mean_weight, rows_of_other_processes, world_size
from transliconet.objectives.encode import EncodedPairs, StateRequest, StateRequests
from transliconet.objectives.similarity import SIMILARITIES, inner_products, scale_for
from transliconet.tokens.fields import BatchField

SAME_TEXT = 0.999
"""Two anchors with a cosine above this stand for the same text."""


def anchored_loss(
    vectors: Tensor,
    anchors: Tensor,
    temperature: float = 0.02,
    negatives: Tensor | None = None,
    soft_targets: bool = False,
    exclude_nearest: float = 0.0,
    similarity: str = "cosine",
    reduction: str = "mean",
) -> Tensor:
    r"""InfoNCE from trained vectors to fixed ones (van den Oord et al., 2018, equation 4).

    .. math::
        -\frac{1}{B} \sum_{i=1}^{B}
        \log \frac{\exp(s(v_i, a_i)/T)}{\sum_{k \in C(i)} \exp(s(v_i, a_k)/T)}

    The candidates :math:`C(i)` are the anchors of the batch and ``negatives``. Other anchors that
    are equal to :math:`a_i` (cosine above :data:`SAME_TEXT`) are excluded from them, and so is the
    share ``exclude_nearest`` of all candidates that is most similar to :math:`a_i`: these are often
    translations or variants of the same text, and training away from them would be wrong.

    With ``soft_targets``, the target is not :math:`a_i` alone but the distribution of the anchor's
    own similarities, :math:`\mathrm{softmax}_k s(a_i, a_k)/T` over all candidates (similarity
    distillation; Fang et al., 2021, arXiv 2101.04731, equation 2). Equal texts then share the
    target, and none is excluded.

    Args:
        vectors: (B, D), trained.
        anchors: (B, D), fixed; row i belongs to row i of ``vectors``.
        temperature: T > 0.
        negatives: (K, D), fixed; anchors of other texts. They cost a matrix product, no forward
            pass.
        soft_targets: whether the target is the anchor's own similarities.
        exclude_nearest: share of the candidates that is excluded, rounded down.
        similarity: s, ``cosine`` or ``dot``.
        reduction: ``mean``, or ``none``: the term of each vector.

    Returns:
        Scalar, float32; with ``none`` (B,).

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
    batch = len(vectors)
    if negatives is not None:
        anchors = torch.cat([anchors, negatives])
    vectors = scale_for(similarity, vectors)  # (B, D)
    # C = B + K; the batch's own anchors come first
    candidates = scale_for(similarity, anchors)  # (C, D)
    if soft_targets:
        anchor_scores = inner_products(candidates[:batch], candidates) / temperature  # (B, C)
        target = anchor_scores.softmax(-1)
        scores = inner_products(vectors, candidates) / temperature  # (B, C)
        return F.cross_entropy(scores, target, reduction=reduction)
    # which candidates are excluded is decided by cosine, whatever similarity is trained
    unit = candidates if similarity == "cosine" else scale_for("cosine", anchors)  # (C, D)
    cosines = inner_products(unit[:batch], unit)  # (B, C)
    excluded = _same_meaning(cosines, exclude_nearest)
    scores = inner_products(vectors, candidates) / temperature  # (B, C)
    scores = scores.masked_fill(excluded, float("-inf"))
    own = torch.arange(batch, device=vectors.device)
    return F.cross_entropy(scores, own, reduction=reduction)


def _same_meaning(cosines: Tensor, exclude_nearest: float) -> Tensor:
    """Candidates that mean about the same as the anchor of their row, without that anchor itself.

    Args:
        cosines: (B, C) of each anchor with all candidates; the diagonal is the anchor with itself.
        exclude_nearest: share of the other candidates that is taken for such.

    Returns:
        (B, C) bool.
    """
    own = torch.eye(*cosines.shape, dtype=torch.bool, device=cosines.device)
    excluded = (cosines > SAME_TEXT) & ~own
    number = int(exclude_nearest * (cosines.shape[1] - 1))
    if number:
        others = cosines.masked_fill(own, -2.0)  # below any cosine
        nearest = others.topk(number, dim=1).indices  # (B, number)
        excluded = excluded.scatter(1, nearest, True)
    return excluded


def pull_loss(vectors: Tensor, anchors: Tensor) -> Tensor:
    r"""Mean cosine distance :math:`\frac{1}{B} \sum_i 1 - \cos(v_i, a_i)`, float32.

    >>> pull_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]]))
    tensor(1.)
    """
    return (1 - F.cosine_similarity(vectors.float(), anchors.float(), dim=-1)).mean()


@dataclass(frozen=True)
class AnchoredContrast(Objective):
    """Trains both views towards the anchors: the pooled native states of the starting model.

    The anchors are computed once, before training, and cached beside the pairs
    (:mod:`transliconet.objectives.anchors`).

    Args:
        weight: factor in the total loss.
        contrast: factor of :func:`anchored_loss` within this objective.
        pull: factor of :func:`pull_loss`.
        replay: factor of the same losses for the native view, which keep the vectors of native text
            where they are. Needed only if weights are trained that native text uses.
        replay_share: share of a batch's pairs whose native view is replayed. The native view of all
            others is not computed.
        target: ``native``, the anchors of native text; ``pivot``, those of its translation, if it
            has one, else its own (multilingual distillation, where a translation is trained towards
            the vector that the teacher gives to the source; Reimers & Gurevych, 2020,
            arXiv 2004.09813, equation 1); ``both``, the mean of both losses.
        layer, pooling: of the vectors, trained and fixed.
        temperature: T > 0.
        exclude_nearest: share of all candidates, those most similar to the anchor, that is excluded
            from the negatives.
        cached_negatives: number of other training pairs, drawn anew for each batch, whose anchors
            join the batch's negatives.
        soft_targets, similarity: see :func:`anchored_loss`.
    """

    weight: float = 1.0
    contrast: float = 1.0
    pull: float = 0.0
    replay: float = 0.0
    replay_share: float = 0.25
    target: str = NATIVE
    layer: int | str = "auto"
    pooling: str = "auto"
    temperature: float = 0.02
    exclude_nearest: float = 0.004
    cached_negatives: int = 16384
    soft_targets: bool = False
    similarity: str = "cosine"

    def __post_init__(self) -> None:
        for name in ("weight", "contrast", "pull", "replay"):
            require_range(name, getattr(self, name), least=0)
        require_range("replay_share", self.replay_share, above=0, most=1)
        require_range("temperature", self.temperature, above=0)
        require_range("exclude_nearest", self.exclude_nearest, least=0, most=0.5)
        require_range("cached_negatives", self.cached_negatives, least=0)
        require_choice("target", self.target, TARGETS)
        require_choice("pooling", self.pooling, OR_AUTO)
        require_choice("similarity", self.similarity, SIMILARITIES)

    @property
    def native_share(self) -> float:
        return self.replay_share if self.replay > 0 else 0.0

    def reads(self, encoder: EncoderLike) -> StateRequests:
        return {self._request(encoder)}

    def fields(self, encoder: Encoder) -> Sequence[BatchField]:
        return [
            Anchors(encoder, self.layer, self.pooling, self.cached_negatives, target=self.target)
        ]

    def negatives_per_text(self, pairs: int) -> int:
        return (pairs + self.cached_negatives) * world_size() - 1

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        native, romanized = encoded.views(self._request(encoded.encoder))  # (B', H), (B, H)
        terms = self._terms(romanized, encoded.batch)
        if self.replay > 0:
            for name, loss in self._terms(native, encoded.batch).items():
                terms[f"{name}_replay"] = self.replay * loss
        return terms

    def pair_losses(self, encoded: EncodedPairs) -> Tensor:
        """Contrast of the romanized view with the anchors of the process's own candidates."""
        _, romanized = encoded.views(self._request(encoded.encoder))  # (B, H)
        losses = []
        for text in TARGETS[self.target]:
            anchor, cached = FIELDS_OF[text]
            of_pairs = anchored_loss(
                romanized.detach(),
                encoded.batch[anchor],
                temperature=self.temperature,
                negatives=encoded.batch.get(cached),
                soft_targets=self.soft_targets,
                exclude_nearest=self.exclude_nearest,
                similarity=self.similarity,
                reduction="none",
            )  # (B,)
            losses.append(of_pairs)
        return self.contrast * torch.stack(losses).mean(0)

    def _request(self, encoder: EncoderLike) -> StateRequest:
        return StateRequest.from_options(encoder, self.layer, self.pooling)

    def _terms(self, vectors: Tensor, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The losses of one view.

        Args:
            vectors: (n, H), of the first n pairs of the batch.
            batch: fields of the batch, with the anchors of all B pairs.
        """
        terms: dict[str, Tensor] = {}
        texts = TARGETS[self.target]
        # averaged over processes, the loss is the mean over the vectors of all
        share = mean_weight(len(vectors), vectors.device)
        for text in texts:
            suffix = "" if text == NATIVE else f"_{text}"
            anchor, cached = FIELDS_OF[text]
            own, others = batch[anchor].split([len(vectors), len(batch[anchor]) - len(vectors)])
            if self.contrast:
                loss = anchored_loss(
                    vectors,
                    own,
                    temperature=self.temperature,
                    negatives=self._negatives(own, others, batch.get(cached)),
                    soft_targets=self.soft_targets,
                    exclude_nearest=self.exclude_nearest,
                    similarity=self.similarity,
                )
                terms[f"anchor{suffix}"] = self.contrast / len(texts) * share * loss
            if self.pull:
                terms[f"pull{suffix}"] = self.pull / len(texts) * share * pull_loss(vectors, own)
        return terms

    def _negatives(self, own: Tensor, others: Tensor, cached: Tensor | None) -> Tensor:
        """(K, H): the anchors that are negatives, those of the other processes included.

        Anchors have no gradient, so each process only needs the scores of its own vectors.

        Args:
            own: (n, H) anchors of the vectors of one view.
            others: (B - n, H) anchors of the other pairs of the batch.
            cached: (C, H) anchors that were drawn for the batch; None: none were.
        """
        here = [others] if cached is None else [others, cached]
        elsewhere = rows_of_other_processes(torch.cat([own, *here]))
        return torch.cat([*here, elsewhere])
