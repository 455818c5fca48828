"""Adapters per language or script: each token goes through its own, which its rows alone train."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from tests.model.test_shapes import HIDDEN, LAYERS, Rows, batch, make_encoder
from tests.settings import raises
from transliconet.batch import ATTENTION_MASK
from transliconet.model.adapter_choice import MEAN, adapted_layers, adapter_names
from transliconet.model.adapters import train_adapters, without_adapters
from transliconet.model.embed import embed
from transliconet.model.encoder import Encoder
from transliconet.model.lora import LoraSettings
from transliconet.model.merge_adapters import merge_adapters
from transliconet.model.trainable import checkpoint_layers, choose_trainable, compile_layers
from transliconet.objectives.adapter_choice import ADAPTER
from transliconet.objectives.base import combine
from transliconet.objectives.encode import encode
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.objectives.tlm import TransliterationLanguageModel

pytest.importorskip("peft")
TAGS, NAMES = ["hin_Deva", "mar_Deva", "rus_Cyrl"], ["hin", "mar", "rus"]
PER_LANGUAGE = LoraSettings(rank=2, alpha=4, per="language")
ROWS = Rows()  # three


def routed(model_type: str = "xlm-roberta", settings: LoraSettings = PER_LANGUAGE) -> Encoder:
    """An encoder whose adapters all differ from each other."""
    encoder = make_encoder(model_type)
    train_adapters(encoder, settings, names=adapter_names(TAGS, settings.per or ""))
    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in encoder.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return encoder


def states(encoder: Encoder, adapters: Sequence[int], rows: Sequence[int] = (0, 1, 2)) -> Tensor:
    """(N, L, H) last states of rows, each through an adapter."""
    ids, attention = ROWS.ids[list(rows)], ROWS.attention[list(rows)]
    chosen = torch.tensor(adapters).unsqueeze(1).expand_as(ids)
    return encoder.hidden_states(ids, attention, {LAYERS}, adapters=chosen)[LAYERS]


def close(ours: Tensor, expected: Tensor) -> None:
    assert expected.abs().max() > 1e-3  # or the comparison would say nothing
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-4)


def gradients(encoder: Encoder) -> dict[str, Tensor]:
    return {n: p.grad.clone() for n, p in encoder.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("model_type", ["xlm-roberta", "modernbert", "distilbert"])
def test_a_batch_of_two_languages_is_the_two_batches_of_one(model_type: str) -> None:
    encoder = routed(model_type)
    direction = torch.randn(3, ROWS.ids.shape[1], HIDDEN)
    together = states(encoder, [2, 0, 0])
    (together * direction).sum().backward()
    of_batch = gradients(encoder)
    encoder.zero_grad()
    for row, adapter in enumerate([2, 0, 0]):
        alone = states(encoder, [adapter], [row])
        close(alone, together[row : row + 1])
        (alone * direction[row]).sum().backward()
    assert of_batch.keys() == gradients(encoder).keys()
    for name, gradient in gradients(encoder).items():
        torch.testing.assert_close(of_batch[name], gradient, atol=1e-4, rtol=1e-4)
    # the adapters of the rows' languages alone have gradients, in all layers that are adapted
    trained = {name.rsplit(".", 2)[1] for name in of_batch}
    assert trained == {"hin", "rus"}
    assert len(of_batch) == 4 * len(adapted_layers(encoder.masked_lm))
    assert (states(encoder, [1], [2]) - together[2:]).abs().max() > 1e-2


def test_equal_adapters_are_one_shared_adapter() -> None:
    encoder, shared = routed(), make_encoder("xlm-roberta")
    train_adapters(shared, LoraSettings(rank=2, alpha=4))
    of_shared = dict(shared.named_parameters())
    with torch.no_grad():
        for name, weight in encoder.named_parameters():
            for language in ("mar", "rus"):
                if f".{language}." in name:
                    weight.copy_(encoder.get_parameter(name.replace(f".{language}.", ".hin.")))
            if ".hin." in name:
                of_shared[name.replace(".hin.", ".default.")].copy_(weight)
    expected = shared.hidden_states(ROWS.ids, ROWS.attention, {LAYERS})[LAYERS]
    close(states(encoder, [0, 1, 2]), expected)
    expected.square().sum().backward()
    states(encoder, [0, 1, 2]).square().sum().backward()
    found = gradients(encoder)
    for name, gradient in gradients(shared).items():
        parts = [found[name.replace(".default.", f".{k}.")] for k in ("hin", "mar", "rus")]
        torch.testing.assert_close(sum(parts), gradient, atol=1e-4, rtol=1e-4)


def test_all_start_with_the_weights_of_one_shared_adapter() -> None:
    encoder, shared = make_encoder("bert"), make_encoder("bert")
    torch.manual_seed(3)
    train_adapters(shared, LoraSettings(rank=2))
    train_adapters(encoder, LoraSettings(rank=2, per="language"), names=NAMES)
    trained = {n for n, p in encoder.named_parameters() if p.requires_grad}
    of_shared = {n: p for n, p in shared.named_parameters() if p.requires_grad}
    assert len(trained) == 3 * len(of_shared)
    for name, weight in of_shared.items():
        assert torch.equal(encoder.get_parameter(name.replace(".default.", ".mar.")), weight)
    assert encoder.adapters is not None
    assert encoder.adapters.trained() == []
    with torch.no_grad():  # the mean of nothing is no change
        before = shared.hidden_states(ROWS.ids, ROWS.attention, {LAYERS})[LAYERS]
        close(states(encoder, [MEAN, 1, MEAN]), before)


def sums(encoder: Encoder, weights: dict[str, float]) -> dict[str, Tensor]:
    """Name of a weight that is adapted → its sum with the weighted changes."""
    expected = {}
    for path, layer in adapted_layers(encoder.masked_lm).items():
        total = layer.get_base_layer().weight.detach().clone()
        for name, weight in weights.items():
            total += weight * 4 / 2 * layer.lora_B[name].weight @ layer.lora_A[name].weight
        expected[f"{path}.weight"] = total.detach()
    return expected


@pytest.mark.parametrize(
    ("weights", "of_each"),
    [
        ({"hin": 0.7, "rus": -0.2}, {"hin": 0.7, "rus": -0.2}),
        (None, {"hin": 0.5, "rus": 0.5}),
        ({"mar": 1.0}, {"mar": 1.0}),
    ],
)
def test_merged_by_weights_it_is_the_sum_of_their_changes(
    weights: dict[str, float] | None, of_each: dict[str, float]
) -> None:
    encoder = routed("bert")
    if weights is None:  # the mean of those that were trained
        with torch.no_grad():
            for layer in adapted_layers(encoder.masked_lm).values():
                layer.lora_B["mar"].weight.zero_()
        assert encoder.adapters is not None
        assert encoder.adapters.trained() == ["hin", "rus"]
    expected = sums(encoder, of_each)
    with torch.no_grad():
        of_one = states(encoder, [MEAN if weights is None else 1] * 3)
    merge_adapters(encoder, weights)
    assert encoder.lora is None
    assert encoder.adapters is None
    state = encoder.masked_lm.state_dict()
    assert not any("lora" in name for name in state)
    for name, weight in expected.items():
        torch.testing.assert_close(state[name], weight, atol=1e-6, rtol=1e-6)
    if weights is None or len(weights) == 1:  # what text without an adapter, or of mar, had
        found = encoder.hidden_states(ROWS.ids, ROWS.attention, {LAYERS})[LAYERS]
        close(found.detach(), of_one)


def test_gradients_are_those_of_a_batch_in_parts() -> None:
    found = []
    for micro_batch in (None, 3):
        encoder = routed(settings=LoraSettings(rank=2, per="script"))  # Cyrl, Deva, Latn
        objectives = {
            "mlm": MaskedLanguageModel(),
            "tcm": TransliterationContrast(layer=1),
            "tlm": TransliterationLanguageModel(),  # rows of both views, of two scripts
        }
        reads = set().union(*(objective.reads(encoder) for objective in objectives.values()))
        fields = batch()
        of_rows = torch.tensor([0, 1, 1, 0, 1, 2, 2, 2, 2, 2])
        fields[ADAPTER] = of_rows.unsqueeze(1).expand_as(fields[ATTENTION_MASK])
        combine(objectives, encode(encoder, fields, reads, 1.0, micro_batch))[0].backward()
        found.append(gradients(encoder))
    assert found[0].keys() == found[1].keys()
    assert {name.rsplit(".", 2)[1] for name in found[0]} == {"Cyrl", "Deva", "Latn"}
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient, atol=1e-5, rtol=1e-4)


def test_text_is_embedded_by_its_tag(caplog: pytest.LogCaptureFixture) -> None:
    encoder, texts = routed(), ["Москва", "Киев"]
    per_script = routed(settings=LoraSettings(rank=2, per="script"))
    by_tag = {tag: embed(encoder, texts, language=tag) for tag in ("hin_Deva", "hin_Latn", "ru")}
    assert (by_tag["hin_Deva"] == by_tag["hin_Latn"]).all()
    assert abs(by_tag["hin_Deva"] - by_tag["ru"]).max() > 1e-2
    latin, native = (embed(per_script, texts, language=f"hin_{s}") for s in ("Latn", "Deva"))
    assert abs(latin - native).max() > 1e-2
    assert not caplog.records
    unknown = embed(encoder, texts, language="eng_Latn")
    assert caplog.messages == ["no adapter for eng: its text goes through the mean of all"]
    with without_adapters(encoder):
        before = embed(encoder, texts)
        assert abs(before - unknown).max() > 1e-2
        assert abs(before - embed(make_encoder("xlm-roberta"), texts)).max() < 1e-6
    with raises("TLN-CONFIG-413", naming="language=None"):
        embed(encoder, texts)
    with raises("TLN-CONFIG-413"):
        encoder.hidden_states(ROWS.ids, ROWS.attention, {LAYERS})
    with raises("TLN-DATA-230", naming="language=hindi_Deva"):
        embed(encoder, texts, language="hindi_Deva")


def test_what_adapters_per_language_cannot_do() -> None:
    assert adapter_names(["hin_Deva", "rus_Cyrl"], "language") == ["hin", "rus"]
    with raises("TLN-CONFIG-412", naming="dora=True"):
        LoraSettings(dora=True, per="script")
    with raises("TLN-CONFIG-001", naming="per"):
        LoraSettings(per="family")
    with raises("TLN-CKPT-414"):
        train_adapters(make_encoder("mpnet"), PER_LANGUAGE, names=NAMES)
    encoder = routed()
    with raises("TLN-CONFIG-417"):
        choose_trainable(encoder, "all")
    for refused in (checkpoint_layers, compile_layers):
        with raises("TLN-CONFIG-418"):
            refused(encoder)
    with raises("TLN-CONFIG-416", naming="merge"):
        merge_adapters(encoder, {"hin": 0.5, "npi": 0.5})
    for wrong in ({}, {"hin": "a"}, {"hin": float("nan")}):
        with raises("TLN-CONFIG-419", naming="merge"):
            merge_adapters(encoder, wrong)  # type: ignore[arg-type]
    shared = make_encoder("bert")
    train_adapters(shared, LoraSettings(rank=2))
    for plain in (shared, make_encoder("bert")):
        with raises("TLN-CONFIG-415"):
            merge_adapters(plain, {"hin": 1.0})
