"""Each architecture of the table gives what transformers gives, packed or padded, from loading to
export.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from transliconet.model.encoder import Encoder
from transliconet.model.shapes import SHAPES, known_shape
from transliconet.model.tiny import train_tokenizer

HEADS, LAYERS, HIDDEN, WINDOW = 2, 3, 16, 4
LONG = 2 * WINDOW + 5  # tokens of the longest row: more than twice the local window
COMMON = {
    "vocab_size": 60,
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
}
OWN: dict[str, dict[str, Any]] = {
    "distilbert": {"dim": HIDDEN, "n_layers": LAYERS, "n_heads": HEADS, "hidden_dim": 24},
    "electra": {"embedding_size": 8},  # another width than that of the layers
    "xmod": {"languages": ["en_XX", "hi_IN"], "default_language": "hi_IN"},
    "eurobert": {"num_key_value_heads": 1},  # two heads share keys and values
    "modernbert": {"local_attention": 2 * WINDOW, "global_attn_every_n_layers": 3},
    "deberta-v2": {
        "relative_attention": True,
        "position_buckets": 4,
        "pos_att_type": ["p2c", "c2p"],
        "norm_rel_ebd": "layer_norm",
        "position_biased_input": False,
    },
    "rembert": {"input_embedding_size": 8, "output_embedding_size": 12},
}
MODEL_TYPES = [model_type for shape in SHAPES for model_type in shape.model_types]
PACKED = [name for shape in SHAPES if shape.packed for name in shape.model_types]
each_type = pytest.mark.parametrize("model_type", MODEL_TYPES)


@cache
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(["Москва и Киев", "Moskva i Kiev"] * 5, vocab_size=50, positions=38)


def make_model(model_type: str, seed: int = 0, **changes: Any) -> PreTrainedModel:
    settings = {**COMMON, **OWN.get(model_type, {}), **changes}
    config = transformers.AutoConfig.for_model(model_type, **settings)
    torch.manual_seed(seed)
    model = transformers.AutoModelForMaskedLM.from_config(config)
    # away from their first values, such as 0 of biases, so that a part that is left out shows
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return model.eval()


def make_encoder(model_type: str, **changes: Any) -> Encoder:
    return Encoder(make_model(model_type, **changes), tokenizer(), model_type).eval()


@dataclass
class Rows:
    """Rows of several lengths, with padding on the right."""

    lengths: tuple[int, ...] = (LONG, 3, 8)
    ids: Tensor = field(init=False)
    attention: Tensor = field(init=False)

    def __post_init__(self) -> None:
        generator = torch.Generator().manual_seed(1)
        self.attention = torch.arange(max(self.lengths)) < torch.tensor(self.lengths).unsqueeze(1)
        ids = torch.randint(5, 50, self.attention.shape, generator=generator)
        self.ids = ids.masked_fill(~self.attention, COMMON["pad_token_id"])


def theirs(model: PreTrainedModel, rows: Rows, **options: Any) -> Any:
    with torch.no_grad():
        return model(
            input_ids=rows.ids,
            attention_mask=rows.attention.long(),
            output_hidden_states=True,
            **options,
        )


@each_type
def test_states_and_logits_are_those_of_transformers(model_type: str) -> None:
    rows = Rows()
    expected = theirs(make_model(model_type), rows)
    encoder = make_encoder(model_type)
    with torch.no_grad():
        ours = encoder.hidden_states(rows.ids, rows.attention, range(LAYERS + 1))
        logits = encoder.vocabulary_logits(ours[LAYERS])
    assert len(expected.hidden_states) == LAYERS + 1
    for layer, states in enumerate(expected.hidden_states):
        close(ours[layer][rows.attention], states[rows.attention])
    close(logits[rows.attention], expected.logits[rows.attention])
    assert encoder.shape is known_shape(encoder.masked_lm.config)


def close(ours: Tensor, expected: Tensor) -> None:
    assert expected.abs().max() > 0.1  # or the comparison would say nothing
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-5)
