"""Sentence vectors from a hidden layer."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from transliconet.data.collate import Vocabulary, content_mask, pad
from transliconet.data.tokenize import Joined, Ragged, tokenize
from transliconet.errors import DataError, require_range
from transliconet.model.encoder import Encoder
from transliconet.model.pooling import pool


def embed(
    encoder: Encoder,
    texts: Sequence[str],
    layer: int | str = "last",
    pooling: str = "mean",
    max_length: int = 512,
    batch_tokens: int = 4096,
) -> np.ndarray:
    """Embed texts, in evaluation mode and without gradients.

    Args:
        encoder: the model and its tokenizer.
        texts: N texts.
        layer: hidden layer, 0 … ``encoder.layers`` or ``last``.
        pooling: see :func:`transliconet.model.pooling.pool`.
        max_length: longer rows are cut.
        batch_tokens: most tokens a batch, padding included; texts are sorted by length, so little is padded.

    Returns:
        (N, H) float32, in the order of ``texts``.

    Raises:
        ConfigError: no such layer or pooling.
        DataError: the model gives NaN or infinite values.
    """
    rows, _ = tokenize(encoder.tokenizer, texts, min(max_length, encoder.positions))
    return embed_rows(encoder, rows, layer, pooling, batch_tokens)


def embed_rows(
    encoder: Encoder,
    rows: Ragged | Joined,
    layer: int | str = "last",
    pooling: str = "mean",
    batch_tokens: int = 4096,
    autocast: torch.dtype | None = None,
) -> np.ndarray:
    """:func:`embed` for token ids; matrix products in ``autocast``'s precision, where one is given."""
    number = encoder.layer_number(layer, "probe.layer")
    return embed_layers(encoder, rows, [number], pooling, batch_tokens, autocast)[0]


def embed_layers(
    encoder: Encoder,
    rows: Ragged | Joined,
    layers: Sequence[int],
    pooling: str = "mean",
    batch_tokens: int = 4096,
    autocast: torch.dtype | None = None,
) -> np.ndarray:
    """Vectors of several hidden layers from one pass: (len(layers), N, H) float32."""
    require_range("probe.batch_tokens", batch_tokens, least=1)
    vocabulary = Vocabulary.of(encoder.tokenizer)
    device = next(encoder.parameters()).device
    vectors = np.empty((len(layers), len(rows), encoder.masked_lm.config.hidden_size), dtype=np.float32)
    training = encoder.training
    encoder.eval()
    try:
        with torch.inference_mode(), torch.autocast(device.type, autocast, enabled=autocast is not None):
            for batch in _batches(rows.lengths, batch_tokens):
                ids, attention = pad([rows[i] for i in batch], vocabulary.pad_id)
                content = content_mask(ids, attention, vocabulary.special_ids)
                ids, attention, content = ids.to(device), attention.to(device), content.to(device)
                hidden = encoder.hidden_states(ids, attention, set(layers))
                for place, number in enumerate(layers):
                    vectors[place, batch] = pool(hidden[number], content, attention, pooling).float().cpu().numpy()
    finally:
        encoder.train(training)
    if not np.isfinite(vectors).all():
        raise DataError(encoder.name, "its embeddings hold NaN or infinite values", "Probe an earlier checkpoint")
    return vectors


def _batches(lengths: np.ndarray, batch_tokens: int) -> Iterator[np.ndarray]:
    """Rows in order of length, as many as fit under ``batch_tokens`` when padded to the longest; at least one."""
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and lengths[order[end]] * (end + 1 - start) <= batch_tokens:
            end += 1
        yield order[start:end]
        start = end
