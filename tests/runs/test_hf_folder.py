"""An export is a plain Hugging Face folder that gives what the module gave."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from huggingface_hub import constants
from transformers import AutoModelForMaskedLM, AutoTokenizer

from tests.settings import raises
from transliconet.model.encoder import Encoder
from transliconet.report.card import model_card, plain_card, revision_of
from transliconet.runs.hf_folder import (
    encoder_from_checkpoint,
    export_encoder,
    export_run,
)

TEXTS = ["Москва", "Ελλάδα και Κύπρος", "Moskva"]
MANIFEST = {
    "rows": 3,
    "sources": [{"package": "babel", "version": "2.18"}],
    "romanizer": {"name": "uroman", "version": "1.3.1.1"},
    "languages": {"rus_Cyrl": {"kept": 3, "heldout": 1, "identical": 0, "dropped": {}}},
}


def logits(model: torch.nn.Module, tokenizer: Callable) -> torch.Tensor:
    with torch.no_grad():
        return model(**tokenizer(TEXTS, padding=True, return_tensors="pt")).logits


def test_the_export_gives_the_same_logits(encoder: Encoder, tmp_path: Path) -> None:
    export_encoder(encoder, tmp_path / "export", "card")
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "export")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "export")
    torch.testing.assert_close(
        logits(model, tokenizer), logits(encoder.masked_lm, encoder.tokenizer), atol=1e-6, rtol=0
    )
    assert model.lm_head.decoder.weight is model.get_input_embeddings().weight
    assert tokenizer(TEXTS)["input_ids"] == encoder.tokenizer(TEXTS)["input_ids"]


def test_the_export_needs_no_code_of_ours(encoder: Encoder, tmp_path: Path) -> None:
    export_encoder(encoder, tmp_path / "export", "card")
    code = (
        "import sys; sys.modules['transliconet'] = None\n"
        "from transformers import AutoModelForMaskedLM, AutoTokenizer\n"
        f"m = AutoModelForMaskedLM.from_pretrained({str(tmp_path / 'export')!r})\n"
        f"t = AutoTokenizer.from_pretrained({str(tmp_path / 'export')!r})\n"
        "print(m(**t('Москва', return_tensors='pt')).logits.shape[-1] == len(t))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr


def test_a_checkpoint_is_exported_without_the_base_model(
    run_folder: Path, encoder: Encoder, tmp_path: Path
) -> None:
    out = export_run(run_folder, tmp_path / "out")
    model, tokenizer = AutoModelForMaskedLM.from_pretrained(out), AutoTokenizer.from_pretrained(out)
    torch.testing.assert_close(
        logits(model, tokenizer), logits(encoder.masked_lm, encoder.tokenizer), atol=1e-6, rtol=0
    )
    with raises("TLN-CONFIG-224"):
        export_run(run_folder, tmp_path / "out")
    assert export_run(run_folder, tmp_path / "out", overwrite=True)


def test_checkpoints_that_are_not_there(run_folder: Path, tmp_path: Path) -> None:
    with raises("TLN-CKPT-853"):
        encoder_from_checkpoint(tmp_path / "nothing")
    with raises("TLN-CKPT-804"):
        encoder_from_checkpoint(run_folder, "lats.ckpt")


class Malicious:
    """Unpickling it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.write_text, (self.path, "broken in"))


def test_damaged_and_malicious_checkpoints(run_folder: Path, tmp_path: Path) -> None:
    file = run_folder / "checkpoints" / "last.ckpt"
    whole = file.read_bytes()
    for content in (b"", b"nonsense", whole[: len(whole) // 2]):
        file.write_bytes(content)
        with raises("TLN-CKPT-807"):
            encoder_from_checkpoint(run_folder)
    torch.save({"state_dict": {}}, file)
    with raises("TLN-CKPT-806"):
        encoder_from_checkpoint(run_folder)
    torch.save({"state_dict": Malicious(tmp_path / "broken-in")}, file)
    with raises("TLN-CKPT-807"):
        encoder_from_checkpoint(run_folder)
    assert not (tmp_path / "broken-in").exists()


def test_the_card_states_data_settings_and_numbers() -> None:
    card = model_card("base", MANIFEST, {"seed": 3}, "| Acc@1 |", 12.3, 400)
    _, front, body = card.split("---\n", 2)
    assert yaml.safe_load(front)["language"] == ["rus"]
    assert yaml.safe_load(front)["pipeline_tag"] == "sentence-similarity"
    for stated in (
        "| rus_Cyrl | 2 | 1 | 0 |",
        "babel 2.18",
        "uroman",
        "seed: 3",
        "| Acc@1 |",
        "400 optimizer steps",
    ):
        assert stated in body


def test_a_card_has_what_the_hub_shows(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    readme = tmp_path / "base" / "README.md"
    manifest = {**MANIFEST, "sources": [{"path": "/home/me/secret/rus.txt"}]}
    settings = {"data": {"also": ["/home/me/other"]}, "logger": {"wandb": {"entity": "mine"}}}
    for text, licence in {
        "---\nlicense: mit\n---\n# base\n": "mit",
        "---\nlicense: [a, b]\n---\n": None,
        "---\nlicense: {\n---\n": None,
        "no front matter": None,
    }.items():
        readme.write_text(text, encoding="utf-8")
        card = model_card(str(tmp_path / "base"), manifest, settings, "", 12.3, 400)
        front = yaml.safe_load(card.split("---\n", 2)[1])
        assert front.get("license") == licence
        assert ("# license: " in card) == (licence is None)
        assert front["library_name"] == "sentence-transformers"
        assert front["pipeline_tag"] == "sentence-similarity"
        assert "base_model" not in front  # a folder is no model of the Hub
        assert 'SentenceTransformer("' in card
        assert "@software{transliconet" in card
        for private in (str(tmp_path), "/home/me", "entity"):
            assert private not in card


def test_the_licence_of_a_base_of_the_hub_is_that_of_its_downloaded_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def front() -> dict:
        card = plain_card("someone/base")
        content = yaml.safe_load(card.split("---\n", 2)[1])
        assert ("# license: " in card) == ("license" not in content)
        return content

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert front().items() >= {"base_model": "someone/base"}.items()
    assert "license" not in front()
    stored = tmp_path / "models--someone--base"
    (stored / "snapshots" / "1").mkdir(parents=True)
    (stored / "refs").mkdir()
    (stored / "refs" / "main").write_text("1")
    (stored / "snapshots" / "1" / "README.md").write_text("---\nlicense: mit\n---\n")
    assert front()["license"] == "mit"
    assert "license: that of" in plain_card("my models/e5")  # a folder, by a relative path
    assert revision_of("someone/base") is None  # no configuration was downloaded
    (stored / "snapshots" / "1" / "config.json").write_text("{}")
    assert revision_of("someone/base") == "1"
    assert revision_of(str(tmp_path)) is None


def test_the_tokenizer_is_of_a_class_that_transformers_4_knows(
    encoder: Encoder, tmp_path: Path
) -> None:
    """``TokenizersBackend`` came with transformers 5."""
    out = export_encoder(encoder, tmp_path / "export", "card")
    written = json.loads((out / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert written["tokenizer_class"] in ("PreTrainedTokenizerFast", "XLMRobertaTokenizerFast")
    assert isinstance(written.get("extra_special_tokens", {}), dict)  # 4 calls .keys() on it
    assert AutoTokenizer.from_pretrained(out)(TEXTS) == encoder.tokenizer(TEXTS)


def test_the_export_holds_what_the_contract_lists(encoder: Encoder, tmp_path: Path) -> None:
    out = export_encoder(encoder, tmp_path / "export", "card")
    files = {f.name for f in out.iterdir()}
    assert {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "README.md",
    } <= files
    assert json.loads((out / "config.json").read_text())["dtype"] == "float32"
