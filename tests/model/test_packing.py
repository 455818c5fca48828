"""Leaving padding out changes neither states nor gradients."""

from collections.abc import Callable

import pytest
import torch

from transliconet.model.encoder import Encoder
from transliconet.model.packing import Packing
from transliconet.model.trainable import checkpoint_layers

RAGGED = torch.tensor(
    [[1, 1, 0, 0, 1], [1, 0, 0, 0, 0], [1, 1, 1, 1, 1]], dtype=torch.bool
)  # padding in the middle, too


def test_packed_rows_come_back_where_they_were() -> None:
    values = torch.arange(15.0).view(3, 5, 1)
    packing = Packing.from_mask(RAGGED)
    packed = packing.pack(values)
    assert packed.flatten().tolist() == [0, 1, 4, 5, 10, 11, 12, 13, 14]
    back = packing.unpack(packed)
    assert torch.equal(back[RAGGED], values[RAGGED])
    assert not back[~RAGGED].any()


@pytest.mark.parametrize(
    "attention", [RAGGED, torch.ones(3, 5, dtype=torch.bool)], ids=["ragged", "full"]
)
def test_attention_sees_each_row_closed_up_to_the_left(attention: torch.Tensor) -> None:
    packing = Packing.from_mask(attention)
    states = torch.randn(2, int(attention.sum()), 4)
    spread = packing.spread(states)
    rows, longest = packing.shape
    assert spread.shape == (rows, 2, longest, 4) == (3, 2, 5, 4)
    start = 0
    for row, length in enumerate(attention.sum(1).tolist()):
        assert torch.equal(spread[row, :, :length], states[:, start : start + length])
        start += length
    assert torch.equal(packing.gather(spread), states.transpose(0, 1))
    assert (packing.mask is None) == bool(attention.all())


def test_gradients_are_those_of_transformers_with_padding(
    make_encoder: Callable[..., Encoder],
) -> None:
    encoder = make_encoder()
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 500, (6, 12), generator=generator)
    attention = torch.arange(12) < torch.tensor([12, 3, 7, 1, 9, 5]).unsqueeze(1)
    ids = ids.masked_fill(~attention, encoder.tokenizer.pad_token_id)
    direction = torch.randn(6, 12, 32, generator=generator)

    def gradients(packed: bool) -> list[torch.Tensor]:
        encoder.zero_grad()
        if packed:
            states = encoder.hidden_states(ids, attention, {2})[2]
        else:
            out = encoder.masked_lm.roberta(ids, attention_mask=attention.long())
            states = out.last_hidden_state
        (states * direction)[attention].sum().backward()
        return [
            p.grad.clone() for p in encoder.masked_lm.roberta.parameters() if p.grad is not None
        ]

    ours, theirs = gradients(True), gradients(False)
    assert len(ours) == len(theirs) > 20
    for got, expected in zip(ours, theirs, strict=True):
        assert expected.abs().max() > 0
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


def test_layers_above_the_wanted_one_are_not_computed(make_encoder: Callable[..., Encoder]) -> None:
    encoder = make_encoder(layers=3)
    calls: list[int] = []
    for number, layer in enumerate(encoder.masked_lm.roberta.encoder.layer, start=1):
        layer.register_forward_hook(lambda *_, n=number: calls.append(n))
    ids = torch.randint(5, 500, (2, 6))
    assert list(encoder.hidden_states(ids, torch.ones_like(ids, dtype=torch.bool), {1, 2})) == [
        1,
        2,
    ]
    assert calls == [1, 2]


def test_gradient_checkpointing_changes_nothing(make_encoder: Callable[..., Encoder]) -> None:
    ids = torch.randint(5, 500, (4, 8), generator=torch.Generator().manual_seed(0))
    attention = torch.arange(8) < torch.tensor([8, 3, 5, 1]).unsqueeze(1)
    gradients = []
    for checkpointing in (False, True):
        encoder = make_encoder().train()
        if checkpointing:
            checkpoint_layers(encoder)
        torch.manual_seed(1)  # dropout is on
        states = encoder.hidden_states(ids, attention, {1, 2})
        (states[1].square().sum() + states[2].square().sum()).backward()
        gradients.append([p.grad for p in encoder.parameters() if p.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) > 20
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-6)
