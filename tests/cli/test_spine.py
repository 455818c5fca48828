"""The whole way on 200 lines, as a user goes it: text → pairs → run → export → probe."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from tests.settings import SMALL, RunCli
from transliconet.corpus.sources.base import Line
from transliconet.corpus.sources.cldr import CldrNames
from transliconet.pairs import PairsFolder

SMALL_RUN = (
    *SMALL,
    "objective.tcm.layer=1",
    "trainer.log_every_n_steps=2",
    "optim.optimizer.lr=1e-3",
)
SMALL_PROBE = "probe.candidates.min=8"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 200 lines: 100 territory names in each of two languages."""
    folder = tmp_path_factory.mktemp("spine")
    for tag in ("kat_Geor", "rus_Cyrl"):
        names = [x.text for x in CldrNames(["territories"], [tag]) if isinstance(x, Line)][:100]
        assert len(names) == 100
        (folder / f"{tag}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(work: Path, run_cli: RunCli) -> Path:
    """Prepared and trained with MLM and TCM, checkpointed on the way."""
    done = run_cli(
        "prepare",
        "corpus.paths=[kat_Geor.txt,rus_Cyrl.txt]",
        "rules.heldout=0.15",
        "out=pairs",
        "progress=false",
        cwd=work,
    )
    assert done.status == 0, done.err
    assert "200" in done.out
    done = run_cli(
        "train",
        "pairs=pairs",
        "out=run",
        *SMALL_RUN,
        SMALL_PROBE,
        "trainer=cpu",
        "trainer.max_steps=6",
        "trainer.max_epochs=null",
        "checkpoint.every_n_train_steps=2",
        "checkpoint.save_top_k=-1",
        cwd=work,
    )
    assert done.status == 0, done.err
    assert "native→romanized" in done.out
    assert "trained 6 steps" in done.out
    return work / "run"


def test_pairs(run: Path) -> None:
    pairs = PairsFolder.open(run.parent / "pairs")
    languages = pairs.manifest["languages"]
    assert sum(c["read"] for c in languages.values()) == 200
    assert all(c["kept"] + sum(c["dropped"].values()) == 100 for c in languages.values())
    assert set(pairs.table.filter(pairs.table["heldout"])["lang"].to_pylist()) == {
        "kat_Geor",
        "rus_Cyrl",
    }


def test_run_folder(run: Path) -> None:
    assert (run / "run.json").is_file()
    assert (run / "checkpoints" / "last.ckpt").is_file()
    assert (run / "before_after.png").read_bytes().startswith(b"\x89PNG")
    assert list((run / "tensorboard").glob("events*"))


def test_metrics(run: Path) -> None:
    with (run / "metrics.csv").open() as f:
        rows = list(csv.DictReader(f))
    assert {
        "loss",
        "loss/mlm_native",
        "loss/mlm_romanized",
        "loss/tcm",
        "lr",
        "pairs_per_s",
        "tokens_per_s",
    } <= rows[0].keys()
    assert all(float(row["loss"]) > 0 for row in rows if row["loss"])


def test_results(run: Path) -> None:
    results = json.loads((run / "results.json").read_text())
    assert {"config", "versions", "data", "records", "training"} <= results.keys()
    records = results["records"]
    assert {r["stage"] for r in records} == {"before", "after"}
    contract = {
        "source",
        "target",
        "source_view",
        "target_view",
        "layer",
        "pooling",
        "similarity",
        "n",
    }
    assert all({*contract, "acc@1", "acc@5", "acc@10", "mrr", "ci95"} <= r.keys() for r in records)
    assert {(r["source_view"], r["target_view"]) for r in records} == {
        ("native", "romanized"),
        ("romanized", "native"),
    }


def test_the_export_is_the_last_checkpoint(run: Path, run_cli: RunCli) -> None:
    done = run_cli("export", "run=run", "out=exported", cwd=run.parent)
    assert done.status == 0, done.err
    folders = [run / "export", run.parent / "exported"]
    models = [AutoModelForMaskedLM.from_pretrained(f) for f in folders]
    tokenizer = AutoTokenizer.from_pretrained(folders[1])
    inputs = tokenizer(["Россия", "საქართველო"], padding=True, return_tensors="pt")
    with torch.no_grad():
        first, second = (m(**inputs).logits for m in models)
    torch.testing.assert_close(first, second, atol=1e-6, rtol=0)
    card = (folders[0] / "README.md").read_text()
    assert "kat_Geor" in card
    assert "native→romanized" in card
    assert "Exported from checkpoint `last.ckpt`" in (folders[1] / "README.md").read_text()


def test_the_probe_command_finds_what_the_run_found(run: Path, run_cli: RunCli) -> None:
    call = (
        "probe",
        "pairs=pairs",
        "encoder.path=run/export",
        "probe.candidates.min=8",
        "out=probed.json",
    )
    done = run_cli(*call, cwd=run.parent)
    assert done.status == 0, done.err
    assert "chance Acc@1" in done.out
    probed = json.loads((run.parent / "probed.json").read_text())["records"]
    trained = [
        r
        for r in json.loads((run / "results.json").read_text())["records"]
        if r["stage"] == "after"
    ]
    assert [{**r, "stage": ""} for r in probed] == [{**r, "stage": ""} for r in trained]
    again = run_cli(*call, cwd=run.parent)
    assert (again.status, "overwrite=true" in again.error) == (1, True)


def test_resuming_goes_on_from_the_step(run: Path, run_cli: RunCli) -> None:
    checkpoint = next((run / "checkpoints").glob("*step=4*.ckpt"))
    call = [
        "train",
        "pairs=pairs",
        *SMALL_RUN,
        "trainer=cpu",
        "trainer.max_steps=6",
        "trainer.max_epochs=null",
        "probe=none",
    ]
    done = run_cli(*call, "out=resumed", f"resume='{checkpoint}'", cwd=run.parent)
    assert done.status == 0, done.err
    assert "trained 6 steps" in done.out
    (run.parent / "broken.ckpt").write_bytes(checkpoint.read_bytes()[:3000])
    done = run_cli(*call, "out=broken", "resume=broken.ckpt", cwd=run.parent)
    assert done.status == 1
    assert "broken.ckpt: cannot be loaded" in done.error
    assert "Traceback" not in done.err
    done = run_cli(
        *call, "out=misfit", "encoder.hidden_size=16", f"resume='{checkpoint}'", cwd=run.parent
    )
    assert done.status == 1
    assert "[TLN-CKPT-850]" in done.error


@pytest.mark.slow
@pytest.mark.parametrize(
    "objective", ["translico", "contrast"]
)  # contrast leaves the head without a gradient
def test_two_processes_train_data_parallel(objective: str, run: Path, run_cli: RunCli) -> None:
    done = run_cli(
        "train",
        "pairs=pairs",
        f"out=ddp-{objective}",
        f"objective={objective}",
        *SMALL_RUN,
        SMALL_PROBE,
        "trainer=ddp_2cpu",
        "trainer.max_steps=3",
        "trainer.max_epochs=null",
        cwd=run.parent,
    )
    assert done.status == 0, done.err
    assert done.out.count("trained 3 steps") == 1
    weights = AutoModelForMaskedLM.from_pretrained(
        run.parent / f"ddp-{objective}" / "export"
    ).state_dict()
    assert all(np.isfinite(w.numpy()).all() for w in weights.values())
