"""The check of a masked LM that has no row in the table of shapes: whether its padded rows give
what transformers gives row by row, and which of the known heads it has.
"""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from transliconet.errors import CheckpointError, Option, first_line
from transliconet.model.packing import Packing
from transliconet.model.shapes import SHAPES, Shape, head_steps, known_shape
from transliconet.model.states import evaluation_mode, padded_states

LENGTHS = (7, 3)
"""Tokens of the two rows that are compared."""
OTHER_HEADS = (("predictions.dense", "predictions.activation", "predictions.LayerNorm"),)
"""Steps of masked-LM heads beside those of the table (ALBERT)."""
TOLERANCE = 1e-4
"""Largest difference between equal states or logits, of values around 1."""


def shape_of(masked_lm: PreTrainedModel, name: str) -> Shape:
    """The row of the table for a model, or one that the self-check finds.

    Args:
        masked_lm: the model.
        name: of the checkpoint, for messages.

    Raises:
        CheckpointError: the model has no row, and it fails the check.
    """
    known = known_shape(masked_lm.config)
    if known is not None:
        return known
    model_type = masked_lm.config.model_type
    try:
        return _checked_shape(masked_lm)
    except Exception as error:  # code of any architecture runs here
        raise CheckpointError(
            Option("path", name),
            f"its architecture, {model_type!r}, fails the self-check ({first_line(error)})",
            "Use an encoder of one of the architectures in docs/architectures.md",
            code="TLN-CKPT-403",
        ) from error


def _checked_shape(masked_lm: PreTrainedModel) -> Shape:
    """A shape for padded rows.

    Raises:
        ValueError: the model's hidden states are not what is expected.
    """
    layers = int(masked_lm.config.num_hidden_layers)
    with evaluation_mode(masked_lm), torch.no_grad():
        ids, packing, expected, logits = _row_by_row(masked_lm, layers)
        vectors = masked_lm.get_input_embeddings()(ids).unsqueeze(0)  # (1, T, H)
        ours = padded_states(masked_lm, vectors, None, packing=packing, layers=range(layers + 1))
        for layer, states in expected.items():
            if not torch.allclose(ours[layer][0], states, atol=TOLERANCE, rtol=TOLERANCE):
                raise ValueError(f"padding changes hidden states of layer {layer}")
        head = _known_head(masked_lm, expected[layers], logits)
    return Shape(
        (masked_lm.config.model_type,),
        layers=_layer_list(masked_lm.base_model, layers),
        relative=True,
        packed=False,
        head=head,
        linear=None,
    )


def _row_by_row(
    masked_lm: PreTrainedModel, layers: int
) -> tuple[Tensor, Packing, dict[int, Tensor], Tensor | None]:
    """Token ids (T,), their packing, and what transformers gives for each row by itself: hidden
    states, layer → (T, H), and logits (T, V).
    """
    device = masked_lm.device
    size = int(masked_lm.config.vocab_size)
    rows = [torch.arange(size - length, size, device=device) for length in LENGTHS]
    outputs = []
    for row in rows:
        out = masked_lm(row.unsqueeze(0), output_hidden_states=True, return_dict=True)
        if out.hidden_states is None or len(out.hidden_states) != layers + 1:
            raise ValueError(f"it does not give {layers + 1} hidden states")
        outputs.append(out)
    expected = {}
    for layer in range(layers + 1):
        expected[layer] = torch.cat([out.hidden_states[layer][0] for out in outputs])
    logits = None
    if "logits" in outputs[0]:
        logits = torch.cat([out.logits[0] for out in outputs])
    places = torch.arange(max(LENGTHS), device=device)
    lengths = torch.tensor(LENGTHS, device=device).unsqueeze(1)  # (2, 1)
    return torch.cat(rows), Packing.from_mask(places < lengths), expected, logits


def _known_head(
    masked_lm: PreTrainedModel, last: Tensor, logits: Tensor | None
) -> tuple[str, ...] | None:
    """The steps of a head of the table that give the model's own logits."""
    output = masked_lm.get_output_embeddings()
    if output is None or logits is None:
        return None
    heads = [*(shape.head for shape in SHAPES), *OTHER_HEADS]
    for head in dict.fromkeys(heads):
        steps = None if head is None else head_steps(masked_lm, head)
        if steps is None:
            continue
        states = last
        try:
            for step in steps:
                states = step(states)
            ours = output(states)
        except (RuntimeError, TypeError):  # modules of these names with other sizes
            continue
        if ours.shape == logits.shape and torch.allclose(ours, logits, atol=TOLERANCE):
            return head
    return None


def _layer_list(body: nn.Module, layers: int) -> str | None:
    """Path of the first list of as many modules as there are layers."""
    for path, module in body.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == layers:
            return path
    return None
