"""The fields of a training batch, each registered with its shape.

B pairs make 2B rows of tokens: rows ``0..B-1`` are the native view, rows ``B..2B-1`` the romanized
view of the same pairs in the same order, so that one forward pass serves both. L is the length of
the batch's longest row, in tokens.

A batch is a dictionary from these names to tensors. An objective that needs a field of its own
registers it (:func:`register_field`) and says how it is made
(:class:`transliconet.tokens.fields.BatchField`).
"""

from dataclasses import dataclass
from typing import Literal

from transliconet.errors import ConfigError, require_choice

Axis = Literal["token", "row", "pair", "batch"]
AXES = ("token", "row", "pair", "batch")


@dataclass(frozen=True)
class FieldShape:
    """What a registered field holds.

    Args:
        description: shape, type and meaning.
        axis: what its first dimensions count. ``token``: (2B, L, …). ``row``: (2B, …), one entry
            for each row of tokens. ``pair``: (B, …). ``batch``: any shape; it belongs to the batch
            as a whole.
    """

    description: str
    axis: Axis


FIELDS: dict[str, FieldShape] = {}
"""Every registered field by name."""


def register_field(name: str, description: str, axis: Axis) -> str:
    """Register a field, so that the code that selects and truncates rows knows its shape.

    Args:
        name: key in the batch.
        description, axis: see :class:`FieldShape`.

    Returns:
        ``name``, to be kept as a constant.

    Raises:
        ConfigError: the axis is unknown, or the name stands for another field already.

    >>> register_field("labels", "(2B, L) int64: …", axis="pair")
    Traceback (most recent call last):
    transliconet.errors.ConfigError: labels: another batch field has this name. ...
    """
    require_choice("axis", axis, AXES)
    shape = FieldShape(description, axis)
    if FIELDS.setdefault(name, shape) != shape:
        raise ConfigError(
            name,
            "another batch field has this name",
            f"Choose a name that is free; taken: {', '.join(FIELDS)}",
            code="TLN-CONFIG-010",
        )
    return name


def has_rows(name: str) -> bool:
    """Whether the first dimension of a field counts the rows of tokens, 2B."""
    return FIELDS[name].axis in ("token", "row")


def has_tokens(name: str) -> bool:
    """Whether the second dimension of a field counts the tokens of a row, L."""
    return FIELDS[name].axis == "token"


PAIR_INDEX = register_field(
    "pair_index", "(B,) int64: position of each pair among the tokenized training pairs.", "pair"
)
SEED = register_field(
    "seed",
    "() int64: seeds what is random in training on the batch, dropout, so that a resumed run draws "
    "the same.",
    "batch",
)
INPUT_IDS = register_field("input_ids", "(2B, L) int64: token ids of the text.", "token")
ATTENTION_MASK = register_field(
    "attention_mask",
    "(2B, L) bool: True at every token, special ones included; False at padding.",
    "token",
)
CONTENT_MASK = register_field(
    "content_mask",
    "(2B, L) bool: True at tokens that are neither padding nor special. Masked tokens are content.",
    "token",
)
MASKED_IDS = register_field(
    "masked_ids",
    "(2B, L) int64: token ids after masking. Present when an objective reads masked input.",
    "token",
)
LABELS = register_field(
    "labels",
    "(2B, L) int64: the original id where the masked-LM loss is taken, IGNORE elsewhere. Present "
    "together with masked_ids.",
    "token",
)

IGNORE = -100
"""The label of tokens that the masked-LM loss leaves out."""
