"""What differs between architectures: where their parts lie, how they count positions, and what
their masked-LM head computes.

:data:`SHAPES` has one row for each family of encoders. Everything else in this package asks the row
of a model, or transformers' own ``get_input_embeddings``, ``get_output_embeddings`` and
``base_model``. A masked LM without a row is tried by :mod:`transliconet.model.self_check`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

LAYER_CLASS = GradientCheckpointingLayer
"""Base class of the layers of all architectures: the unit of activation checkpointing and FSDP."""

FROM_ZERO = "from zero"
AFTER_PADDING = "after padding"
ROTARY = "rotary"

DEFAULT_LENGTH = 512
"""Longest row in tokens where the configuration does not say."""
GELU = "gelu"
"""A step of a masked-LM head that is a function, not one of its modules."""
ROBERTA_HEAD = ("lm_head.dense", GELU, "lm_head.layer_norm")
BERT_HEAD = ("cls.predictions.transform",)
BERT_LINEAR = ("query", "key", "value", "dense")
GATED_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Shape:
    """How the encoders of one family are put together.

    Paths start at the base model (``masked_lm.base_model``), those of the head at the masked LM.

    Args:
        model_types: values of ``model_type`` in ``config.json``.
        layers: path of the list of transformer layers.
        embeddings: path of the module that adds positions to token vectors and normalizes them;
            None where the token vectors are the input of the first layer.
        projection: path of a linear layer between embeddings and layers, which some models have.
        final_norm: path of the norm after the last layer, which some models have. Hidden state
            ``last`` is taken after it, all others before it, as in transformers.
        positions: how tokens are counted: :data:`FROM_ZERO`, :data:`AFTER_PADDING` (from
            ``pad_token_id + 1``), or :data:`ROTARY` (inside attention, from 0).
        relative: whether attention also depends on the distance of two tokens in their row.
        packed: whether rows are computed without their padding
            (:mod:`transliconet.model.packing`). Otherwise transformers computes padded rows.
        local_attention: whether some layers attend only within a window, as their
            ``attention_type`` says.
        adapters: whether layers have an adapter for each language (X-MOD).
        head: steps of the masked-LM head before the output matrix: paths of modules, or
            :data:`GELU`. None: not known.
        tied: whether the head shares the embedding matrix, unless the configuration says otherwise.
        linear: names of the linear layers in a transformer layer, which LoRA adapts. None: all that
            it has.
    """

    model_types: tuple[str, ...]
    layers: str | None = "encoder.layer"
    embeddings: str | None = "embeddings"
    projection: str | None = None
    final_norm: str | None = None
    positions: str = FROM_ZERO
    relative: bool = False
    packed: bool = True
    local_attention: bool = False
    adapters: bool = False
    head: tuple[str, ...] | None = field(default=BERT_HEAD)
    tied: bool = True
    linear: tuple[str, ...] | None = BERT_LINEAR

    @property
    def positions_restart(self) -> bool:
        """Whether each text of a row can have positions of its own."""
        return not self.relative


SHAPES = (
    Shape(("xlm-roberta", "roberta", "camembert"), positions=AFTER_PADDING, head=ROBERTA_HEAD),
    Shape(
        ("xmod",),
        final_norm="encoder.LayerNorm",  # only in its pre-norm variant
        positions=AFTER_PADDING,
        adapters=True,
        head=ROBERTA_HEAD,
    ),
    Shape(("bert",)),
    Shape(
        ("distilbert",),
        layers="transformer.layer",
        head=("vocab_transform", "activation", "vocab_layer_norm"),
        linear=("q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"),
    ),
    Shape(("electra",), projection="embeddings_project", head=("generator_predictions",)),
    Shape(("gte",), layers="layers", positions=ROTARY, head=ROBERTA_HEAD, linear=GATED_LINEAR),
    Shape(
        ("jina_embeddings_v3",),
        layers="layers",
        positions=ROTARY,
        head=ROBERTA_HEAD,
        linear=("q_proj", "k_proj", "v_proj", "o_proj", "fc1", "fc2"),
    ),
    Shape(("nomic_bert",), layers="layers", positions=ROTARY, linear=GATED_LINEAR),
    Shape(
        ("eurobert",),
        layers="layers",
        embeddings=None,
        final_norm="norm",
        positions=ROTARY,
        head=(),
        tied=False,
        linear=GATED_LINEAR,
    ),
    Shape(
        ("modernbert",),
        layers="layers",
        final_norm="final_norm",
        positions=ROTARY,
        local_attention=True,
        head=("head",),
        linear=("Wqkv", "Wo", "Wi"),
    ),
    # these have attention of their own, which transformers does not let others replace
    Shape(
        ("deberta-v2",),
        relative=True,
        packed=False,
        linear=(
            *("query_proj", "key_proj", "value_proj"),
            *("pos_key_proj", "pos_query_proj", "dense"),
        ),
    ),
    Shape(
        ("mpnet",),
        positions=AFTER_PADDING,
        relative=True,
        packed=False,
        head=ROBERTA_HEAD,
        linear=("q", "k", "v", "o", "dense"),
    ),
    Shape(
        ("rembert",),
        projection="encoder.embedding_hidden_mapping_in",
        packed=False,
        head=(
            "cls.predictions.dense",
            "cls.predictions.activation",
            "cls.predictions.LayerNorm",
        ),
        tied=False,
    ),
)
"""One row for each family of encoders."""


def known_shape(config: PreTrainedConfig) -> Shape | None:
    """The row of :data:`SHAPES` for a configuration; None if there is none."""
    for shape in SHAPES:
        if config.model_type in shape.model_types:
            return shape
    return None


def submodule(model: nn.Module, path: str | None) -> nn.Module | None:
    """The module at a dotted path; None if the model has no such part."""
    if path is None:
        return None
    try:
        return model.get_submodule(path)
    except AttributeError:
        return None


def layers_of(masked_lm: PreTrainedModel, shape: Shape) -> Sequence[nn.Module]:
    """The transformer layers, from the lowest to the highest; none where their place is unknown."""
    found = submodule(masked_lm.base_model, shape.layers)
    return list(found) if isinstance(found, nn.ModuleList) else []


def final_norm(masked_lm: PreTrainedModel, shape: Shape) -> nn.Module | None:
    """The norm after the last layer; None where there is none."""
    return submodule(masked_lm.base_model, shape.final_norm)


def parts_below_layers(masked_lm: PreTrainedModel, shape: Shape) -> Iterator[nn.Module]:
    """The modules between token ids and the first layer."""
    body = masked_lm.base_model
    yield masked_lm.get_input_embeddings()
    for path in (shape.embeddings, shape.projection):
        module = submodule(body, path)
        if module is not None:
            yield module


def chosen_language(config: PreTrainedConfig) -> str | None:
    """The language whose adapters all text goes through (X-MOD); None where there are none."""
    shape = known_shape(config)
    return config.default_language if shape is not None and shape.adapters else None


def longest_row(config: PreTrainedConfig, shape: Shape) -> int:
    """Length of the longest row in tokens."""
    longest = int(getattr(config, "max_position_embeddings", DEFAULT_LENGTH))
    if shape.positions == AFTER_PADDING:
        # positions up to that of padding are not used
        return longest - int(config.pad_token_id) - 1
    return longest


def head_steps(
    masked_lm: nn.Module, head: Sequence[str]
) -> list[Callable[[Tensor], Tensor]] | None:
    """The functions that a masked-LM head applies before its output matrix, in order; None if the
    model lacks one of them.
    """
    steps: list[Callable[[Tensor], Tensor]] = []
    for path in head:
        step = F.gelu if path == GELU else submodule(masked_lm, path)
        if step is None:
            return None
        steps.append(step)
    return steps
