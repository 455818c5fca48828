"""MTEB's tasks with our encoder, without a network."""

import json
import shlex
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mteb")

from tests.settings import CliHere, raises
from transliconet.benchmark.encoder import MtebEncoder, language_of
from transliconet.benchmark.run import MtebSettings, run_mteb
from transliconet.downstream.labelled import LabelledSplits
from transliconet.model.embed import embed
from transliconet.model.encoder import Encoder
from transliconet.probe.settings import Embedding
from transliconet.report.frames import rows_of
from transliconet.romanizers.registry import romanizer

OWN_TASK = """
from datasets import Dataset, DatasetDict
from mteb.abstasks import AbsTaskBitextMining
from mteb.abstasks.task_metadata import TaskMetadata

PAIRS = [("Αθήνα", "Αθήνα"), ("Ελλάδα", "Ελλάδα"), ("Κύπρος", "Κύπρος"), ("Ρωσία", "Ρωσία")]

class Towns(AbsTaskBitextMining):
    metadata = TaskMetadata(
        name="Towns", description="x", dataset={"path": "local/towns", "revision": "1"},
        type="BitextMining", category="t2t", eval_splits=["test"],
        eval_langs=["ell-Grek", "eng-Latn"], main_score="f1",
    )

    def load_data(self, *args, **kwargs):
        one, two = zip(*PAIRS)
        rows = Dataset.from_dict({"sentence1": one, "sentence2": two})
        self.dataset = DatasetDict({"test": rows})
        self.data_loaded = True
"""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError("the network is blocked")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_the_command_of_the_guide(cli_here: CliHere, encoder_folder: Path, tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs/use.md").read_text(encoding="utf-8")
    command = next(line for line in guide.splitlines() if line.startswith("transliconet mteb"))
    _, _, *options = shlex.split(command)
    options += [f"encoder.path={encoder_folder}", "mteb.romanizer=greek-typed", "name=kinds"]
    options += [
        "task.languages=[ell_Grek,kat_Geor]",
        "mteb.languages=[ell]",
        "task.kinds=[territories,currencies]",
    ]
    done = cli_here("mteb", *options, "out=found/results.json")
    assert done.status == 0, done.err
    results = json.loads(Path("found/results.json").read_text())
    scores = {entry["view"]: entry for entry in results["mteb"]}
    assert set(scores) == {"native", "romanized"}
    native = scores["native"]
    assert (native["task"], native["subset"], native["split"]) == ("kinds", "ell_Grek", "test")
    assert (native["languages"], native["metric"]) == (["ell-Grek"], "accuracy")
    assert native["score"] > 0.6  # of two kinds
    assert native["score"] != scores["romanized"]["score"]
    assert f"{100 * native['score']:.1f}" in done.out
    assert [row["view"] for row in rows_of("found/results.json")] == ["native", "romanized"]
    (file,) = Path("found/mteb/results").glob("*/native/kinds.json")  # as mteb writes it
    theirs = json.loads(file.read_text())
    assert theirs["scores"]["test"][0]["accuracy"] == pytest.approx(native["score"], abs=1e-5)
    assert len(theirs["scores"]["test"][0]["scores_per_experiment"]) == 10


def test_a_task_of_your_own(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same names on both sides are all found."""
    (tmp_path / "own_towns.py").write_text(OWN_TASK, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    settings = MtebSettings(tasks=["own_towns.Towns"], romanizer="greek-typed")
    found = run_mteb(encoder, settings, tmp_path / "mteb")
    assert [(score.view, score.score) for score in found.scores] == [
        ("native", 1.0),
        ("romanized", 1.0),
    ]


def test_the_romanized_view_leaves_documents_and_latin_text(encoder: Encoder) -> None:
    texts = ["Αθήνα", "Athens", "Μόσχα"]
    greek = romanizer("greek-typed")
    romanized = [greek("Αθήνα", "ell_Grek"), "Athens", greek("Μόσχα", "ell_Grek")]
    task = SimpleNamespace(
        type="Retrieval", hf_subsets_to_langscripts={"default": ["eng-Latn", "ell-Grek"]}
    )

    def vectors(view: str, kind: str | None = None, prompt: str | None = None) -> np.ndarray:
        model = MtebEncoder(encoder, view, greek, Embedding(), document_prompt=prompt)
        batches = [{"text": texts[:2]}, {"text": texts[2:]}]
        return model.encode(
            batches, task_metadata=task, hf_split="test", hf_subset="default", prompt_type=kind
        )

    np.testing.assert_allclose(vectors("native"), embed(encoder, texts), atol=1e-5)
    for kind in (None, "query"):
        np.testing.assert_allclose(vectors("romanized", kind), embed(encoder, romanized), atol=1e-5)
    np.testing.assert_allclose(vectors("romanized", "document"), embed(encoder, texts), atol=1e-5)
    prompted = embed(encoder, [f"Αθήνα {text}" for text in texts])
    np.testing.assert_allclose(vectors("native", "document", "Αθήνα "), prompted, atol=1e-5)
    assert language_of(["python-Code", "deu-Latn"]) == "deu_Latn"


def test_mistakes(encoder: Encoder, tmp_path: Path) -> None:
    with raises("TLN-CONFIG-682", "tasks"):
        run_mteb(encoder, MtebSettings(tasks=["NoSuchTaskAnywhere"]), tmp_path)
    with raises("TLN-CONFIG-682", "tasks"):
        run_mteb(encoder, MtebSettings(tasks=["no_module.Task"]), tmp_path)
    with raises("TLN-CONFIG-680", "views"):
        MtebSettings(views=[])
    with raises("TLN-CONFIG-001", "views"):
        MtebSettings(views=["human"])
    nothing = LabelledSplits({"train": [], "dev": [], "test": []})
    with raises("TLN-DATA-680"):
        run_mteb(encoder, MtebSettings(), tmp_path, ("empty", nothing))
    with raises("TLN-DATA-681"):  # of the hub, which cannot be reached
        run_mteb(encoder, MtebSettings(tasks=["STS12"]), tmp_path)
