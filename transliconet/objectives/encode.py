"""Encodes a batch in as few forward passes as possible, and keeps only states that are needed."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import NamedTuple

import torch
from torch import Tensor

from transliconet.batch import (
    ATTENTION_MASK,
    CONTENT_MASK,
    IGNORE,
    INPUT_IDS,
    LABELS,
    MASKED_IDS,
    PAIR_INDEX,
    has_rows,
    has_tokens,
)
from transliconet.model.encoder import EncoderLike
from transliconet.model.pooling import pool
from transliconet.objectives.adapter_choice import ADAPTER
from transliconet.objectives.gradcache import recompute_in_backward
from transliconet.objectives.second_text import (
    SECOND_ATTENTION,
    SECOND_CONTENT,
    SECOND_IDS,
    SECOND_LABELS,
    side_by_side,
)

MASKED, CLEAN, CONCATENATED, TRANSLATED = "masked", "clean", "concatenated", "translated"
"""Inputs of the encoder: rows with masked tokens; rows without; both masked views of a pair in one
row (:func:`concatenate_views`); the masked native view and the pair's second text in one row
(:mod:`transliconet.objectives.second_text`).
"""
TWO_TEXTS = (CONCATENATED, TRANSLATED)
"""Inputs of two texts a row."""

LABELLED_TOKENS, ALL_TOKENS = "labelled", "tokens"
"""Reductions beside the poolings: the M tokens that have a label, row after row; all tokens."""


class StateRequest(NamedTuple):
    """States that an objective needs. States that no objective asks for are not kept.

    Args:
        input: :data:`MASKED`, :data:`CLEAN`, :data:`CONCATENATED` or :data:`TRANSLATED`.
        layer: number of the hidden layer, 0 the embeddings.
        reduction: a pooling (:func:`transliconet.model.pooling.pool`), which gives (R, H) for R
            rows; :data:`LABELLED_TOKENS`, (M, H); or :data:`ALL_TOKENS`, (R, L, H).
    """

    input: str
    layer: int
    reduction: str

    @classmethod
    def from_options(cls, encoder: EncoderLike, layer: int | str, pooling: str) -> "StateRequest":
        """Vectors of clean rows, by a layer and a pooling as options name them, or ``auto``."""
        return cls(CLEAN, encoder.layer_number(layer), encoder.pooling_name(pooling))


StateRequests = set[StateRequest]


@dataclass(frozen=True)
class EncodedPairs:
    """A batch and the states that the objectives asked for.

    If the objectives read the native view of some pairs only, batch and states hold the native rows
    of the first :attr:`native_pairs` pairs, and then the romanized rows of all B.

    Args:
        batch: fields of :mod:`transliconet.batch`.
        states: by request; R is 2B, or B of rows of two texts.
        encoder: for its masked-LM head.
    """

    batch: Mapping[str, Tensor]
    states: Mapping[StateRequest, Tensor]
    encoder: EncoderLike

    @property
    def pairs(self) -> int:
        """Number of pairs, B."""
        return len(self.batch[PAIR_INDEX])

    @property
    def native_pairs(self) -> int:
        """Number of pairs whose native row was computed."""
        return len(self.batch[INPUT_IDS]) - self.pairs

    def views(self, request: StateRequest) -> tuple[Tensor, Tensor]:
        """The states of the native rows and of the romanized rows, in the same order of pairs."""
        states = self.states[request]
        return states[: self.native_pairs], states[self.native_pairs :]


def num_native_rows(pairs: int, share: float) -> int:
    """How many pairs of a batch have their native row computed: ``share`` of them, rounded up."""
    return math.ceil(pairs * share)


def drop_native_rows(batch: Mapping[str, Tensor], native_pairs: int) -> dict[str, Tensor]:
    """Remove the native rows of all pairs but the first ``native_pairs``, and truncate the batch to
    the longest row that is left.
    """
    pairs = len(batch[PAIR_INDEX])
    attention_mask = batch[ATTENTION_MASK]  # (2B, L)
    rows = torch.cat([torch.arange(native_pairs), torch.arange(pairs, 2 * pairs)])
    rows = rows.to(attention_mask.device)
    length = int(attention_mask[rows].any(0).sum())
    kept: dict[str, Tensor] = {}
    for name, values in batch.items():
        if has_tokens(name):
            kept[name] = values[rows, :length]
        else:
            kept[name] = values[rows] if has_rows(name) else values
    return kept


def concatenate_views(rows: Tensor) -> Tensor:
    """(2B, L) rows of both views → (B, 2L): each native row followed by its romanized row."""
    pairs = len(rows) // 2
    return torch.cat([rows[:pairs], rows[pairs:]], dim=1)


class _InputRows(NamedTuple):
    """R rows of L tokens as the encoder is given them.

    Args:
        ids: (R, L) int64; token ids, or positions among shared token vectors.
        attention_mask, content_mask: (R, L) bool.
        labelled: (R, L) bool, True at tokens that the masked-LM loss is taken of.
        adapters: (R, L) int64, the adapter of each token; None where all texts have the same.
    """

    ids: Tensor
    attention_mask: Tensor
    content_mask: Tensor
    labelled: Tensor
    adapters: Tensor | None = None

    @classmethod
    def from_batch(cls, batch: Mapping[str, Tensor], kind: str) -> "_InputRows":
        """The rows of a kind of input."""
        attention_mask = batch[ATTENTION_MASK]
        if kind == CLEAN:
            ids, labelled = batch[INPUT_IDS], torch.zeros_like(attention_mask)
        else:
            ids, labelled = batch[MASKED_IDS], batch[LABELS] != IGNORE
        adapters = batch.get(ADAPTER)
        rows = cls(ids, attention_mask, batch[CONTENT_MASK], labelled, adapters=adapters)
        if kind == CONCATENATED:
            return rows.each(concatenate_views)
        if kind == TRANSLATED:
            pairs = len(batch[PAIR_INDEX])
            native = [tensor[:pairs] for tensor in rows if tensor is not None]
            second = (
                batch[SECOND_IDS],
                batch[SECOND_ATTENTION],
                batch[SECOND_CONTENT],
                batch[SECOND_LABELS] != IGNORE,
            )
            # what stands at padding is not read
            return cls(*(side_by_side(*both, 0) for both in zip(native, second, strict=True)))
        return rows

    def each(self, change: Callable[[Tensor], Tensor]) -> "_InputRows":
        """The rows with every tensor changed."""
        changed = [None if tensor is None else change(tensor) for tensor in self]
        return _InputRows(*changed)  # type: ignore[arg-type]

    def split_rows(self, size: int) -> list["_InputRows"]:
        """Parts of ``size`` rows."""
        parts = []
        for start in range(0, len(self.ids), size):
            of_part = slice(start, start + size)
            parts.append(self.each(itemgetter(of_part)))
        return parts


def encode(
    encoder: EncoderLike,
    batch: Mapping[str, Tensor],
    requests: StateRequests,
    native_share: float = 1.0,
    micro_batch: int | None = None,
) -> EncodedPairs:
    """Run the encoder once for each kind of input, over romanized and native rows together.

    Args:
        encoder: the model.
        batch: fields of :mod:`transliconet.batch`.
        requests: the states wanted.
        native_share: share of the pairs whose native row is needed.
        micro_batch: number of rows encoded at a time; None: all. With parts, loss and gradients are
            those of the whole batch, while activations take the memory of one part (GradCache;
            Gao et al., 2021, arXiv 2101.06983). Each part keeps only the requested states, and is
            encoded again in the backward pass
            (:func:`transliconet.objectives.gradcache.recompute_in_backward`).

    Returns:
        The batch, possibly with fewer native rows, and the requested states.
    """
    native_pairs = num_native_rows(len(batch[PAIR_INDEX]), native_share)
    if native_pairs < len(batch[PAIR_INDEX]):
        batch = drop_native_rows(batch, native_pairs)
    kinds = sorted({request.input for request in requests})
    inputs = {kind: _InputRows.from_batch(batch, kind) for kind in kinds}
    in_parts = {
        kind
        for kind, rows in inputs.items()
        if micro_batch is not None and len(rows.ids) > micro_batch
    }
    token_vectors = None
    if in_parts or len(kinds) > 1:
        # each look-up would give the embedding matrix a gradient as large as itself
        inputs, token_vectors = _share_embedding_lookup(encoder, inputs)
    states: dict[StateRequest, Tensor] = {}
    for kind in kinds:
        wanted = sorted(request for request in requests if request.input == kind)
        compute = partial(_states, encoder, wanted)
        if kind in in_parts:
            assert micro_batch is not None
            parts = [
                recompute_in_backward(encoder, compute, token_vectors, *rows)  # type: ignore[arg-type]
                for rows in inputs[kind].split_rows(micro_batch)
            ]
        else:
            parts = [compute(token_vectors, *inputs[kind])]
        # parts[p][w]: the states of part p for request w
        for request, of_parts in zip(wanted, zip(*parts, strict=True), strict=True):
            states[request] = torch.cat(of_parts)
    return EncodedPairs(batch, states, encoder)


def _share_embedding_lookup(
    encoder: EncoderLike, inputs: Mapping[str, _InputRows]
) -> tuple[dict[str, _InputRows], Tensor]:
    """Look up the embedding of each distinct token of all inputs once.

    Returns:
        The inputs with positions among the distinct tokens in place of token ids, and the vectors
        of the U distinct tokens, (U, H).
    """
    all_ids = torch.cat([rows.ids.flatten() for rows in inputs.values()])
    distinct, positions = torch.unique(all_ids, return_inverse=True)  # (U,), (T,)
    sizes = [rows.ids.numel() for rows in inputs.values()]
    replaced: dict[str, _InputRows] = {}
    for (kind, rows), own in zip(inputs.items(), positions.split(sizes), strict=True):
        replaced[kind] = rows._replace(ids=own.view_as(rows.ids))
    return replaced, encoder.embed_tokens(distinct)


def _states(
    encoder: EncoderLike,
    wanted: Sequence[StateRequest],
    token_vectors: Tensor | None,
    *tensors: Tensor | None,
) -> tuple[Tensor, ...]:
    """The states of some rows, one tensor for each request; ``tensors`` are :class:`_InputRows`."""
    rows = _InputRows(*tensors)  # type: ignore[arg-type]
    # only an encoder with several adapters need take the argument
    chosen = {} if rows.adapters is None else {"adapters": rows.adapters}
    hidden = encoder.hidden_states(
        rows.ids,
        rows.attention_mask,
        {request.layer for request in wanted},
        texts_per_row=2 if wanted[0].input in TWO_TEXTS else 1,
        token_vectors=token_vectors,
        **chosen,
    )
    return tuple(_reduce(hidden[request.layer], request.reduction, rows) for request in wanted)


def _reduce(hidden: Tensor, reduction: str, rows: _InputRows) -> Tensor:
    """Reduce (R, L, H) states as a request asks."""
    if reduction == ALL_TOKENS:
        return hidden
    if reduction == LABELLED_TOKENS:
        return hidden[rows.labelled]  # (M, H)
    return pool(hidden, rows.content_mask, rows.attention_mask, reduction)  # (R, H)
