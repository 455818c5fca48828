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
from transliconet.model.encoder import EncoderLike, layer_numbers
from transliconet.model.pooling import POOLINGS
from transliconet.objectives.distributed import gather, world_size
from transliconet.objectives.encode import CLEAN, MASKED, EncodedPairs, Read, Reads
from transliconet.objectives.negatives import duplicate_pairs
from transliconet.objectives.similarity import SIMILARITIES, products


def tcm_loss(
    native: Tensor,
    romanized: Tensor,
    similarity: str = "dot",
    temperature: float = 1.0,
    same_view_negatives: bool = True,
    same: Tensor | None = None,
) -> Tensor:
    r"""Symmetric InfoNCE between the two views (TransliCo, arXiv 2401.06620, equation 2).

    With :math:`h_1 … h_{2B}` the vectors of both views and :math:`p(i)` the other view of the same
    pair,

    .. math:: -\frac{1}{2B} \sum_{i=1}^{2B} \log \frac{\exp(s(h_i, h_{p(i)})/T)}{\sum_{k \in C(i)} \exp(s(h_i, h_k)/T)}

    The candidates :math:`C(i)` are all vectors but :math:`h_i` itself (``same_view_negatives``, as
    the paper has it), or only those of the other view.

    Args:
        native: (B, D).
        romanized: (B, D), row i the romanization of row i of ``native``.
        similarity: ``dot`` or ``cosine``.
        temperature: T > 0.
        same_view_negatives: whether vectors of one's own view count as negatives.
        same: (B, B) bool, True where two pairs say the same
            (:func:`transliconet.objectives.negatives.duplicate_pairs`): in neither view are they
            negatives of each other. None: all other pairs are.

    Returns:
        Scalar, float32.

    Raises:
        ConfigError: fewer than two pairs (no negatives), or an unknown similarity or temperature.

    >>> a = torch.eye(2)
    >>> round(tcm_loss(a, a, same_view_negatives=False).item(), 4)  # log(1 + exp(-1))
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
    vectors = torch.cat([native, romanized]).float()
    if similarity == "cosine":
        vectors = F.normalize(vectors, dim=-1)
    scores = products(vectors, vectors).div_(temperature)
    rows = torch.arange(2 * pairs, device=scores.device)
    excluded = torch.eye(2 * pairs, dtype=torch.bool, device=scores.device)
    if not same_view_negatives:
        excluded = (rows < pairs).unsqueeze(0) == (rows < pairs).unsqueeze(1)
    if same is not None:
        other = same & ~torch.eye(pairs, dtype=torch.bool, device=same.device)
        excluded = excluded | other.repeat(2, 2)
    return F.cross_entropy(
        scores.masked_fill_(excluded, float("-inf")), (rows + pairs) % (2 * pairs)
    )


@dataclass(frozen=True)
class TransliterationContrast:
    """The TCM objective over pooled hidden states.

    Args:
        weight: factor in the total loss.
        scale: factor of the loss itself; the paper's code halves it before weighing it.
        layer: hidden layer, 0 the embeddings; ``last`` the top. Several, ``[4, 8, last]``: the mean
            of their losses.
        pooling: ``mean`` (content tokens), ``mean_with_special``, ``cls``.
        similarity: ``dot`` or ``cosine``.
        temperature: T > 0.
        same_view_negatives: see :func:`tcm_loss`.
        input: ``masked`` contrasts the masked input, sharing the masked-LM forward pass; ``clean``
            the text as it is, at the cost of a second pass when MLM is also on.
        exclude_overlap: overlap of tokens from which two pairs of a batch are no negatives of each
            other, 1 for equal texts (:func:`transliconet.objectives.negatives.duplicate_texts`);
            None, as in the paper: all are.
        across_devices: whether pairs of other processes are negatives, too; the paper's are not.
    """

    weight: float = 0.5
    scale: float = 0.5
    layer: int | str | Sequence[int | str] = 8
    pooling: str = "mean"
    similarity: str = "dot"
    temperature: float = 1.0
    same_view_negatives: bool = True
    input: str = MASKED
    exclude_overlap: float | None = None
    across_devices: bool = True

    def __post_init__(self) -> None:
        require_range("objective.tcm.weight", self.weight, least=0)
        require_range("objective.tcm.scale", self.scale, above=0)
        require_range("objective.tcm.temperature", self.temperature, above=0)
        require_choice("objective.tcm.pooling", self.pooling, POOLINGS)
        require_choice("objective.tcm.similarity", self.similarity, SIMILARITIES)
        require_choice("objective.tcm.input", self.input, (MASKED, CLEAN))
        if self.exclude_overlap is not None:
            require_range("objective.tcm.exclude_overlap", self.exclude_overlap, above=0, most=1)

    @property
    def native_share(self) -> float:
        return 1.0

    def reads(self, encoder: EncoderLike) -> Reads:
        return {
            Read(self.input, layer, self.pooling)
            for layer in layer_numbers(encoder, self.layer, "objective.tcm.layer")
        }

    def negatives_per_text(self, pairs: int) -> int:
        """Negatives of each text in a batch of ``pairs`` a process."""
        pairs *= world_size() if self.across_devices else 1
        return 2 * pairs - 2 if self.same_view_negatives else pairs - 1

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        batch, pairs = encoded.batch, encoded.pairs

        def views(rows: Tensor) -> Tensor:
            """Native rows, then romanized ones, of every process where those count."""
            return (
                torch.cat([gather(rows[:pairs]), gather(rows[pairs:])])
                if self.across_devices
                else rows
            )

        same = None
        if self.exclude_overlap is not None:
            content = views(batch[CONTENT_MASK].byte()).bool()
            same = duplicate_pairs(views(batch[INPUT_IDS]), content, self.exclude_overlap)
        losses = []
        for layer in layer_numbers(encoded.encoder, self.layer):
            native, romanized = views(encoded.states[Read(self.input, layer, self.pooling)]).chunk(
                2
            )
            losses.append(
                tcm_loss(
                    native,
                    romanized,
                    self.similarity,
                    self.temperature,
                    self.same_view_negatives,
                    same,
                )
            )
        return {"tcm": self.scale * torch.stack(losses).mean()}
