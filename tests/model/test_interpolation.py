"""Part of the way back to the starting weights."""

from collections.abc import Callable

import pytest
import torch

from transliconet.model.encoder import Encoder
from transliconet.model.interpolation import StartingWeights

LAYER = "masked_lm.roberta.encoder.layer.0.output.dense.weight"


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_the_whole_way_back_leaves_token_embeddings_as_trained(
    make_encoder: Callable[..., Encoder], precision: torch.dtype
) -> None:
    encoder = make_encoder()
    before = encoder.get_parameter(LAYER).detach().clone()
    start = StartingWeights.from_encoder(encoder, 1.0, "all")
    with torch.no_grad():
        for weight in encoder.parameters():
            weight.add_(1.0)
    encoder.to(precision)
    table = encoder.masked_lm.get_input_embeddings().weight.detach().clone()
    start.blend_into(encoder)
    assert torch.equal(encoder.get_parameter(LAYER), before.to(precision))
    assert torch.equal(encoder.masked_lm.get_input_embeddings().weight, table)


def test_nothing_is_copied_for_a_share_of_zero(make_encoder: Callable[..., Encoder]) -> None:
    assert not StartingWeights.from_encoder(make_encoder(), 0.0, "lora").weights
