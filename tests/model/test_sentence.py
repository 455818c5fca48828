"""Pooling, length and prompt of a checkpoint of sentence-transformers are those that are used."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import transliconet as tn
from transliconet.errors import CheckpointError
from transliconet.model.encoder import Encoder
from transliconet.model.sentence import OLD_KEYS, POOLING_NAMES, read_sentence_settings
from transliconet.runs.hf_folder import export_encoder
from transliconet.tokens.tokenize import tokenize

TEXTS = ["Москва и Киев", "Moskva i Kiev", "Ελλάδα", "a", "שלום " * 40]


def sentence_checkpoint(folder: Path, encoder: Encoder, pooling: str) -> object:
    """A checkpoint that sentence-transformers writes, and the model as that package has it."""
    pytest.importorskip("sentence_transformers")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    plain = folder / "plain"
    encoder.masked_lm.save_pretrained(plain)
    encoder.tokenizer.save_pretrained(plain)
    width = encoder.masked_lm.config.hidden_size
    modules = [Transformer(str(plain), max_seq_length=24), Pooling(width, pooling), Normalize()]
    prompts = {"query": "ka ", "passage": "la "}
    model = SentenceTransformer(
        modules=modules, prompts=prompts, default_prompt_name="query", device="cpu"
    )
    model.save(str(folder / "model"))
    return model


@pytest.mark.parametrize("pooling", POOLING_NAMES)
def test_an_untouched_checkpoint_gives_the_vectors_of_the_real_package(
    encoder: Encoder, tmp_path: Path, pooling: str
) -> None:
    model = sentence_checkpoint(tmp_path, encoder, pooling)
    loaded = tn.load(tmp_path / "model")
    assert loaded.prompt == "ka "
    theirs = model.encode(TEXTS)  # type: ignore[attr-defined]
    np.testing.assert_allclose(tn.embed(loaded, TEXTS, normalize=True), theirs, atol=1e-5)
    bare = tn.embed(tn.load(tmp_path / "model", prompt=""), TEXTS, normalize=True)
    assert np.abs(bare - theirs).max() > 1e-4  # the prompt matters
    # and the export is read as it was used
    exported = export_encoder(loaded, tmp_path / "out", "card")
    again = tn.load(exported)
    assert again.prompt == "ka "
    np.testing.assert_allclose(tn.embed(again, TEXTS, normalize=True), theirs, atol=1e-5)
    from sentence_transformers import SentenceTransformer

    read = SentenceTransformer(str(exported), device="cpu")
    np.testing.assert_allclose(read.encode(TEXTS), theirs, atol=1e-5)


@pytest.mark.parametrize("key", OLD_KEYS)
def test_the_keys_of_older_checkpoints(encoder: Encoder, tmp_path: Path, key: str) -> None:
    write_old_files(tmp_path, {**dict.fromkeys(OLD_KEYS, False), key: True})
    settings = read_sentence_settings(str(tmp_path), encoder.tokenizer)
    assert settings.pooling == POOLING_NAMES[OLD_KEYS[key]]
    assert settings.max_length == 77


def write_old_files(folder: Path, pooling: object) -> None:
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Dense": "Dense"}
    modules = [{"path": path, "type": f"models.{kind}"} for path, kind in kinds.items()]
    (folder / "1_Pooling").mkdir()
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 77}))


def test_what_is_not_computed_is_named_and_damage_is_an_error(
    encoder: Encoder, tmp_path: Path
) -> None:
    write_old_files(tmp_path, {"pooling_mode": ["cls", "max"], "include_prompt": False})
    settings = read_sentence_settings(str(tmp_path), encoder.tokenizer)
    assert settings.pooling is None
    assert settings.not_computed == ("module Dense", "pooling cls+max", "include_prompt=false")
    (tmp_path / "modules.json").write_text("{}")
    with pytest.raises(CheckpointError) as error:
        read_sentence_settings(str(tmp_path), encoder.tokenizer)
    assert error.value.code == "TLN-CKPT-419"


def test_an_explicit_value_wins_with_a_warning(
    make_encoder: Callable[..., Encoder], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sentence_checkpoint(tmp_path, make_encoder(), "cls")
    loaded = tn.load(tmp_path / "model", prompt="passage")
    assert loaded.prompt == "la "
    assert "itself has prompt='ka '" in caplog.text
    assert loaded.pooling_name("auto") == "cls"
    assert loaded.pooling_name("mean") == "mean"
    assert loaded.length_limit(None) == 24
    assert loaded.length_limit(30) == 30


def test_the_prompt_is_before_every_text(encoder: Encoder) -> None:
    rows, _ = tokenize(encoder.tokenizer, TEXTS, 64, "ka ")
    expected, _ = tokenize(encoder.tokenizer, ["ka " + text for text in TEXTS], 64)
    assert [list(row) for row in rows] == [list(row) for row in expected]
