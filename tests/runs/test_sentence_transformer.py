"""sentence-transformers reads an export as it was evaluated."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import transliconet as tn
from transliconet.model.encoder import Encoder
from transliconet.runs.hf_folder import export_encoder

TEXTS = ["Москва и Киев", "Moskva i Kiev", "Ελλάδα", "საქართველო და", "a", "שלום " * 40]


@pytest.mark.parametrize("pooling", ["mean", "mean_with_special", "cls", "weighted"])
@pytest.mark.parametrize("layer", ["last", 1])
def test_the_real_package_gives_our_vectors(
    encoder: Encoder, tmp_path: Path, layer: int | str, pooling: str
) -> None:
    package = pytest.importorskip("sentence_transformers")
    folder = export_encoder(encoder, tmp_path / "out", "card", layer=layer, pooling=pooling)
    model = package.SentenceTransformer(str(folder), device="cpu")
    ours = tn.embed(tn.load(folder), TEXTS, layer, pooling, normalize=True)
    theirs = model.encode(TEXTS, batch_size=3)
    np.testing.assert_allclose(theirs, ours, atol=1e-5)
    assert np.abs(ours[0] - ours[5]).max() > 1e-4  # vectors that can be told apart


def test_special_tokens_have_no_weight(encoder: Encoder, tmp_path: Path) -> None:
    folder = export_encoder(encoder, tmp_path / "out", "card")
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    kinds = [module["type"].rpartition(".")[2] for module in modules]
    assert kinds == ["Transformer", "WordWeights", "Pooling", "Normalize"]
    assert all((folder / module["path"]).is_dir() for module in modules)


def test_an_export_is_float32_and_names_a_portable_tokenizer(
    make_encoder: Callable[..., Encoder], tmp_path: Path
) -> None:
    encoder = make_encoder()
    encoder.masked_lm.to(torch.bfloat16)
    folder = export_encoder(encoder, tmp_path / "out", "card")
    assert json.loads((folder / "config.json").read_text())["dtype"] == "float32"
    assert next(encoder.parameters()).dtype == torch.bfloat16  # the one in training is left alone
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    assert settings["tokenizer_class"] == "PreTrainedTokenizerFast"
    loaded = tn.load(folder)
    assert next(loaded.parameters()).dtype == torch.float32
    assert loaded.tokenizer(TEXTS)["input_ids"] == encoder.tokenizer(TEXTS)["input_ids"]
    assert loaded.tokenizer.all_special_ids == encoder.tokenizer.all_special_ids
