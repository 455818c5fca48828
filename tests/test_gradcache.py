"""A batch encoded in parts has the loss and gradients of the whole."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from transliconet import keys
from transliconet.corpus.pairs import PairsFolder
from transliconet.data.datamodule import PairsDataModule
from transliconet.data.masking import Masking
from transliconet.model.encoder import Encoder
from transliconet.objectives.anchor import AnchoredContrast
from transliconet.objectives.combine import Objective, combine
from transliconet.objectives.encode import CLEAN, encode
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.objectives.tlm import TransliterationLanguageModel
from transliconet.objectives.words import WordAlignment

OBJECTIVES: dict[str, Objective] = {
    "tcm": TransliterationContrast(layer=[1, "last"], similarity="cosine", temperature=0.1, false_negatives=1.0),
    "mlm": MaskedLanguageModel(),
    "tlm": TransliterationLanguageModel(),
    "words": WordAlignment(),
    "anchor": AnchoredContrast(pull=1.0, replay=1.0, replay_share=0.5),
}


@pytest.fixture(scope="module")
def batch(cldr_pairs: PairsFolder, encoder: Encoder) -> dict[str, Tensor]:
    def anchors(pairs):  # type: ignore[no-untyped-def]
        return torch.randn(len(pairs), 32, generator=torch.Generator().manual_seed(0)).numpy()

    data = PairsDataModule(
        cldr_pairs, encoder.tokenizer, 64, 24, 48, masking=Masking(), anchors=anchors, negatives=7, words=True
    )
    data.setup()
    return next(iter(data.train_dataloader()))


def step(encoder: Encoder, batch: dict[str, Tensor], name: str, micro_batch: int | None) -> tuple[float, list[Tensor]]:
    objective = OBJECTIVES[name]
    encoder.zero_grad()
    torch.manual_seed(0)
    encoded = encode(encoder, batch, objective.reads(encoder), objective.native_share, micro_batch)
    loss, _ = combine({name: objective}, encoded)
    loss.backward()
    return loss.item(), [p.grad.clone() for p in encoder.parameters() if p.grad is not None]


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("micro_batch", [1, 7, 1000])
def test_loss_and_gradients_are_those_of_the_whole_batch(
    make_encoder: Callable[..., Encoder], batch: dict[str, Tensor], name: str, micro_batch: int
) -> None:
    encoder = make_encoder()
    loss, gradients = step(encoder, batch, name, None)
    in_parts, from_parts = step(encoder, batch, name, micro_batch)
    assert in_parts == pytest.approx(loss, abs=1e-5)
    assert len(gradients) == len(from_parts) > 20
    assert max(float(g.abs().max()) for g in gradients) > 1e-3
    for expected, got in zip(gradients, from_parts, strict=True):
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4)


def test_a_part_is_encoded_again_with_the_same_dropout(
    make_encoder: Callable[..., Encoder], batch: dict[str, Tensor]
) -> None:
    encoder = make_encoder().train()
    objective = OBJECTIVES["tcm"]
    loss, gradients = step(encoder, batch, "tcm", 16)
    encoder.zero_grad()
    torch.manual_seed(0)
    rows = [batch[key].split(16) for key in (keys.MASKED_IDS, keys.ATTENTION_MASK)]
    parts = [encoder.hidden_states(ids, attention, {1, 2}) for ids, attention in zip(*rows, strict=True)]

    class Replayed:
        """Gives the states of the parts, every graph kept."""

        layers, layer_number = encoder.layers, encoder.layer_number

        def hidden_states(self, *_: object) -> dict[int, Tensor]:
            return {layer: torch.cat([part[layer] for part in parts]) for layer in (1, 2)}

    combined, _ = combine({"tcm": objective}, encode(Replayed(), batch, objective.reads(encoder)))  # type: ignore[arg-type]
    combined.backward()
    assert combined.item() == pytest.approx(loss, abs=1e-6)
    expected = [p.grad for p in encoder.parameters() if p.grad is not None]
    for got, want in zip(gradients, expected, strict=True):
        torch.testing.assert_close(got, want, atol=1e-6, rtol=1e-4)


def test_no_more_than_a_part_is_ever_encoded_at_once(
    make_encoder: Callable[..., Encoder], batch: dict[str, Tensor]
) -> None:
    encoder = make_encoder()
    rows: list[int] = []
    original = encoder.hidden_states

    def watched(ids: Tensor, *rest):  # type: ignore[no-untyped-def]
        rows.append(len(ids))
        return original(ids, *rest)

    encoder.hidden_states = watched  # type: ignore[method-assign]
    objective = TransliterationContrast(layer="last", input=CLEAN)
    encoded = encode(encoder, batch, objective.reads(encoder), micro_batch=10)
    forward = list(rows)
    objective(encoded)["tcm"].backward()
    assert sum(forward) == 2 * len(batch[keys.PAIR_INDEX])
    assert max(forward) == 10
    assert rows[len(forward) :] == forward[::-1]  # each once more, the last first
