"""Runs with adapters per language or script: resumed, reloaded, probed by tag and merged."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

import transliconet as tn
from tests.runs.test_adapter_folder import Stop, StopBefore
from tests.settings import raises
from transliconet.model.adapter_choice import adapted_layers
from transliconet.model.encoder import Encoder
from transliconet.model.lora import LoraSettings
from transliconet.objectives.anchored import AnchoredContrast
from transliconet.pairs import PairsFolder
from transliconet.probe.record import RetrievalRecord
from transliconet.runs.hf_folder import encoder_from_checkpoint, export_run, export_run_adapter
from transliconet.runs.result import TrainResult
from transliconet.vocab.apply import extend
from transliconet.vocab.merge import NewSubword
from transliconet.vocab.trim import Trim

peft = pytest.importorskip("peft")
TEXTS = ["Москва", "Ελλάδα και Κύπρος", "Moskva", "ellada kai kypros"]
PROBE = tn.RetrievalProbe(languages=["rus_Cyrl"], candidates=tn.Candidates(min=2), metrics=())


def train(encoder: Encoder, pairs: PairsFolder, out: Path, **options: Any) -> TrainResult:
    settings = {
        "steps": 3,
        "batch_size": 8,
        "languages": ["ell_Grek", "rus_Cyrl"],
        "trainable": "lora",
        "lora": LoraSettings(rank=2, dropout=0.1, per="language"),
        "learning_rate": 0.03,
        "checkpoints": tn.CheckpointSpec(every_n_train_steps=1),
        **options,
    }
    anchored = {"anchor": AnchoredContrast(weight=1.0, replay=1.0)}
    return tn.fit(encoder, pairs, anchored, out, **settings)


@pytest.fixture(scope="module")
def trained(
    encoder_folder: Path, cldr_pairs: PairsFolder, tmp_path_factory: pytest.TempPathFactory
) -> TrainResult:
    out = tmp_path_factory.mktemp("trained") / "run"
    return train(tn.load(encoder_folder), cldr_pairs, out, probe=PROBE)


def ranks(record: RetrievalRecord) -> list[int]:
    assert record.outcomes is not None
    return list(record.outcomes.ranks)


def vectors(encoder: Encoder, **options: str) -> np.ndarray:
    return tn.embed(encoder, TEXTS, pooling="cls", **options)


def vectors_by_peft(base: Path, folder: Path) -> np.ndarray:
    """(N, H) states of the first token, by the code of the folder's card."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = peft.PeftModel.from_pretrained(AutoModel.from_pretrained(base), folder).eval()
    with torch.no_grad():
        out = model(**tokenizer(TEXTS, padding=True, return_tensors="pt"))
    return out.last_hidden_state[:, 0].numpy()


def test_each_adapter_is_a_folder_of_peft_and_all_are_read_together(
    trained: TrainResult, encoder_folder: Path, cldr_pairs: PairsFolder
) -> None:
    assert trained.adapter == trained.out / "adapters"
    index = json.loads((trained.adapter / "adapters.json").read_text())
    assert index == {"per": "language", "adapters": ["ell", "rus"]}
    encoder = tn.load(trained.adapter)
    found = {tag: vectors(encoder, language=tag) for tag in ("rus_Cyrl", "rus_Latn", "el")}
    assert (found["rus_Cyrl"] == found["rus_Latn"]).all()
    assert np.abs(found["rus_Cyrl"] - found["el"]).max() > 1e-2
    theirs = vectors_by_peft(encoder_folder, trained.adapter / "ell")
    np.testing.assert_allclose(found["el"], theirs, atol=1e-5)
    alone = tn.load(trained.adapter / "rus")  # merged
    np.testing.assert_allclose(vectors(alone), found["rus_Cyrl"], atol=1e-5)
    mean = vectors(tn.load(trained.export))
    np.testing.assert_allclose(vectors(encoder, language="eng_Latn"), mean, atol=1e-5)
    # the probe chooses by tag, now and after training; before, there was no change yet
    for probed, stage in ((encoder, "after"), (tn.load(encoder_folder), "before")):
        records = PROBE.run(probed, cldr_pairs)
        assert list(map(ranks, records)) == list(map(ranks, trained.records[stage])), stage
    assert list(map(ranks, trained.records["after"])) != list(map(ranks, trained.records["before"]))
    with raises("TLN-CONFIG-413"):
        vectors(encoder)
    with raises("TLN-CONFIG-875"):
        tn.save(encoder, trained.out / "apart")


def test_a_run_is_resumed_bit_for_bit(
    trained: TrainResult, encoder_folder: Path, cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    out, stopping = tmp_path / "run", {"callbacks": [StopBefore(2)]}
    with pytest.raises(Stop):
        train(tn.load(encoder_folder), cldr_pairs, out, trainer=stopping)
    torch.rand(100)  # nothing may depend on what was drawn before
    resumed = train(tn.load(encoder_folder), cldr_pairs, out, resume="last")
    for name in ("adapters/ell/adapter_model", "adapters/rus/adapter_model", "export/model"):
        files = [run.out / f"{name}.safetensors" for run in (trained, resumed)]
        assert files[0].read_bytes() == files[1].read_bytes(), name


def test_a_checkpoint_is_exported_as_a_weighted_sum_or_apart(
    trained: TrainResult, encoder_folder: Path, tmp_path: Path
) -> None:
    apart = encoder_from_checkpoint(trained.out, keep_adapters=True)
    weights = {"ell": 0.8, "rus": -0.3}
    path, layer = next(iter(adapted_layers(apart.masked_lm).items()))
    change = sum(w * layer.get_delta_weight(name) for name, w in weights.items())
    export = tn.load(export_run(trained.out, tmp_path / "export", merge=weights))
    of_base = tn.load(encoder_folder).masked_lm.get_submodule(path).weight
    merged = export.masked_lm.get_submodule(path).weight
    assert change.abs().max() > 1e-3
    torch.testing.assert_close(merged, of_base + change, atol=1e-6, rtol=1e-6)
    assert "ell: 0.8, rus: -0.3" in (tmp_path / "export" / "README.md").read_text()
    # without weights, the mean; and from the folder of adapters, in Python
    mean = tn.merge_adapters(encoder := tn.load(trained.adapter), {"ell": 0.5, "rus": 0.5})
    assert mean is None
    np.testing.assert_allclose(vectors(encoder), vectors(tn.load(trained.export)), atol=1e-6)
    assert "adapters per language" in (trained.export / "README.md").read_text()
    again = export_run_adapter(trained.out, tmp_path / "adapters")
    name = "rus/adapter_model.safetensors"
    assert (again / name).read_bytes() == (trained.adapter / name).read_bytes()
    with raises("TLN-CONFIG-416", naming="merge"):
        export_run(trained.out, tmp_path / "none", merge={"npi": 1.0})
    assert not (tmp_path / "none").exists()


def test_new_rows_are_read_with_adapters_per_script(
    encoder_folder: Path, cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    new = [NewSubword(text, -1.0, (9, 10)) for text in ("▁Mosk", "▁ell")]
    done = train(
        extend(tn.load(encoder_folder), new),
        cldr_pairs,
        tmp_path / "run",
        steps=1,
        languages=["ell_Grek"],
        trainable="new_rows_and_lora",
        lora=LoraSettings(rank=2, per="script"),
        micro_batch=6,
    )
    assert done.adapter is not None
    encoder = tn.load(done.adapter)
    assert encoder.adapters is not None
    assert encoder.adapters.names == ("Grek", "Latn")
    matrices = [e.masked_lm.get_input_embeddings().weight for e in (encoder, tn.load(done.export))]
    assert torch.equal(*matrices)
    assert len(encoder.tokenizer) == len(matrices[0])
    latin, greek = (vectors(encoder, language=f"ell_{script}") for script in ("Latn", "Grek"))
    assert np.abs(latin - greek).max() > 1e-3


def test_what_does_not_go_together(
    trained: TrainResult, encoder_folder: Path, cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with raises("TLN-CONFIG-860", naming="graft"):
        train(tn.load(encoder_folder), cldr_pairs, out, method=Trim())
    assert trained.adapter is not None
    with raises("TLN-CONFIG-417"):
        train(tn.load(trained.adapter), cldr_pairs, out)
    assert not out.exists()
    damaged = tmp_path / "adapters"
    shutil.copytree(trained.adapter, damaged)
    (damaged / "rus" / "adapter_model.safetensors").write_bytes(b"nothing")
    with raises("TLN-CKPT-424"):
        tn.load(damaged)
    (damaged / "adapters.json").write_text('{"per": "family", "adapters": ["rus"]}')
    with raises("TLN-CKPT-425"):
        tn.load(damaged)
