"""The states of a layer's tokens, as vectors."""

from collections.abc import Sequence

import numpy as np

from transliconet.model.embed import BatchStates, for_each_batch, require_finite
from transliconet.model.encoder import Encoder
from transliconet.model.token_vectors import TokenVectors, offsets_of
from transliconet.model.vectors import normalize
from transliconet.tokens.padding import Vocabulary
from transliconet.tokens.ragged import ConcatenatedRows, RaggedArray


def embed_tokens(
    encoder: Encoder,
    rows: RaggedArray | ConcatenatedRows,
    layers: Sequence[int],
    batch_tokens: int = 4096,
    language: str | None = None,
) -> list[TokenVectors]:
    """The states of content tokens, which are neither special tokens nor padding.

    Args:
        encoder: the model.
        rows: N rows of token ids, special tokens included.
        layers: K numbers of hidden layers.
        batch_tokens: largest number of tokens in a batch, padding included.
        language: see :func:`transliconet.model.embed.embed`.

    Returns:
        One for each layer.

    Raises:
        DataError: the model gives NaN or infinite values.
    """
    special_ids = Vocabulary.from_tokenizer(encoder.tokenizer).special_ids.numpy()
    counts = [int((~np.isin(rows[i], special_ids)).sum()) for i in range(len(rows))]
    # rows without content keep one vector of zeros
    offsets = offsets_of(np.maximum(counts, 1))
    width = encoder.masked_lm.config.hidden_size
    values = np.zeros((len(layers), offsets[-1], width), dtype=np.float32)  # (K, T, H)

    def take(batch: np.ndarray, states: BatchStates) -> None:
        content = states.content.cpu().numpy()  # (B, L)
        for position, number in enumerate(layers):
            hidden = states.hidden[number].float().cpu().numpy()  # (B, L, H)
            require_finite(encoder, hidden[content])
            for row, of_row, mask in zip(batch, hidden, content, strict=True):
                start = offsets[row]
                values[position, start : start + counts[row]] = normalize(of_row[mask])

    for_each_batch(
        encoder,
        rows,
        np.arange(len(rows)),
        take,
        layers=layers,
        batch_tokens=batch_tokens,
        language=language,
    )
    return [TokenVectors(of_layer, offsets) for of_layer in values]
