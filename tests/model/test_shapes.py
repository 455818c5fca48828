"""Each architecture of the table gives what transformers gives, packed or padded, from loading to
export.
"""

import io
import json
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

import transliconet as tn
from tests.settings import raises
from transliconet.batch import (
    ATTENTION_MASK,
    CONTENT_MASK,
    IGNORE,
    INPUT_IDS,
    LABELS,
    MASKED_IDS,
    PAIR_INDEX,
    SEED,
)
from transliconet.model.encoder import Encoder
from transliconet.model.rows import merge_state, split_state, train_new_rows
from transliconet.model.shapes import (
    AFTER_PADDING,
    LAYER_CLASS,
    SHAPES,
    final_norm,
    known_shape,
)
from transliconet.model.tiny import TYPES, train_tokenizer
from transliconet.model.trainable import checkpoint_layers, choose_trainable, compile_layers
from transliconet.model.vocabulary import add_rows, keep_rows
from transliconet.objectives.anchored import AnchoredContrast
from transliconet.objectives.base import combine
from transliconet.objectives.encode import MASKED, encode
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.objectives.tlm import TransliterationLanguageModel
from transliconet.runs.hf_folder import export_encoder
from transliconet.train.optim import LR_FACTOR, parameter_groups
from transliconet.vocab.base import VocabularyInputs
from transliconet.vocab.graft import Graft

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
    # beside those of the table: masked LMs that the self-check lets in
    "albert": {"embedding_size": 8},
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
PACKED = [name for shape in SHAPES if shape.packed for name in shape.model_types]
PAGE = Path(__file__).parents[2] / "docs" / "architectures.md"
RELATIVE = [name for shape in SHAPES if shape.relative for name in shape.model_types]
NORMALIZED_AT_THE_END = ["eurobert", "modernbert"]
CHECKPOINTED = [name for name in TYPES if name != "mpnet"]
WITHOUT_A_ROW = ["albert", "roformer", "xlm-roberta-xl"]
each_type = pytest.mark.parametrize("model_type", TYPES)


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


def close(ours: Tensor, expected: Tensor) -> None:
    assert expected.abs().max() > 0.1  # or the comparison would say nothing
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-5)


def states_of(encoder: Encoder, rows: Rows) -> dict[int, Tensor]:
    with torch.no_grad():
        return encoder.hidden_states(rows.ids, rows.attention, range(LAYERS + 1))


@pytest.mark.parametrize("model_type", [*TYPES, *WITHOUT_A_ROW])
def test_states_and_logits_are_those_of_transformers(model_type: str) -> None:
    rows = Rows()
    expected = theirs(make_model(model_type), rows)
    encoder = make_encoder(model_type)
    ours = states_of(encoder, rows)
    assert len(expected.hidden_states) == LAYERS + 1
    for layer, states in enumerate(expected.hidden_states):
        close(ours[layer][rows.attention], states[rows.attention])
    with torch.no_grad():
        logits = encoder.vocabulary_logits(ours[LAYERS])
    close(logits[rows.attention], expected.logits[rows.attention])
    assert (known_shape(encoder.masked_lm.config) is None) == (model_type in WITHOUT_A_ROW)
    # without the mask all layers but the embeddings are others, so that the comparison says something
    rows.attention = torch.ones_like(rows.attention)
    for layer, states in enumerate(theirs(make_model(model_type), rows).hidden_states[1:], 1):
        assert (ours[layer][1, :3] - states[1, :3]).abs().max() > 1e-3


def test_the_local_window_is_kept() -> None:
    rows = Rows()
    narrow, wide = make_encoder("modernbert"), make_encoder("modernbert", local_attention=4 * LONG)
    kinds = [layer.attention_type for layer in narrow.blocks]
    assert kinds == ["full_attention", "sliding_attention", "sliding_attention"]
    ours, others = states_of(narrow, rows), states_of(wide, rows)
    torch.testing.assert_close(ours[1], others[1])
    assert (ours[2][0] - others[2][0]).abs().max() > 1e-3
    torch.testing.assert_close(ours[3][1], others[3][1])  # a row shorter than the window


@pytest.mark.parametrize("model_type", PACKED)
def test_packed_rows_have_the_states_and_gradients_of_padded_ones(model_type: str) -> None:
    rows = Rows()
    direction = torch.randn(*rows.ids.shape, HIDDEN, generator=torch.Generator().manual_seed(2))
    found = []
    for packed in (True, False):
        encoder = make_encoder(model_type)
        encoder.shape = replace(encoder.shape, packed=packed)
        states = encoder.hidden_states(rows.ids, rows.attention, {1, LAYERS})
        close(states[LAYERS][rows.attention], states_of(encoder, rows)[LAYERS][rows.attention])
        loss = sum((states[layer] * direction)[rows.attention].sum() for layer in states)
        loss.backward()
        found.append({n: p.grad for n, p in encoder.named_parameters() if p.grad is not None})
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name], atol=1e-4, rtol=1e-4)
    assert max(float(gradient.abs().max()) for gradient in found[0].values()) > 0.1


@pytest.mark.parametrize("model_type", [name for name in TYPES if name not in RELATIVE])
def test_positions_start_anew_in_each_text_of_a_row(model_type: str) -> None:
    rows = Rows((12, 12))
    positions = torch.arange(12) % 6
    if known_shape(make_model(model_type).config).positions == AFTER_PADDING:
        positions += COMMON["pad_token_id"] + 1
    model = make_model(model_type)
    with torch.no_grad():
        expected = model.base_model(rows.ids, position_ids=positions.expand(2, -1))
        encoder = make_encoder(model_type)
        ours = encoder.hidden_states(rows.ids, rows.attention, {LAYERS}, texts_per_row=2)
    close(ours[LAYERS], expected.last_hidden_state)
    assert (ours[LAYERS] - states_of(encoder, rows)[LAYERS]).abs().max() > 1e-3


@pytest.mark.parametrize("model_type", RELATIVE)
def test_two_views_in_a_row_need_positions_that_restart(model_type: str) -> None:
    with raises("TLN-CONFIG-506"):
        TransliterationLanguageModel().reads(make_encoder(model_type))


@cache
def batch() -> dict[str, Tensor]:
    """Five pairs: native rows, then romanized ones; every third token is masked."""
    rows = Rows((9, 4, 7, 12, 3, 8, 5, 6, 11, 4))
    content = rows.attention.clone()
    content[:, 0] = False
    masked = content & (torch.arange(rows.ids.shape[1]) % 3 == 1)
    return {
        INPUT_IDS: rows.ids,
        ATTENTION_MASK: rows.attention,
        CONTENT_MASK: content,
        MASKED_IDS: rows.ids.masked_fill(masked, 4),
        LABELS: rows.ids.masked_fill(~masked, IGNORE),
        PAIR_INDEX: torch.arange(5),
        SEED: torch.tensor(0),
    }


@each_type
def test_loss_is_that_of_transformers_and_of_a_batch_in_parts(model_type: str) -> None:
    encoder = make_encoder(model_type)
    objectives = {
        "mlm": MaskedLanguageModel(),
        "tcm": TransliterationContrast(layer=1, input=MASKED, temperature=0.1),
    }
    reads = objectives["mlm"].reads(encoder) | objectives["tcm"].reads(encoder)
    found = []
    for micro_batch in (None, 3):
        encoder.zero_grad()
        encoded = encode(encoder, batch(), reads, 1.0, micro_batch)
        loss, terms = combine(objectives, encoded)
        loss.backward()
        gradients = {n: p.grad for n, p in encoder.named_parameters() if p.grad is not None}
        found.append((loss, terms, {name: g.clone() for name, g in gradients.items()}))
    (direct, terms, gradients), (in_parts, _, from_parts) = found
    torch.testing.assert_close(in_parts, direct, atol=1e-5, rtol=1e-5)
    assert max(float(g.abs().max()) for g in gradients.values()) > 1e-2
    for name, expected in gradients.items():
        torch.testing.assert_close(from_parts[name], expected, atol=1e-5, rtol=1e-4)
    for name, half in {"mlm_native": slice(0, 5), "mlm_romanized": slice(5, 10)}.items():
        with torch.no_grad():
            their_loss = encoder.masked_lm(
                input_ids=batch()[MASKED_IDS][half],
                attention_mask=batch()[ATTENTION_MASK][half].long(),
                labels=batch()[LABELS][half],
            ).loss
        torch.testing.assert_close(terms[name].detach(), their_loss, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("model_type", CHECKPOINTED)
def test_activation_checkpointing_changes_nothing(model_type: str) -> None:
    found = []
    for checkpointed in (False, True):
        encoder = make_encoder(model_type).train()
        if checkpointed:
            checkpoint_layers(encoder)
        torch.manual_seed(3)  # dropout is on
        states = encoder.hidden_states(Rows().ids, Rows().attention, {LAYERS})[LAYERS]
        states.sin().sum().backward()
        found.append({n: p.grad for n, p in encoder.named_parameters() if p.grad is not None})
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name], atol=1e-5, rtol=1e-5)


def test_activation_checkpointing_that_does_not_exist_is_an_error() -> None:
    with raises("TLN-CKPT-413"):
        checkpoint_layers(make_encoder("mpnet"))


@each_type
def test_an_export_is_read_by_transformers_and_by_us(model_type: str, tmp_path: Path) -> None:
    rows, encoder = Rows(), make_encoder(model_type)
    expected = states_of(encoder, rows)[LAYERS]
    out = export_encoder(encoder, tmp_path / "export", "card")
    loaded = transformers.AutoModelForMaskedLM.from_pretrained(out).eval()
    close(theirs(loaded, rows).hidden_states[-1][rows.attention], expected[rows.attention])
    again = Encoder.from_pretrained(str(out))
    assert torch.equal(states_of(again, rows)[LAYERS], expected)
    assert again.has_head
    # an inner layer can be had from a shorter model unless a norm follows the last one
    settings = (out / "sentence_bert_config.json").read_text()
    assert "num_hidden_layers" not in settings
    export_encoder(encoder, tmp_path / "inner", "card", layer=1)
    settings = (tmp_path / "inner" / "sentence_bert_config.json").read_text()
    assert ("num_hidden_layers" in settings) == (model_type not in NORMALIZED_AT_THE_END)


@each_type
def test_rows_are_added_and_removed_with_what_the_head_has_for_them(model_type: str) -> None:
    rows, encoder = Rows(), make_encoder(model_type)
    model, size = encoder.masked_lm, COMMON["vocab_size"]
    before = theirs(model, rows)
    add_rows(model, first=size, sources=[[7], [8, 9]])
    extended = theirs(model, rows)
    close(extended.hidden_states[-1], before.hidden_states[-1])
    close(extended.logits[..., :size], before.logits)
    # the logits of a new token are those of its source, or the mean of those of its sources
    close(extended.logits[..., size], before.logits[..., 7])
    close(extended.logits[..., size + 1], before.logits[..., 8:10].mean(-1))
    torch.testing.assert_close(encoder.decoder[0][size], encoder.decoder[0][7])
    order = [*range(30), *range(40, size + 2)]
    keep_rows(model, order)
    rows.ids[rows.attention] = rows.ids[rows.attention] % 25 + 5
    kept = theirs(model, rows)
    add_rows(encoder.masked_lm, first=len(order), sources=[])
    assert kept.logits.shape[-1] == len(order) == model.config.vocab_size == len(encoder.decoder[1])
    close(theirs(make_model(model_type), rows).logits[..., :30], kept.logits[..., :30])


@each_type
def test_new_rows_that_are_trained_are_in_checkpoints_of_an_ordinary_model(model_type: str) -> None:
    rows, encoder = Rows(), make_encoder(model_type)
    encoder.masked_lm.config.original_vocabulary = 30
    train_new_rows(encoder, body=True)
    with torch.no_grad():
        encoder.masked_lm.get_input_embeddings().new.add_(1)
    state = dict(encoder.state_dict())
    names = set(state)
    merge_state(state, "", encoder)
    ordinary = make_model(model_type)
    ordinary.load_state_dict({name.removeprefix("masked_lm."): v for name, v in state.items()})
    close(
        theirs(ordinary, rows).hidden_states[-1][rows.attention],
        states_of(encoder, rows)[LAYERS][rows.attention],
    )
    split_state(state, "", encoder)
    assert set(state) == names


@each_type
def test_training_goes_on_from_a_saved_state(model_type: str) -> None:
    """Three steps, and two, a saved state and the third in a new process's place, are equal."""

    def fresh() -> tuple[Encoder, torch.optim.Optimizer]:
        encoder = make_encoder(model_type)
        encoder.masked_lm.config.original_vocabulary = 30
        train_new_rows(encoder, body=True)
        return encoder, torch.optim.AdamW(parameter_groups(encoder, 0.1), lr=1e-2)

    def step(encoder: Encoder, optimizer: torch.optim.Optimizer) -> None:
        states = encoder.hidden_states(rows.ids, rows.attention, {LAYERS})[LAYERS]
        states[rows.attention].pow(2).mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    rows = Rows()
    first, optimizer = fresh()
    for _ in range(2):
        step(first, optimizer)
    saved = io.BytesIO()
    torch.save([first.masked_lm.state_dict(), optimizer.state_dict()], saved)
    step(first, optimizer)
    saved.seek(0)
    weights, moments = torch.load(saved, weights_only=True)
    second, optimizer = fresh()
    second.masked_lm.load_state_dict(weights)
    optimizer.load_state_dict(moments)
    step(second, optimizer)
    expected = first.masked_lm.state_dict()
    for name, value in second.masked_lm.state_dict().items():
        assert torch.equal(value, expected[name]), name


@each_type
def test_lowest_layers_are_frozen_and_learn_less(model_type: str) -> None:
    encoder = make_encoder(model_type)
    assert len(encoder.blocks) == LAYERS
    if model_type in CHECKPOINTED:
        assert all(isinstance(layer, LAYER_CLASS) for layer in encoder.blocks)
    factors = {}
    for group in parameter_groups(encoder, 0.1, layer_decay=0.5):
        factors.update((id(parameter), group[LR_FACTOR]) for parameter in group["params"])
    for number, layer in enumerate(encoder.blocks, start=1):
        assert {factors[id(parameter)] for parameter in layer.parameters()} == {
            0.5 ** (LAYERS - number)
        }
    matrix = encoder.masked_lm.get_input_embeddings().weight
    assert factors[id(matrix)] == 0.5**LAYERS
    choose_trainable(encoder, "all", frozen_layers=2)
    trained = {id(p) for p in encoder.parameters() if p.requires_grad}
    lower = [p for layer in encoder.blocks[:2] for p in layer.parameters()]
    assert trained.isdisjoint(map(id, lower))
    assert trained.issuperset(map(id, [matrix, *encoder.blocks[2].parameters()]))


@pytest.mark.parametrize("model_type", ["xlm-roberta", "bert", "modernbert", "deberta-v2"])
def test_a_sentence_encoder_without_a_head_takes_objectives_that_need_none(
    model_type: str, tmp_path: Path
) -> None:
    model, rows = make_model(model_type), Rows()
    model.base_model.save_pretrained(tmp_path / "body")
    tokenizer().save_pretrained(tmp_path / "body")
    encoder = Encoder.from_pretrained(str(tmp_path / "body"))
    close(
        states_of(encoder, rows)[LAYERS][rows.attention],
        theirs(model, rows).hidden_states[-1][rows.attention],
    )
    assert AnchoredContrast().reads(encoder)
    for objective in (MaskedLanguageModel(), TransliterationLanguageModel()):
        with raises("TLN-CONFIG-505"):
            objective.reads(encoder)
    # nor does its export have one
    again = Encoder.from_pretrained(str(export_encoder(encoder, tmp_path / "export", "card")))
    assert not again.has_head


def test_x_mod_needs_a_language(tmp_path: Path) -> None:
    model = make_model("xmod", default_language=None)
    model.save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    rows = Rows()
    with raises("TLN-CONFIG-404", naming="language"):
        Encoder.from_pretrained(str(tmp_path))
    found = [Encoder.from_pretrained(str(tmp_path), language=tag) for tag in ("en_XX", "hi_IN")]
    english, hindi = (states_of(encoder, rows)[LAYERS][rows.attention] for encoder in found)
    assert (english - hindi).abs().max() > 1e-3
    close(hindi, states_of(make_encoder("xmod"), rows)[LAYERS][rows.attention])


def test_the_language_of_x_mod_stays_where_a_vocabulary_is_grafted(tmp_path: Path) -> None:
    make_model("xmod", default_language=None).save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    encoder = tn.load(tmp_path, language="en_XX")
    grafted = Graft(str(tmp_path))(encoder, VocabularyInputs()).encoder
    assert grafted.masked_lm.config.default_language == "en_XX"
    assert torch.equal(states_of(grafted, Rows())[LAYERS], states_of(encoder, Rows())[LAYERS])


@pytest.mark.parametrize("named", [True, False])
def test_the_published_head_of_deberta_is_used(named: bool, tmp_path: Path) -> None:
    """mDeBERTa's ``config.json`` does not say that its head is of the other form."""
    model, rows = make_model("deberta-v2", legacy=False), Rows()
    model.save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    if not named:
        content = json.loads((tmp_path / "config.json").read_text())
        del content["legacy"]
        (tmp_path / "config.json").write_text(json.dumps(content))
    encoder = Encoder.from_pretrained(str(tmp_path))
    assert encoder.has_head
    states = states_of(encoder, rows)[LAYERS][rows.attention]
    logits = encoder.vocabulary_logits(states).detach()
    close(logits, theirs(model, rows).logits[rows.attention])
    again = Encoder.from_pretrained(str(export_encoder(encoder, tmp_path / "export", "card")))
    assert again.has_head
    close(again.vocabulary_logits(states).detach(), logits)


@pytest.mark.parametrize("model_type", NORMALIZED_AT_THE_END)
def test_last_is_after_the_norm_and_so_is_the_export(model_type: str, tmp_path: Path) -> None:
    """Hidden layer ``last`` is what sentence-transformers reads; the one before is not normalized."""
    rows, encoder = Rows(), make_encoder(model_type)
    norm = final_norm(encoder.masked_lm, encoder.shape)
    assert norm is not None
    seen: list[Tensor] = []
    handle = norm.register_forward_hook(lambda module, inputs, output: seen.append(output))
    states = states_of(encoder, rows)[LAYERS]
    handle.remove()
    torch.testing.assert_close(states[rows.attention], seen[0][0])
    out = export_encoder(encoder, tmp_path / "export", "card")
    plain = transformers.AutoModel.from_pretrained(out).eval()
    close(theirs(plain, rows).last_hidden_state[rows.attention], states[rows.attention])


@pytest.mark.parametrize("model_type", PACKED)
def test_compiled_layers_give_the_same_states(
    model_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced and run, without the minutes that generating code takes."""
    whole = torch.nn.Module.compile

    def traced(self: torch.nn.Module, **options: Any) -> None:
        whole(self, backend="eager", **options)

    torch.compiler.reset()
    rows, encoder = Rows(), make_encoder(model_type)
    with torch.no_grad():
        expected = states_of(encoder, rows)[LAYERS]
        monkeypatch.setattr(torch.nn.Module, "compile", traced)
        compile_layers(encoder)
        close(states_of(encoder, rows)[LAYERS], expected)


def test_an_encoder_that_padding_changes_fails_the_self_check() -> None:
    """FNet mixes all tokens of a row, padding too."""
    with raises("TLN-CKPT-403"):
        make_encoder("fnet")


def test_the_page_lists_what_is_tested() -> None:
    """Each column of docs/architectures.md, against the types that the tests above run with."""
    rows = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and cells[0] != "`model_type`":
            rows[cells[0].strip("`")] = cells[2:]
    assert list(rows) == list(TYPES)
    for model_type, marks in rows.items():
        packed = "yes" if model_type in PACKED else "no"
        shape = known_shape(transformers.AutoConfig.for_model(model_type))
        assert shape is not None
        adapted = "yes" if shape.linear else "no"  # tests/model/test_adapters.py
        assert marks == [packed, "yes", "yes", "yes", adapted], model_type
