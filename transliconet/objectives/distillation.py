"""Distillation of hidden states: a shrunk encoder is trained to compute what the full one does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from transliconet.batch import ATTENTION_MASK, CONTENT_MASK, INPUT_IDS
from transliconet.errors import ConfigError, Option, require_range
from transliconet.model.encoder import Encoder, EncoderLike
from transliconet.model.layers import even_layers
from transliconet.model.pooling import pool
from transliconet.model.shapes import chosen_language
from transliconet.model.vocabulary import ids_in_full
from transliconet.objectives.anchored import pull_loss
from transliconet.objectives.base import Objective
from transliconet.objectives.distributed import mean_weight
from transliconet.objectives.encode import (
    ALL_TOKENS,
    CLEAN,
    EncodedPairs,
    StateRequest,
    StateRequests,
)
from transliconet.tokens.fields import BatchField


def hidden_state_loss(student: Sequence[Tensor], teacher: Sequence[Tensor], mask: Tensor) -> Tensor:
    r"""Mean squared error between the hidden states of paired layers (the hidden loss of TinyBERT,
    Jiao et al., 2020, equation 8, without a projection, as in BiStil, arXiv 2306.01709).

    .. math::
        \frac{1}{K} \sum_{k=1}^{K} \frac{1}{T H} \sum_{t=1}^{T}
        \lVert h^S_{k,t} - h^T_{f(k),t} \rVert^2

    over the T tokens of all rows that are not padding. Layer :math:`f(k)` of the teacher, of whose
    layers the student's are copies, is that of :func:`transliconet.model.layers.even_layers`.

    Args:
        student: K tensors (R, L, H), trained.
        teacher: K tensors (R, L, H), fixed.
        mask: (R, L) bool, True at tokens.

    Returns:
        Scalar, float32; 0 where student and teacher are equal.

    >>> states, mask = torch.zeros(1, 2, 4), torch.tensor([[True, False]])
    >>> hidden_state_loss([states], [states + 3], mask)
    tensor(9.)
    """
    losses = []
    for own, target in zip(student, teacher, strict=True):
        difference = (own.float() - target.float())[mask]  # (T, H)
        losses.append(difference.square().mean())
    return torch.stack(losses).mean()


class FullEncoder:
    """The teacher, and the ids that it has for the tokens of its student.

    Args:
        path: folder or hub name of the teacher.
        student: has every f-th of its layers, and all or some of its subwords.

    Raises:
        ConfigError: the student has more layers than the teacher.
        CheckpointError: the teacher cannot be loaded, or lacks subwords of the student.
    """

    def __init__(self, path: str, student: Encoder) -> None:
        language = chosen_language(student.masked_lm.config)
        self.encoder = Encoder.from_pretrained(path, language, student.prompt)
        self.layers = even_layers(student.layers, self.encoder.layers)
        ids = ids_in_full(student.tokenizer, self.encoder.tokenizer, Option("teacher", path))
        self.ids = torch.tensor(ids)  # (V,)

    @torch.no_grad()
    def states(self, batch: Mapping[str, Tensor]) -> dict[int, Tensor]:
        """Layer of the teacher → its (R, L, H) states of the rows of a batch: those of the layers
        that were copied, and of the one that sentence vectors are made of.
        """
        rows, mask = batch[INPUT_IDS], batch[ATTENTION_MASK]
        full_rows = self.ids.to(rows.device)[rows]  # (R, L)
        layers = {*self.layers, self.encoder.layer_number("auto")}
        return self.encoder.to(rows.device).hidden_states(full_rows, mask, layers)


@dataclass(frozen=True)
class Distillation(Objective):
    """Trains the hidden states and the sentence vectors of both views towards those that the full
    encoder has for the same text.

    The student comes from :class:`transliconet.vocab.shrink.Shrink`. Its vocabulary may be a part
    of the teacher's (:class:`transliconet.vocab.trim.Trim`). The teacher computes each batch, too.

    Args:
        weight: factor in the total loss.
        teacher: folder or hub name of the full encoder.
        hidden: factor of :func:`hidden_state_loss` within this objective.
        pooled: factor of the cosine distance between sentence vectors
            (:func:`transliconet.objectives.anchored.pull_loss`).
    """

    weight: float = 1.0
    teacher: str | None = None
    hidden: float = 1.0
    pooled: float = 1.0

    def __post_init__(self) -> None:
        for name in ("weight", "hidden", "pooled"):
            require_range(name, getattr(self, name), least=0)

    def reads(self, encoder: EncoderLike) -> StateRequests:
        return {*self._of_layers(encoder), self._of_sentences(encoder)}

    def fields(self, encoder: Encoder) -> Sequence[BatchField]:
        """None. The teacher is loaded, so that one that does not fit is told before training.

        Raises:
            ConfigError: there is no teacher.
            ConfigError, CheckpointError: see :class:`FullEncoder`.
        """
        if self.teacher is None:
            raise ConfigError(
                Option("teacher", None),
                "no encoder to distil from",
                "Give the folder or hub name of the full encoder",
                code="TLN-CONFIG-530",
            )
        self._loaded["teacher"] = FullEncoder(self.teacher, encoder)
        return []

    def __call__(self, encoded: EncodedPairs) -> dict[str, Tensor]:
        student, batch, full = encoded.encoder, encoded.batch, self._loaded["teacher"]
        mask = batch[ATTENTION_MASK]  # (R, L)
        full_states = full.states(batch)  # layer → (R, L, H)
        terms: dict[str, Tensor] = {}
        if self.hidden:
            own = [encoded.states[request] for request in self._of_layers(student)]
            targets = [full_states[layer] for layer in full.layers]
            share = mean_weight(int(mask.sum()), mask.device)
            terms["distilled"] = self.hidden * share * hidden_state_loss(own, targets, mask)
        if self.pooled:
            request = self._of_sentences(student)
            of_layer = full_states[full.encoder.layer_number("auto")]  # (R, L, H)
            vectors = pool(of_layer, batch[CONTENT_MASK], mask, request.reduction)  # (R, H)
            share = mean_weight(len(vectors), mask.device)
            loss = pull_loss(encoded.states[request], vectors)
            terms["distilled_vectors"] = self.pooled * share * loss
        return terms

    def _of_layers(self, encoder: EncoderLike) -> list[StateRequest]:
        """The states of all tokens, of the lowest layer first."""
        layers = range(1, encoder.layers + 1) if self.hidden else ()
        return [StateRequest(CLEAN, layer, ALL_TOKENS) for layer in layers]

    def _of_sentences(self, encoder: EncoderLike) -> StateRequest:
        return StateRequest.from_options(encoder, "auto", "auto")

    @cached_property
    def _loaded(self) -> dict[str, FullEncoder]:
        return {}
