"""Training the embedding rows of new subwords, alone or together with the layers, while the rows of
the original subwords stay fixed.
"""

from collections.abc import MutableMapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from transliconet.errors import CheckpointError
from transliconet.model.encoder import Encoder


class NewRows(nn.Module):
    """An embedding of which only the rows from ``first`` on are trained.

    Args:
        matrix: (V, H), fixed. The masked-LM head stays tied to it.
        first: number of fixed rows.
    """

    def __init__(self, matrix: nn.Parameter, first: int) -> None:
        super().__init__()
        self.weight, self.first = matrix.requires_grad_(False), first
        self.new = nn.Parameter(matrix.data[first:].clone())  # (V - first, H)

    def forward(self, ids: Tensor) -> Tensor:
        """(…,) int64 ids → (…, H)."""
        is_new = (ids >= self.first).unsqueeze(-1)  # (…, 1)
        # every id is looked up in both matrices; where() passes gradients to the chosen one only
        new = F.embedding((ids - self.first).clamp(min=0), self.new)
        return torch.where(is_new, new, F.embedding(ids, self.weight))

    def merged(self) -> Tensor:
        """(V, H), the whole matrix with the trained rows; gradients flow to them."""
        return torch.cat([self.weight[: self.first], self.new])


def first_new_row(encoder: Encoder) -> int | None:
    """Number of the first embedding row of a new subword; None if none were added."""
    first = getattr(encoder.masked_lm.config, "original_vocabulary", None)
    rows = len(encoder.masked_lm.get_input_embeddings().weight)
    return None if first is None or first >= rows else int(first)


def train_new_rows(encoder: Encoder, body: bool = False) -> None:
    """Freeze the embedding rows of the original subwords.

    Args:
        encoder: changed in place.
        body: whether the layers are trained. Without them, text that is tokenized without new
            subwords keeps its states bit for bit.

    Raises:
        CheckpointError: the encoder has no new subwords.
    """
    model = encoder.masked_lm
    first = first_new_row(encoder)
    matrix = model.get_input_embeddings().weight
    if first is None:
        raise CheckpointError(
            encoder.name,
            "no subwords were added to its vocabulary",
            "Run transliconet vocab, or trainable=all",
            code="TLN-CKPT-408",
        )
    model.requires_grad_(body)
    model.set_input_embeddings(NewRows(matrix, first))


def restore_matrix(encoder: Encoder) -> None:
    """Put trained rows back into an ordinary embedding matrix, tied to the head as before. An
    encoder whose new rows were not trained apart is left alone.
    """
    rows = encoder.masked_lm.get_input_embeddings()
    if not isinstance(rows, NewRows):
        return
    rows.weight.data = rows.merged().detach()
    number, width = rows.weight.shape
    embedding = nn.Embedding(
        number, width, padding_idx=encoder.masked_lm.config.pad_token_id, _weight=rows.weight
    )
    embedding.weight = rows.weight  # the same parameter that the head is tied to
    encoder.masked_lm.set_input_embeddings(embedding)


def merge_state(state: MutableMapping[str, Tensor], prefix: str, encoder: Encoder) -> None:
    """Give a checkpoint the state of an ordinary model, with one embedding matrix. The reverse is
    :func:`split_state`.

    Args:
        state: names and weights, changed in place.
        prefix: beginning of the names of the encoder's weights.
        encoder: the encoder in training.
    """
    rows = encoder.masked_lm.get_input_embeddings()
    if isinstance(rows, NewRows):
        matrix, output = _matrix_names(encoder)
        del state[f"{prefix}{matrix}.new"]
        merged = rows.merged().detach()
        state[f"{prefix}{matrix}.weight"] = merged
        if output is not None:
            state[f"{prefix}{output}.weight"] = merged


def split_state(state: MutableMapping[str, Tensor], prefix: str, encoder: Encoder) -> None:
    """The reverse of :func:`merge_state`, for an encoder whose new rows are trained."""
    rows = encoder.masked_lm.get_input_embeddings()
    if isinstance(rows, NewRows):
        matrix, _ = _matrix_names(encoder)
        state[f"{prefix}{matrix}.new"] = state[f"{prefix}{matrix}.weight"][rows.first :]


def _matrix_names(encoder: Encoder) -> tuple[str, str | None]:
    """Paths of the embedding and of the output layer that is tied to it, from the encoder; None
    where none is.
    """
    masked_lm = encoder.masked_lm
    rows, output = masked_lm.get_input_embeddings(), masked_lm.get_output_embeddings()
    paths = {id(module): path for path, module in encoder.named_modules()}
    if output is None or output.weight is not rows.weight:
        return paths[id(rows)], None
    return paths[id(rows)], paths[id(output)]
