"""Runs with adapters: resumed bit for bit, exported merged and as a folder that peft reads."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from transformers import AutoModel, AutoTokenizer

import transliconet as tn
from tests.settings import raises
from transliconet.model.lora import LoraSettings
from transliconet.objectives.anchored import AnchoredContrast
from transliconet.pairs import PairsFolder
from transliconet.runs.adapter_folder import require_hub_base
from transliconet.runs.hf_folder import export_run_adapter
from transliconet.runs.result import TrainResult
from transliconet.vocab.apply import extend
from transliconet.vocab.merge import NewSubword
from transliconet.vocab.trim import Trim

peft = pytest.importorskip("peft")
TEXTS = ["Москва", "Ελλάδα και Κύπρος", "Moskva", "ellada kai kypros"]


class Stop(Exception):
    """What stands for a kill."""


class StopBefore(pl.Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
        if trainer.global_step == self.step:
            raise Stop


def train(base: Path, pairs: PairsFolder, out: Path, **options: Any) -> TrainResult:
    settings = {
        "steps": 4,
        "batch_size": 16,
        "lora": LoraSettings(rank=4, dropout=0.1),
        "learning_rate": 0.03,
        "checkpoints": tn.CheckpointSpec(every_n_train_steps=1),
        **options,
    }
    encoder = tn.load(base)
    if settings["trainable"] == "new_rows_and_lora":
        new = [("▁Mosk", (9, 10)), ("▁ell", (11,)), ("▁kai", (12, 13))]
        encoder = extend(encoder, [NewSubword(text, -1.0, sources) for text, sources in new])
    anchored = {"anchor": AnchoredContrast(weight=1.0, cached_negatives=8)}
    return tn.fit(encoder, pairs, anchored, out, **settings)


def vectors_by_peft(base: Path, folder: Path, rows: int | None = None) -> np.ndarray:
    """(N, H) states of the first token, by the code of the folder's card."""
    model = AutoModel.from_pretrained(base)
    if rows is not None:
        model.resize_token_embeddings(rows)
    tokenizer = AutoTokenizer.from_pretrained(base if rows is None else folder)
    model = peft.PeftModel.from_pretrained(model, folder).eval()
    with torch.no_grad():
        out = model(**tokenizer(TEXTS, padding=True, return_tensors="pt"))
    return out.last_hidden_state[:, 0].numpy()


@pytest.mark.parametrize("trainable", ["lora", "new_rows_and_lora"])
def test_a_run_is_resumed_bit_for_bit_and_exported_twice(
    encoder_folder: Path, cldr_pairs: PairsFolder, tmp_path: Path, trainable: str
) -> None:
    own = {"trainable": trainable}
    extended = trainable == "new_rows_and_lora"
    whole = train(encoder_folder, cldr_pairs, tmp_path / "whole", **own)
    stopping = {"callbacks": [StopBefore(2)]}
    with pytest.raises(Stop):
        train(encoder_folder, cldr_pairs, tmp_path / "run", trainer=stopping, **own)
    torch.rand(100)  # nothing may depend on what was drawn before
    resumed = train(encoder_folder, cldr_pairs, tmp_path / "run", resume="last", **own)
    assert whole.adapter is not None
    assert resumed.adapter is not None
    for folder, name in (("adapter", "adapter_model"), ("export", "model")):
        files = [run.out / folder / f"{name}.safetensors" for run in (whole, resumed)]
        assert files[0].read_bytes() == files[1].read_bytes(), name
    # all of them give the same vectors, and others than the base
    vectors = tn.embed(tn.load(whole.export), TEXTS, pooling="cls")
    again = tn.load(whole.adapter)
    np.testing.assert_allclose(tn.embed(again, TEXTS, pooling="cls"), vectors, atol=1e-5)
    assert np.abs(tn.embed(tn.load(encoder_folder), TEXTS, pooling="cls") - vectors).max() > 1e-2
    new_rows = len(again.tokenizer) if extended else None
    theirs = vectors_by_peft(encoder_folder, whole.adapter, new_rows)
    np.testing.assert_allclose(theirs, vectors, atol=1e-5)
    # embedding rows of the base are as they were
    matrices = [
        tn.load(path).masked_lm.get_input_embeddings().weight
        for path in (encoder_folder, whole.export)
    ]
    assert torch.equal(matrices[0], matrices[1][: len(matrices[0])])
    assert (len(matrices[1]) > len(matrices[0])) == extended
    # a folder of its own for a checkpoint, too
    exported = export_run_adapter(whole.out, tmp_path / "adapter")
    name = "adapter_model.safetensors"
    assert (exported / name).read_bytes() == (whole.adapter / name).read_bytes()
    config = json.loads((exported / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(encoder_folder)
    assert config["r"] == 4
    if not extended:
        assert not (exported / "tokenizer.json").exists()
        size = sum(file.stat().st_size for file in exported.iterdir())
        assert size < 100_000


def test_a_trimmed_encoder_is_grafted_with_its_adapters(
    encoder_folder: Path, cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    done = train(
        encoder_folder, cldr_pairs, tmp_path / "run", trainable="lora", method=Trim(), steps=2
    )
    assert done.adapter is not None
    vectors = tn.embed(tn.load(done.export), TEXTS, pooling="cls")
    theirs = vectors_by_peft(encoder_folder, done.adapter)
    np.testing.assert_allclose(theirs, vectors, atol=1e-5)
    for_good = train(
        encoder_folder,
        cldr_pairs,
        tmp_path / "small",
        trainable="lora",
        method=Trim(),
        graft=False,
        steps=1,
    )
    assert for_good.adapter is None
    with raises("TLN-CKPT-856"):
        export_run_adapter(for_good.out, tmp_path / "none")


def test_prompts_and_damage_of_an_adapter_folder(
    encoder_folder: Path, cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    encoder = tn.load(encoder_folder, prompt="ka ")
    contrast = {"tcm": tn.TransliterationContrast()}
    done = tn.fit(
        encoder, cldr_pairs, contrast, tmp_path / "run", steps=1, batch_size=8, trainable="lora"
    )
    assert done.adapter is not None
    assert tn.load(done.adapter).prompt == "ka "
    with raises("TLN-CONFIG-873"):
        require_hub_base(done.adapter)
    config = done.adapter / "adapter_config.json"
    content = json.loads(config.read_text())
    for wrong, code in (
        ({"base_model_name_or_path": None}, "TLN-CKPT-422"),
        ({"peft_type": "LOHA"}, "TLN-CKPT-422"),
        ({"base_model_name_or_path": "/no/such/folder"}, "TLN-CKPT-401"),
        ({"r": 3}, "TLN-CKPT-421"),
    ):
        config.write_text(json.dumps({**content, **wrong}))
        with raises(code):
            tn.load(done.adapter)
