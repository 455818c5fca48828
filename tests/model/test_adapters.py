"""Low-rank adapters: nothing at first, the same in packed rows and in parts, and read by peft."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoModel

from tests.model.test_shapes import LAYERS, Rows, batch, make_encoder, states_of, tokenizer
from tests.settings import raises
from transliconet.model.adapters import (
    Adapter,
    linear_names,
    train_adapters,
    without_adapters,
)
from transliconet.model.encoder import Encoder
from transliconet.model.lora import LoraSettings
from transliconet.model.merge_adapters import merge_adapters, merged_state
from transliconet.model.rows import restore_matrix
from transliconet.model.tiny import TYPES
from transliconet.model.trainable import choose_trainable, set_dropout
from transliconet.model.vocabulary import add_rows
from transliconet.objectives.anchors import weights_digest
from transliconet.objectives.base import combine
from transliconet.objectives.encode import encode
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.train.optim import parameter_groups

peft = pytest.importorskip("peft")
OF_LANGUAGES = {"dense1", "dense2"}  # X-MOD's own adapters, which stay as they are
SETTINGS = {
    "lora": LoraSettings(rank=2, alpha=2),
    "dora, rslora": LoraSettings(rank=2, alpha=2, dora=True, rslora=True),
}


def train_somehow(encoder: Encoder) -> None:
    """Change everything that is trained, as training would."""
    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in encoder.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter), alpha=0.1)


def last_states(encoder: Encoder, rows: Rows) -> Tensor:
    return states_of(encoder, rows)[LAYERS][rows.attention]


@pytest.mark.parametrize("model_type", [*TYPES, "roformer"])
def test_adapters_of_each_architecture_are_merged_and_read_by_peft(
    model_type: str, tmp_path: Path
) -> None:
    encoder, rows = make_encoder(model_type), Rows()
    encoder.masked_lm.save_pretrained(tmp_path / "base")
    tokenizer().save_pretrained(tmp_path / "base")
    add_rows(encoder.masked_lm, 60, [[7], [8, 9]])
    encoder.masked_lm.config.original_vocabulary = 60
    rows.ids[0, 3:5] = torch.tensor([60, 61])
    before, names = last_states(encoder, rows), set(encoder.masked_lm.state_dict())
    digest = weights_digest(encoder.masked_lm)
    settings = SETTINGS["dora, rslora" if model_type in ("bert", "modernbert") else "lora"]
    train_adapters(encoder, settings)
    assert weights_digest(encoder.masked_lm) == digest
    merge_adapters(encoder)  # they are nothing yet
    torch.testing.assert_close(last_states(encoder, rows), before, atol=1e-6, rtol=1e-6)
    train_adapters(encoder, settings, new_rows=True)
    torch.testing.assert_close(last_states(encoder, rows), before, atol=1e-6, rtol=1e-6)
    train_somehow(encoder)
    trained = last_states(encoder, rows)
    assert (trained - before).abs().max() > 0.1
    # the folder is read by peft alone
    restore_matrix(encoder)
    adapter = Adapter.from_encoder(encoder, str(tmp_path / "base"))
    (tmp_path / "adapter").mkdir()
    adapter.save(tmp_path / "adapter")
    base = AutoModel.from_pretrained(tmp_path / "base")
    base.resize_token_embeddings(62)
    model = peft.PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    with torch.no_grad():
        theirs = model(input_ids=rows.ids, attention_mask=rows.attention.long())
    theirs = theirs.last_hidden_state[rows.attention]
    torch.testing.assert_close(theirs, trained, atol=1e-5, rtol=1e-5)
    # and merged, it is an ordinary model
    state = merged_state(encoder)
    merge_adapters(encoder)
    torch.testing.assert_close(last_states(encoder, rows), trained, atol=5e-5, rtol=5e-5)
    assert set(encoder.masked_lm.state_dict()) == set(state) == names
    assert all(torch.equal(state[n], v) for n, v in encoder.masked_lm.state_dict().items())


@pytest.mark.parametrize("model_type", TYPES)
def test_the_table_names_all_linear_layers(model_type: str) -> None:
    encoder = make_encoder(model_type)
    names = set(linear_names(encoder)) - OF_LANGUAGES
    assert encoder.shape.linear is not None
    assert names == set(encoder.shape.linear)
    train_adapters(encoder, LoraSettings(rank=2))
    trained = [name for name, p in encoder.masked_lm.named_parameters() if p.requires_grad]
    found = {name.partition(".lora_")[0].rpartition(".")[2] for name in trained}
    assert found == names
    assert not any("head" in name or "pooler" in name for name in trained)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_gradients_are_those_of_a_batch_in_parts_and_of_no_frozen_weight(
    settings: LoraSettings,
) -> None:
    found = []
    for micro_batch in (None, 3):
        encoder = make_encoder("xlm-roberta")
        train_adapters(encoder, settings)
        train_somehow(encoder)
        objectives = {"mlm": MaskedLanguageModel(), "tcm": TransliterationContrast(layer=1)}
        reads = objectives["mlm"].reads(encoder) | objectives["tcm"].reads(encoder)
        combine(objectives, encode(encoder, batch(), reads, 1.0, micro_batch))[0].backward()
        found.append({n: p.grad for n, p in encoder.named_parameters() if p.grad is not None})
    assert found[0].keys() == found[1].keys()
    assert all("lora_" in name for name in found[0])
    assert max(float(gradient.abs().max()) for gradient in found[0].values()) > 1e-3
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient, atol=1e-5, rtol=1e-4)


def test_anchors_are_those_of_the_encoder_without_adapters() -> None:
    encoder, rows = make_encoder("bert"), Rows()
    before = last_states(encoder, rows)
    choose_trainable(encoder, "lora", frozen_layers=1, lora=LoraSettings(rank=2))
    train_somehow(encoder)
    trained = {name for name, p in encoder.named_parameters() if p.requires_grad}
    with without_adapters(encoder):
        assert torch.equal(last_states(encoder, rows), before)
    assert not torch.equal(last_states(encoder, rows), before)
    assert {name for name, p in encoder.named_parameters() if p.requires_grad} == trained
    assert not any(".layer.0." in name for name in trained)
    grouped = {id(p) for group in parameter_groups(encoder, 0.1) for p in group["params"]}
    assert len(grouped) == len(trained)


def test_settings_are_kept_and_wrong_ones_are_errors(encoder: Encoder) -> None:
    fresh = make_encoder("xlm-roberta")
    set_dropout(fresh, 0.0)
    train_adapters(fresh, LoraSettings(rank=3, dropout=0.3, targets=["query", "value"]))
    shapes = {
        n.partition(".lora_A")[0]: p.shape for n, p in fresh.named_parameters() if "lora_A" in n
    }
    assert len(shapes) == 2 * LAYERS
    assert {shape[0] for shape in shapes.values()} == {3}
    attention = fresh.blocks[0].attention
    assert attention.self.query.lora_dropout["default"].p == 0.3
    with raises("TLN-CONFIG-411", naming="targets=Wqkv"):
        train_adapters(make_encoder("bert"), LoraSettings(targets=["Wqkv"]))
    with raises("TLN-CKPT-411"):
        train_adapters(make_encoder("albert"), LoraSettings())
    with raises("TLN-CKPT-408"):
        choose_trainable(make_encoder("bert"), "new_rows_and_lora")
    for wrong in ({"rank": 0}, {"alpha": 0}, {"dropout": 1.0}):
        with raises("TLN-CONFIG-002", naming=next(iter(wrong))):
            LoraSettings(**wrong)  # type: ignore[arg-type]


def test_first_weights_depend_on_the_seed_alone() -> None:
    def first(seed: int, drawn: int) -> Tensor:
        encoder = make_encoder("bert")
        torch.manual_seed(seed)
        torch.rand(drawn)
        state = torch.get_rng_state()
        train_adapters(encoder, LoraSettings(rank=2))
        assert torch.equal(torch.get_rng_state(), state)
        return next(p for n, p in encoder.named_parameters() if "lora_A" in n)

    assert torch.equal(first(0, 1), first(0, 9))
    assert not torch.equal(first(0, 1), first(1, 1))


def test_peft_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "peft", None)
    with raises("TLN-CONFIG-410"):
        train_adapters(make_encoder("bert"), LoraSettings())
