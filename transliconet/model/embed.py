"""Sentence vectors from a hidden layer."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from transliconet.errors import DataError, require_choice, require_range
from transliconet.model.encoder import Encoder
from transliconet.model.pooling import OR_AUTO, pool
from transliconet.model.states import evaluation_mode
from transliconet.model.vectors import normalize as unit_length
from transliconet.progress import Progress
from transliconet.tokens.padding import Vocabulary, content_mask, pad
from transliconet.tokens.ragged import ConcatenatedRows, RaggedArray
from transliconet.tokens.tokenize import tokenize

TEXTS_AT_ONCE = 8192
"""Texts that :func:`embed` tokenizes at a time: enough to make batches of one length."""


def embed(
    encoder: Encoder,
    texts: Iterable[str],
    layer: int | str = "auto",
    pooling: str = "auto",
    max_length: int | None = None,
    batch_tokens: int = 4096,
    *,
    normalize: bool = False,
    language: str | None = None,
) -> np.ndarray:
    """Embed texts, in evaluation mode and without gradients, each after the encoder's prompt.

    ``texts`` may be a generator: only a part of them is in memory at a time, beside the vectors.
    Equal texts that are near each other are computed once.

    Args:
        encoder: the model and its tokenizer.
        texts: N texts.
        layer: hidden layer, 0 … ``encoder.layers`` or ``last``; ``auto``: as the checkpoint says,
            else the last.
        pooling: see :func:`transliconet.model.pooling.pool`; ``auto``: as the checkpoint says, else
            ``mean``.
        max_length: longest row in tokens, special tokens included; longer ones are truncated. None:
            as the checkpoint says, else 512.
        batch_tokens: largest number of tokens in a batch, padding included. Texts are sorted by
            length, so that there is little padding.
        normalize: scale each vector to length 1, so that the dot product is the cosine.
        language: tag of the texts, ``hin_Latn`` of romanized ones. An encoder with adapters per
            language or script takes theirs; others do not read it.

    Returns:
        (N, H) float32, in the order of ``texts``.

    Raises:
        ConfigError: the encoder has no such layer, the pooling is unknown, or the encoder has
            adapters per language or script, and no language is given.
        DataError: the model gives NaN or infinite values, or the tag is none.
    """
    require_choice("pooling", pooling, OR_AUTO)
    number = encoder.layer_number(layer)
    width = encoder.masked_lm.config.hidden_size
    vectors = np.empty((0, width), dtype=np.float32)
    remaining = iter(texts)
    while chunk := list(islice(remaining, TEXTS_AT_ONCE)):
        rows, _ = tokenize(
            encoder.tokenizer, chunk, encoder.length_limit(max_length), encoder.prompt
        )
        done = len(vectors)
        # in place: concatenating at the end would take the memory twice
        vectors.resize((done + len(chunk), width), refcheck=False)
        vectors[done:] = embed_layers(
            encoder,
            rows,
            [number],
            pooling=pooling,
            batch_tokens=batch_tokens,
            language=language,
        )[0]
    return unit_length(vectors) if normalize else vectors


def embed_tagged(
    encoder: Encoder, texts: Sequence[str], tags: Sequence[str], *how: Any, **options: Any
) -> np.ndarray:
    """:func:`embed` for texts of several languages.

    Args:
        encoder: the model and its tokenizer.
        texts: N texts.
        tags: N language tags. An encoder with adapters per language or script reads them.
        how, options: see :func:`embed`.

    Returns:
        (N, H) float32, in the order of ``texts``.
    """
    if encoder.adapters is None:
        return embed(encoder, list(texts), *how, **options)
    vectors = np.empty((len(texts), encoder.masked_lm.config.hidden_size), dtype=np.float32)
    for tag in dict.fromkeys(tags):
        rows = [i for i, of_text in enumerate(tags) if of_text == tag]
        some = [texts[i] for i in rows]
        vectors[rows] = embed(encoder, some, *how, **options, language=tag)
    return vectors


def embed_rows(
    encoder: Encoder,
    rows: RaggedArray | ConcatenatedRows,
    layer: int | str = "auto",
    pooling: str = "auto",
    batch_tokens: int = 4096,
    autocast: torch.dtype | None = None,
) -> np.ndarray:
    """:func:`embed` for texts that have been tokenized.

    Args:
        encoder: the model.
        rows: N rows of token ids, special tokens included.
        layer, pooling, batch_tokens: see :func:`embed`.
        autocast: data type of the matrix products; None: that of the weights.

    Returns:
        (N, H) float32.

    Raises:
        ConfigError, DataError: see :func:`embed`.
    """
    number = encoder.layer_number(layer)
    return embed_layers(
        encoder, rows, [number], pooling=pooling, batch_tokens=batch_tokens, autocast=autocast
    )[0]


def embed_layers(
    encoder: Encoder,
    rows: RaggedArray | ConcatenatedRows,
    layers: Sequence[int],
    pooling: str = "auto",
    batch_tokens: int = 4096,
    autocast: torch.dtype | None = None,
    language: str | None = None,
) -> np.ndarray:
    """:func:`embed_rows` for several hidden layers, from one forward pass. Equal rows are computed
    once.

    Args:
        encoder: the model.
        rows: N rows of token ids, special tokens included.
        layers: K numbers of hidden layers.
        pooling, batch_tokens: see :func:`embed`.
        autocast: see :func:`embed_rows`.
        language: see :func:`embed`.

    Returns:
        (K, N, H) float32.

    Raises:
        ConfigError: ``batch_tokens`` is below 1.
        DataError: the model gives NaN or infinite values.
    """
    pooling = encoder.pooling_name(pooling)
    width = encoder.masked_lm.config.hidden_size
    vectors = np.empty((len(layers), len(rows), width), dtype=np.float32)  # (K, N, H)
    # (U,) the first of each distinct row, and (N,) which of these each row is
    _, first, distinct = np.unique(rows.digests, return_index=True, return_inverse=True)

    def pool_batch(batch: np.ndarray, states: BatchStates) -> None:
        for position, number in enumerate(layers):
            hidden = states.hidden[number]  # (B, L, H)
            pooled = pool(hidden, states.content, states.attention, pooling)  # (B, H)
            vectors[position, batch] = pooled.float().cpu().numpy()

    for_each_batch(
        encoder,
        rows,
        first,
        pool_batch,
        layers=layers,
        batch_tokens=batch_tokens,
        autocast=autocast,
        language=language,
    )
    # rows that equal an earlier one take its vectors
    repeated = np.setdiff1d(np.arange(len(rows)), first, assume_unique=True).tolist()
    if repeated:
        vectors[:, repeated] = vectors[:, first[distinct[repeated]]]
    require_finite(encoder, vectors)
    return vectors


def require_finite(encoder: Encoder, vectors: np.ndarray) -> None:
    """Raise :class:`transliconet.errors.DataError` where an encoder gives NaN or infinite
    values.
    """
    if not np.isfinite(vectors).all():
        raise DataError(
            encoder.name,
            "its embeddings hold NaN or infinite values",
            "Probe an earlier checkpoint",
            code="TLN-DATA-400",
        )


class BatchStates(NamedTuple):
    """The states of a batch of B rows.

    Args:
        hidden: number of a layer → (B, L, H).
        content: (B, L) bool, True at content tokens.
        attention: (B, L) bool, True at all tokens but padding.
    """

    hidden: Mapping[int, Tensor]
    content: Tensor
    attention: Tensor


def for_each_batch(
    encoder: Encoder,
    rows: RaggedArray | ConcatenatedRows,
    wanted: np.ndarray,
    use: Callable[[np.ndarray, BatchStates], None],
    *,
    layers: Sequence[int],
    batch_tokens: int,
    autocast: torch.dtype | None = None,
    language: str | None = None,
) -> None:
    """Run the encoder over rows, in evaluation mode and without gradients.

    Args:
        encoder: the model.
        rows: N rows of token ids, special tokens included.
        wanted: (n,) rows to run.
        use: is called with the numbers of a batch's rows, (B,), and their states.
        layers, batch_tokens, autocast, language: see :func:`embed_layers`.
    """
    require_range("batch_tokens", batch_tokens, least=1)
    adapter = None if encoder.adapters is None else encoder.adapters.number(language)
    vocabulary = Vocabulary.from_tokenizer(encoder.tokenizer)
    device = next(encoder.parameters()).device
    precision = torch.autocast(device.type, autocast, enabled=autocast is not None)
    shown = Progress("embed", len(rows))
    with evaluation_mode(encoder), torch.inference_mode(), precision, shown as progress:
        for batch in _batches(rows.lengths, wanted, batch_tokens):
            ids, attention = pad([rows[i] for i in batch], vocabulary.pad_id)
            content = content_mask(ids, attention, vocabulary.special_ids)
            ids, attention, content = ids.to(device), attention.to(device), content.to(device)
            chosen = None if adapter is None else torch.full_like(ids, adapter)  # (B, L)
            # (B, L, H) each
            hidden = encoder.hidden_states(ids, attention, set(layers), adapters=chosen)
            use(batch, BatchStates(hidden, content, attention))
            progress.advance(len(batch))
        progress.advance_to(len(rows))  # equal rows


def _batches(lengths: np.ndarray, wanted: np.ndarray, batch_tokens: int) -> Iterator[np.ndarray]:
    """Batches of rows sorted by length.

    Args:
        lengths: (N,) tokens of all rows.
        wanted: (n,) rows to put into batches.
        batch_tokens: largest number of tokens in a batch, padding included. A row that is longer
            is a batch of its own.
    """
    order = wanted[np.lexsort((wanted, lengths[wanted]))]
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and lengths[order[end]] * (end + 1 - start) <= batch_tokens:
            end += 1
        yield order[start:end]
        start = end


def state_digest(state: Mapping[str, Tensor]) -> str:
    """A hash of the weights that a state dict holds."""
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().view(-1).numpy().view(np.uint8).data)
    return digest.hexdigest()
