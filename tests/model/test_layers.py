"""An encoder reduced to some of its layers computes these layers, also after saving, in every
architecture.
"""

from pathlib import Path

import pytest
import torch

from tests.model.test_shapes import HIDDEN, Rows, make_encoder
from tests.settings import raises
from transliconet.model.encoder import Encoder
from transliconet.model.layers import even_layers, keep_layers
from transliconet.model.sentence import SentenceSettings
from transliconet.model.shapes import SHAPES
from transliconet.vocab.base import VocabularyInputs
from transliconet.vocab.shrink import Shrink

FOUR = {"num_hidden_layers": 4}


def four_layers(model_type: str) -> Encoder:
    own = {"n_layers": 4} if model_type == "distilbert" else {}
    return make_encoder(model_type, **FOUR, **own)


def test_layers_are_evenly_spaced_and_end_with_the_last() -> None:
    assert even_layers(6, 12) == [2, 4, 6, 8, 10, 12]
    assert even_layers(4, 12) == [3, 6, 9, 12]
    assert even_layers(12, 12) == list(range(1, 13))
    for wrong in (0, 13, 2.0, True):
        with raises("TLN-CONFIG-420", naming="layers="):
            even_layers(wrong, 12)  # type: ignore[arg-type]


@pytest.mark.parametrize("model_type", [shape.model_types[0] for shape in SHAPES])
def test_every_second_layer_is_kept_and_saved(model_type: str, tmp_path: Path) -> None:
    rows = Rows()
    full = four_layers(model_type)
    weights = [dict(layer.named_parameters()) for layer in full.blocks]
    before = sum(parameter.numel() for parameter in full.masked_lm.parameters())
    change = Shrink(2)(full, VocabularyInputs())
    shrunk = change.encoder
    # ModernBERT's first layer has one norm less than all others
    expected = [0, 3] if model_type == "modernbert" else [1, 3]
    assert shrunk.layers == 2
    for layer, number in zip(shrunk.blocks, expected, strict=True):
        assert {id(p) for p in layer.parameters()} == {id(p) for p in weights[number].values()}
    assert change.counts["layers removed"] == 2
    assert change.counts["weights"] + change.counts["weights removed"] == before
    shrunk.masked_lm.save_pretrained(tmp_path)
    again = type(shrunk.masked_lm).from_pretrained(tmp_path)
    loaded = Encoder(again, shrunk.tokenizer, "again").eval()
    with torch.no_grad():
        states = shrunk.hidden_states(rows.ids, rows.attention, {1, 2})
        read = loaded.hidden_states(rows.ids, rows.attention, {1, 2})
    assert states[2].shape == (*rows.ids.shape, HIDDEN)
    for layer in (1, 2):
        assert torch.equal(states[layer], read[layer])
    assert (states[1] - states[2]).abs().max() > 1e-3


def test_local_attention_goes_with_its_layer() -> None:
    kinds = [layer.attention_type for layer in four_layers("modernbert").blocks]
    shrunk = keep_layers(four_layers("modernbert"), [1, 3])
    assert [layer.attention_type for layer in shrunk.blocks] == [kinds[0], kinds[2]]
    assert shrunk.masked_lm.config.layer_types == [kinds[0], kinds[2]]


def test_all_layers_are_the_encoder_itself_and_the_sentence_layer_moves() -> None:
    rows, full = Rows(), four_layers("bert")
    with torch.no_grad():
        expected = full.hidden_states(rows.ids, rows.attention, {4})[4]
        same = keep_layers(full, even_layers(4, 4))
        assert torch.equal(same.hidden_states(rows.ids, rows.attention, {4})[4], expected)
    full.sentence = SentenceSettings(layer=3)
    assert keep_layers(full, [2, 4]).sentence.layer == 1


def test_an_encoder_without_known_layers_is_refused() -> None:
    with raises("TLN-CKPT-411"):
        Shrink(1)(make_encoder("albert"), VocabularyInputs())
    with raises("TLN-CONFIG-002", naming="layers"):
        Shrink(0)
