"""Vectors of words: the state of a hidden layer at each word's first subword."""

from collections.abc import Sequence

import numpy as np

from transliconet.model.embed import BatchStates, for_each_batch, require_finite
from transliconet.model.encoder import Encoder
from transliconet.tokens.word_positions import NOWHERE, tokenize_words


def embed_words(
    encoder: Encoder,
    sentences: Sequence[Sequence[str]],
    layer: int | str = "auto",
    max_length: int | None = None,
    batch_tokens: int = 4096,
) -> tuple[np.ndarray, np.ndarray]:
    """Embed words in their sentences, in evaluation mode and without gradients.

    Args:
        encoder: the model and its tokenizer.
        sentences: N lists of words, W in all.
        layer, max_length, batch_tokens: see :func:`transliconet.model.embed.embed`.

    Returns:
        (W, H) float32 vectors, in order, and (W,) bool: whether a word has a subword. Where it has
        none, the vector is zeros.

    Raises:
        ConfigError: the encoder has no such layer.
        DataError: the model gives NaN or infinite values.
    """
    number = encoder.layer_number(layer)
    limit = encoder.length_limit(max_length)
    tokens = tokenize_words(encoder.tokenizer, sentences, limit, encoder.prompt)
    counts = [len(first) for first in tokens.first]
    starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])  # (N + 1,)
    positions = np.concatenate([np.zeros(0, np.int64), *tokens.first])  # (W,)
    known = positions != NOWHERE
    width = encoder.masked_lm.config.hidden_size
    vectors = np.zeros((len(positions), width), dtype=np.float32)

    def take_words(batch: np.ndarray, states: BatchStates) -> None:
        hidden = states.hidden[number].float().cpu().numpy()  # (B, L, H)
        for row, sentence in zip(hidden, batch, strict=True):
            words = np.arange(starts[sentence], starts[sentence + 1])
            words = words[known[words]]
            vectors[words] = row[positions[words]]

    every = np.arange(len(sentences))
    for_each_batch(
        encoder, tokens.rows, every, take_words, layers=[number], batch_tokens=batch_tokens
    )
    require_finite(encoder, vectors)
    return vectors, known
