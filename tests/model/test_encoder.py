"""The encoder gives what transformers gives, whatever the padding, and refuses what it cannot
use.
"""

import doctest
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import T5Config, T5Model

from tests.settings import raises
from transliconet.errors import ConfigError, DataError
from transliconet.model import vectors
from transliconet.model.encoder import Encoder
from transliconet.model.pooling import pool
from transliconet.model.tiny import tiny_encoder
from transliconet.tokens.padding import Vocabulary, content_mask, pad
from transliconet.tokens.tokenize import tokenize

TEXTS = ["Москва", "Ελλάδα και Κύπρος", "ไทย", "Moskva i Kiev i drugie goroda"]


def padded(encoder: Encoder, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    rows, _ = tokenize(encoder.tokenizer, texts, 64)
    return pad(
        [rows[i] for i in range(len(rows))], Vocabulary.from_tokenizer(encoder.tokenizer).pad_id
    )


def test_hidden_states_are_those_of_transformers(encoder: Encoder) -> None:
    ids, attention = padded(encoder, TEXTS)
    with torch.no_grad():
        theirs = encoder.masked_lm(ids, attention_mask=attention.long(), output_hidden_states=True)
        ours = encoder.hidden_states(ids, attention, range(encoder.layers + 1))
        logits = encoder.vocabulary_logits(ours[encoder.layers])
    assert len(theirs.hidden_states) == len(ours) == 3
    for layer, expected in enumerate(theirs.hidden_states):
        torch.testing.assert_close(ours[layer][attention], expected[attention], atol=1e-6, rtol=0)
    torch.testing.assert_close(logits[attention], theirs.logits[attention], atol=1e-6, rtol=0)


@pytest.mark.parametrize("pooling", ["mean", "mean_with_special", "cls"])
def test_padding_changes_nothing(encoder: Encoder, pooling: str) -> None:
    special = Vocabulary.from_tokenizer(encoder.tokenizer).special_ids

    def vectors(texts: list[str]) -> torch.Tensor:
        ids, attention = padded(encoder, texts)
        with torch.no_grad():
            hidden = encoder.hidden_states(ids, attention, [2])[2]
        return pool(hidden, content_mask(ids, attention, special), attention, pooling)

    together = vectors(TEXTS)
    alone = torch.cat([vectors([t]) for t in TEXTS])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
    assert not torch.allclose(
        together[0], together[1], atol=1e-4
    )  # or the comparison would say nothing


def test_pooling_worked_out_by_hand() -> None:
    hidden = torch.tensor([[[1.0], [2.0], [4.0], [9.0]], [[5.0], [7.0], [0.0], [0.0]]])
    attention = torch.tensor([[True, True, True, True], [True, True, False, False]])
    content = torch.tensor([[False, True, True, False], [False] * 4])
    assert pool(hidden, content, attention, "mean").tolist() == [
        [3.0],
        [6.0],
    ]  # no content: all its tokens
    assert pool(hidden, content, attention, "mean_with_special").tolist() == [[4.0], [6.0]]
    assert pool(hidden, content, attention, "cls").tolist() == [[1.0], [5.0]]
    with raises("TLN-CONFIG-001"):
        pool(hidden, content, attention, "meen")


@pytest.mark.parametrize(("layer", "number"), [("last", 2), (0, 0), (2, 2)])
def test_layers(encoder: Encoder, layer: int | str, number: int) -> None:
    assert encoder.layer_number(layer) == number


@pytest.mark.parametrize("layer", [3, -1, "first", True, 1.0])
def test_layers_beyond_the_encoder(encoder: Encoder, layer: object) -> None:
    with pytest.raises(ConfigError) as error:
        encoder.layer_number(layer)  # type: ignore[arg-type]
    assert (error.value.code, error.value.given) == ("TLN-CONFIG-400", f"layer={layer}")


def test_positions_are_all_usable(encoder: Encoder) -> None:
    ids = torch.full((1, encoder.positions), 7)
    with torch.no_grad():
        encoder.hidden_states(ids, torch.ones_like(ids, dtype=torch.bool), [2])
    assert encoder.positions == 64


def test_a_half_precision_checkpoint_is_loaded_in_float32(
    encoder_folder: Path, tmp_path: Path
) -> None:
    half = Encoder.from_pretrained(str(encoder_folder))
    half.masked_lm.half().save_pretrained(tmp_path)
    half.tokenizer.save_pretrained(tmp_path)
    assert {p.dtype for p in Encoder.from_pretrained(str(tmp_path)).parameters()} == {torch.float32}


def test_a_loaded_encoder_is_the_saved_one(encoder: Encoder, encoder_folder: Path) -> None:
    loaded = Encoder.from_pretrained(str(encoder_folder))
    assert loaded.masked_lm.lm_head.decoder.weight is loaded.masked_lm.get_input_embeddings().weight
    for (name, a), (_, b) in zip(
        encoder.named_parameters(), loaded.named_parameters(), strict=True
    ):
        assert torch.equal(a, b), name


def test_a_body_without_its_masked_lm_head_gets_a_new_one(
    encoder_folder: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    folder = copy(encoder_folder, tmp_path / "body")
    weights = load_file(folder / "model.safetensors")
    save_file(
        {k: v for k, v in weights.items() if "lm_head" not in k},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    assert Encoder.from_pretrained(str(folder)).layers == 2


def copy(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target))


def without_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def with_broken_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"not weights")


def without_half_the_weights(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    save_file(
        {k: v for k, v in weights.items() if ".layer.1." not in k},
        folder / "model.safetensors",
        {"format": "pt"},
    )


def without_tokenizer(folder: Path) -> None:
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (folder / file).unlink()


def with_more_subwords_than_rows(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"] += [[f"zzz{i}", -20.0] for i in range(3)]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))


def of_another_architecture(folder: Path) -> None:
    config = T5Config(vocab_size=1200, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5Model(config).save_pretrained(folder)


def of_an_architecture_in_the_checkpoint(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "new", "auto_map": {"AutoModel": "modeling.NewModel"}}
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (without_config, "TLN-CKPT-402"),
        (without_weights, "TLN-CKPT-406"),
        (with_broken_weights, "TLN-CKPT-407"),
        (without_half_the_weights, "TLN-CKPT-404"),
        (without_tokenizer, "TLN-CKPT-405"),
        (with_more_subwords_than_rows, "TLN-CKPT-400"),
        (of_another_architecture, "TLN-CKPT-403"),
        (of_an_architecture_in_the_checkpoint, "TLN-CKPT-409"),
    ],
)
def test_folders_that_cannot_be_used(
    damage: Callable[[Path], None], code: str, encoder_folder: Path, tmp_path: Path
) -> None:
    folder = copy(encoder_folder, tmp_path / "damaged")
    damage(folder)
    with raises(code):
        Encoder.from_pretrained(str(folder))


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("no/such/../folder", "TLN-CKPT-406"),
        ("./nothing", "TLN-CKPT-401"),
        ("", "TLN-CKPT-401"),
        ("someone/unheard-of", "TLN-CKPT-406"),
    ],
)
def test_names_that_lead_nowhere(path: str, code: str) -> None:
    with raises(code, naming="path="):
        Encoder.from_pretrained(path)


def test_tiny_encoder_is_made_of_its_text_and_seed() -> None:
    texts = ["Москва и Киев", "Moskva i Kiev"] * 5
    sizes = {"vocab_size": 60, "hidden_size": 16, "layers": 1, "heads": 2}
    # type: ignore[arg-type]
    first, again, other = (tiny_encoder(texts, seed=s, **sizes) for s in (1, 1, 2))
    rows = [e.masked_lm.get_input_embeddings().weight for e in (first, again, other)]
    assert torch.equal(rows[0], rows[1])
    assert not torch.equal(rows[0], rows[2])
    assert first.tokenizer("Москва")["input_ids"][0] == 0
    assert first.tokenizer("Москва")["input_ids"][-1] == 2
    assert first.tokenizer.unk_token_id not in first.tokenizer("Киев Moskva")["input_ids"]


def test_tiny_encoder_leaves_the_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    tiny_encoder(["да нет"] * 5, vocab_size=30, hidden_size=8, layers=1, heads=2)
    assert torch.equal(torch.rand(1), expected)


def test_tiny_encoder_sizes_must_fit() -> None:
    with raises("TLN-CONFIG-402"):
        tiny_encoder(["да"], hidden_size=10, heads=4)
    with raises("TLN-CONFIG-002", naming="layers"):
        tiny_encoder(["да"], layers=0)


def test_vectors_of_length_1() -> None:
    results = doctest.testmod(vectors, extraglobs={"np": np})
    assert (results.attempted, results.failed) == (1, 0)
    with pytest.raises(DataError) as refused:
        vectors.normalize(np.array([[1.0, np.nan]]))
    assert refused.value.code == "TLN-DATA-401"
