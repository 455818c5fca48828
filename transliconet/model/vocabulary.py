"""Adding and removing rows of the embedding matrix, together with what the masked-LM head has for
each token.
"""

from collections.abc import Sequence

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from transliconet.errors import CheckpointError, Option


def vocabulary_parameters(masked_lm: PreTrainedModel) -> list[nn.Parameter]:
    """The parameters that have one entry for each token: the (V, E) embedding matrix, the head's
    output matrix, if it is another, and the head's (V,) bias, if it has one.

    Raises:
        CheckpointError: the head's last step does not have one row for each token.
    """
    rows, output = masked_lm.get_input_embeddings(), masked_lm.get_output_embeddings()
    if output is None:
        return [rows.weight]
    if len(output.weight) != len(rows.weight):
        raise CheckpointError(
            masked_lm.name_or_path or type(masked_lm).__name__,
            "its masked-LM head does not have one row for each token",
            "Leave its vocabulary as it is",
            code="TLN-CKPT-412",
        )
    of_output = [] if output.weight is rows.weight else [output.weight]
    biases = [] if output.bias is None else [output.bias]
    return [rows.weight, *of_output, *biases]


def add_rows(
    masked_lm: PreTrainedModel,
    first: int,
    sources: Sequence[Sequence[int]],
    weights: Sequence[Sequence[float]] | None = None,
) -> None:
    """Add tokens, each of which gets the mean of the rows, and biases, of others.

    Args:
        masked_lm: changed in place.
        first: id of the first new token. A model may have more rows than its tokenizer has tokens;
            these are used first.
        sources: for each new token, the ids of those that it is made from.
        weights: for each new token, those of its sources, with the sum 1; empty or None: all alike.
    """
    weights = weights or [()] * len(sources)
    before = [parameter.data.clone() for parameter in vocabulary_parameters(masked_lm)]
    size = max(first + len(sources), len(before[0]))
    masked_lm.resize_token_embeddings(size, mean_resizing=False)
    for parameter, old in zip(vocabulary_parameters(masked_lm), before, strict=True):
        parameter.data[: len(old)] = old
        for id_, (from_ids, shares) in enumerate(zip(sources, weights, strict=True), first):
            rows = old[list(from_ids)]  # (S, H), or (S,) of a bias
            if shares:
                parameter.data[id_] = torch.tensor(shares, dtype=rows.dtype) @ rows
            else:
                parameter.data[id_] = rows.mean(0)


def keep_rows(masked_lm: PreTrainedModel, order: Sequence[int]) -> None:
    """Keep the tokens of these ids, in this order, with their rows and biases.

    Args:
        masked_lm: changed in place.
        order: old ids, by new id.
    """
    kept = [parameter.data[list(order)] for parameter in vocabulary_parameters(masked_lm)]
    masked_lm.resize_token_embeddings(len(order), mean_resizing=False)
    for parameter, values in zip(vocabulary_parameters(masked_lm), kept, strict=True):
        parameter.data.copy_(values)
    padding = masked_lm.config.pad_token_id
    if padding is not None:
        masked_lm.get_input_embeddings().padding_idx = list(order).index(padding)


def ids_in_full(
    part: PreTrainedTokenizerBase, full: PreTrainedTokenizerBase, option: Option
) -> list[int]:
    """The id in a full vocabulary of each subword of a trimmed one. Subwords are matched by their
    text.

    Args:
        part: tokenizer with V subwords.
        full: tokenizer that has all of them.
        option: that names the full encoder, for the error.

    Returns:
        V ids.

    Raises:
        CheckpointError: it does not have all of them.
    """
    number = full.get_vocab()
    subwords = part.convert_ids_to_tokens(list(range(len(part))))
    unknown = [subword for subword in subwords if subword not in number]
    if unknown:
        raise CheckpointError(
            option,
            f"it has no subword {unknown[0]!r}, nor {len(unknown) - 1} more",
            "Name the encoder that was trimmed: trim after transmi, not before",
            code="TLN-CKPT-423",
        )
    return [number[subword] for subword in subwords]
