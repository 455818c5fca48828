"""What a command says before it imports torch, which takes seconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from transliconet.cli.early import check_before_loading
from transliconet.pairs import PairsFolder

STARTS = """
import json, sys
from transliconet.cli.app import COMMANDS, run
heavy = ("torch", "transformers", "pytorch_lightning", "faiss", "pandas")
commands = [[name, "--help"] for name in COMMANDS]
commands += [
    ["train"],
    ["train", "objective.tcm.temprature=1"],
    ["train", "pairs=nowhere", "trainer.max_epochs=null"],
    ["probe", "encoder.path=x"],
    ["vocab", "encoder.path=x"],
    ["report", "results=nowhere"],
    ["compare", "a", "b"],
]
status = [run(name, overrides) for name, *overrides in commands]
loaded = [name for name in heavy if name in sys.modules]
print(json.dumps([status, loaded]))
"""


def test_help_and_errors_of_the_configuration_import_no_torch(tmp_path: Path) -> None:
    """In one new interpreter, which imports what a shell's would."""
    done = subprocess.run(
        [sys.executable, "-c", STARTS], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    status, loaded = json.loads(done.stdout.splitlines()[-1])
    assert loaded == []
    assert status == [0] * (len(status) - 7) + [1] * 7
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 8  # the train that has no end has no pairs folder either
    assert "TLN-CONFIG-959" in errors[2]
    assert "TLN-DATA-200" in errors[3]
    assert "loading" not in done.stderr


@pytest.mark.parametrize(("rank", "said"), [("0", True), ("1", False)])
def test_what_is_loaded_is_said_once(
    rank: str,
    said: bool,
    cldr_pairs: PairsFolder,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the first process of a run."""
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setenv("LOCAL_RANK", rank)
    check_before_loading("probe", OmegaConf.create({"pairs": str(cldr_pairs.path), "probe": {}}))
    out, err = capsys.readouterr()
    number = cldr_pairs.table.num_rows
    assert out == ""
    assert err == (f"{number} pairs in 5 languages; loading PyTorch …\n" if said else "")
