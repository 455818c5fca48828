"""From a batch to the states that objectives read: as few forward passes, and as little kept, as
they allow.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from transliconet.batch import (
    ATTENTION_MASK,
    BY_PAIR,
    CONTENT_MASK,
    IGNORE,
    INPUT_IDS,
    LABELS,
    MASKED_IDS,
    PAIR_INDEX,
)
from transliconet.model.encoder import EncoderLike
from transliconet.model.pooling import pool
from transliconet.objectives.gradcache import replayed

MASKED, CLEAN, JOINED = "masked", "clean", "joined"
"""Kinds of input: rows with masked tokens, rows as they are, and both masked rows of a pair as one
(:func:`join`).
"""

LABELLED, TOKENS = "labelled", "tokens"
"""Forms of states, beside the poolings: of the M tokens with a label, row after row; of every
token.
"""


class Read(NamedTuple):
    """States that an objective needs.

    ``layer`` is a hidden layer of the ``kind`` of input; ``form`` is a pooling (R rows → (R, H)),
    :data:`LABELLED` → (M, H), or :data:`TOKENS` → (R, L, H). Everything else of the layer is let
    go.
    """

    kind: str
    layer: int
    form: str


Reads = set[Read]
_Rows = tuple[Tensor, Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class EncodedPairs:
    """A batch and the states that the objectives asked for; R is 2B, of joined input B.

    Where the objectives read the native view of ``native`` pairs only, batch and states hold the
    native rows of the first so many, then all B romanized rows.
    """

    batch: Mapping[str, Tensor]
    states: Mapping[Read, Tensor]
    encoder: EncoderLike

    @property
    def pairs(self) -> int:
        """B."""
        return len(self.batch[PAIR_INDEX])

    @property
    def native(self) -> int:
        """Pairs whose native row is there."""
        return len(self.batch[INPUT_IDS]) - self.pairs


def num_native_rows(pairs: int, share: float) -> int:
    """How many pairs of a batch have their native row computed: ``share`` of them, rounded up."""
    return math.ceil(pairs * share)


def drop_native_rows(batch: Mapping[str, Tensor], native: int) -> dict[str, Tensor]:
    """The batch without the native rows of all pairs but the first ``native``, cut to the longest
    row that is left.
    """
    pairs = len(batch[PAIR_INDEX])
    attention = batch[ATTENTION_MASK]
    rows = torch.cat([torch.arange(native), torch.arange(pairs, 2 * pairs)]).to(attention.device)
    length = int(attention[rows].any(0).sum())
    return {k: v if k in BY_PAIR else v[rows, :length] for k, v in batch.items()}


def join(rows: Tensor) -> Tensor:
    """(2B, L) rows of both views → (B, 2L): each native row with its romanized row behind it."""
    pairs = len(rows) // 2
    return torch.cat([rows[:pairs], rows[pairs:]], dim=1)


def encode(
    encoder: EncoderLike,
    batch: Mapping[str, Tensor],
    reads: Reads,
    native_share: float = 1.0,
    micro_batch: int | None = None,
) -> EncodedPairs:
    """Run the encoder once per kind of input, over romanized rows and ``native_share`` of the
    native ones together.

    Args:
        encoder: the model.
        batch: see :mod:`transliconet.batch`.
        reads: the states wanted.
        native_share: of the pairs whose native row is needed.
        micro_batch: texts encoded at a time. Of each part only what ``reads`` names is kept, and
            the part is encoded again in the backward pass
            (:func:`transliconet.objectives.gradcache.replayed`): the memory of a part, the loss and
            gradients of the whole batch (GradCache; Gao et al., 2021, arXiv 2101.06983), in one
            backward pass. None: all at once.
    """
    pairs = len(batch[PAIR_INDEX])
    if (native := num_native_rows(pairs, native_share)) < pairs:
        batch = drop_native_rows(batch, native)
    kinds = sorted({read.kind for read in reads})
    inputs, table = {kind: _rows(batch, kind) for kind in kinds}, None
    cut = {kind for kind in kinds if micro_batch is not None and len(inputs[kind][0]) > micro_batch}
    if cut or len(kinds) > 1:
        inputs, table = _share_embedding_lookup(encoder, inputs)
    states: dict[Read, Tensor] = {}
    for kind in kinds:
        wanted = sorted(read for read in reads if read.kind == kind)
        compute = partial(_states, encoder, wanted)
        if kind not in cut:
            parts: Iterable[tuple[Tensor, ...]] = [compute(table, *inputs[kind])]
        else:
            parts = [
                replayed(encoder, compute, table, *part)  # type: ignore[arg-type]
                for part in zip(
                    *(tensor.split(micro_batch) for tensor in inputs[kind]), strict=True
                )
            ]
        states.update(zip(wanted, map(torch.cat, zip(*parts, strict=True)), strict=True))
    return EncodedPairs(batch, states, encoder)


def _rows(batch: Mapping[str, Tensor], kind: str) -> _Rows:
    """Ids, attention and content mask, and where labels stand, of a kind of input."""
    attention = batch[ATTENTION_MASK]
    ids, labelled = batch[INPUT_IDS], torch.zeros_like(attention)
    if kind != CLEAN:
        ids, labelled = batch[MASKED_IDS], batch[LABELS] != IGNORE
    rows = (ids, attention, batch[CONTENT_MASK], labelled)
    return tuple(map(join, rows)) if kind == JOINED else rows  # type: ignore[return-value]


def _share_embedding_lookup(
    encoder: EncoderLike, inputs: Mapping[str, _Rows]
) -> tuple[dict[str, _Rows], Tensor]:
    """The inputs with places in a table of their distinct pieces for ids, and that table, (U, H).

    The gradient of each look-up in the encoder's own table has as many rows as that, however few
    are looked up.
    """
    pieces, places = torch.unique(
        torch.cat([ids.flatten() for ids, *_ in inputs.values()]), return_inverse=True
    )
    of_kind = places.split([ids.numel() for ids, *_ in inputs.values()])
    placed = {
        kind: (own.view_as(ids), *rest)
        for own, (kind, (ids, *rest)) in zip(of_kind, inputs.items(), strict=True)
    }
    return placed, encoder.embed_tokens(pieces)  # type: ignore[return-value]


def _states(
    encoder: EncoderLike,
    wanted: Sequence[Read],
    table: Tensor | None,
    ids: Tensor,
    attention: Tensor,
    content: Tensor,
    labelled: Tensor,
) -> tuple[Tensor, ...]:
    """The states of some rows, in the order and form ``wanted``."""
    halves = 2 if wanted[0].kind == JOINED else 1
    hidden = encoder.hidden_states(ids, attention, {read.layer for read in wanted}, halves, table)
    return tuple(
        _form(hidden[read.layer], read.form, content, attention, labelled) for read in wanted
    )


def _form(
    hidden: Tensor, form: str, content: Tensor, attention: Tensor, labelled: Tensor
) -> Tensor:
    if form == TOKENS:
        return hidden
    return hidden[labelled] if form == LABELLED else pool(hidden, content, attention, form)
