"""Loggers: offline, into the run folder, with the run's settings; a missing package is one line."""

import importlib.util
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import Mock

import pytest
from pytorch_lightning.loggers.logger import DummyLogger

from tests.settings import SMALL, CliHere, RunCli
from transliconet.pairs import PairsFolder
from transliconet.train import loggers

SMALL_RUN = (
    "experiment=quickstart",
    *SMALL,
    "out=run",
    "trainer.max_steps=2",
    "trainer.log_every_n_steps=1",
    "probe_every_n_steps=2",
)


@pytest.fixture
def train(run_cli: RunCli, cldr_pairs: PairsFolder, tmp_path: Path) -> Callable[..., Path]:
    """Trains for two steps and probes; no proxy or server can be reached."""

    def run(*overrides: str) -> Path:
        nowhere = {
            "HTTP_PROXY": "http://127.0.0.1:9",
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "WANDB_ERROR_REPORTING": "0",
        }
        done = run_cli(
            "train", *SMALL_RUN, f"pairs={cldr_pairs.path}", *overrides, cwd=tmp_path, env=nowhere
        )
        assert done.status == 0, done.err
        return tmp_path / "run"

    return run


def test_tensorboard_and_csv_hold_the_settings(train: Callable[..., Path]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train()
    for file in (run / "hparams.yaml", run / "tensorboard" / "hparams.yaml"):
        assert "batch_size: 16" in file.read_text(encoding="utf-8")
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    assert {"loss", "lr", "probe/native→romanized"} <= set(events.Tags()["scalars"])


@pytest.mark.skipif(importlib.util.find_spec("wandb") is None, reason="wandb is not installed")
def test_wandb_writes_offline_into_the_run_folder(train: Callable[..., Path]) -> None:
    (folder,) = (train("logger=wandb") / "wandb").glob("offline-run-*")
    written = (
        next(folder.glob("*.wandb")).read_bytes().replace(b" ", b"")
    )  # records are protocol buffers, not compressed
    assert all(
        name.encode() in written
        for name in ("loss/tcm", "probe/native→romanized", "trainer/global_step")
    )
    assert b'"batch_size":16' in written


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="mlflow is not installed")
def test_mlflow_writes_a_database_into_the_run_folder(train: Callable[..., Path]) -> None:
    with sqlite3.connect(train("logger=mlflow") / "mlflow.db") as database:
        metrics = dict(database.execute("select key, max(step) from metrics group by key"))
        settings = dict(database.execute("select key, value from params"))
        status = database.execute("select status from runs").fetchall()
    assert metrics.items() >= {"probe/native-romanized": 2, "probe/romanized-native": 2}.items()
    assert {"loss", "lr"} <= metrics.keys()
    assert settings["data/batch_size"] == "16"
    assert status == [("FINISHED",)]


class StubWandb(DummyLogger):
    """In place of Lightning's: a run has the id that it is given, or a new one."""

    given: ClassVar[list[dict[str, Any]]] = []

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.given.append(settings)
        self._experiment = Mock(id=settings.get("id", "new-wandb"))  # type: ignore[assignment]


class StubMLFlow(DummyLogger):
    given: ClassVar[list[dict[str, Any]]] = []

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.given.append(settings)
        self.run_id = settings["run_id"] or "new-mlflow"


def test_a_resumed_run_continues_the_runs_of_its_loggers(
    cli_here: CliHere, cldr_pairs: PairsFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loggers, "find_spec", lambda _: True)
    monkeypatch.setattr(loggers, "WandbLogger", StubWandb)
    for name in ("MLFlowLogger", "RenamingMLFlowLogger"):
        monkeypatch.setattr(loggers, name, StubMLFlow)
    monkeypatch.setattr(StubWandb, "given", [])
    monkeypatch.setattr(StubMLFlow, "given", [])

    def train(steps: int, *overrides: str) -> None:
        short = ("objective=contrast", "trainer=cpu", f"trainer.max_steps={steps}", "probe=none")
        where = (f"pairs={cldr_pairs.path}", "out=run", "data.workers=0")
        done = cli_here("train", *SMALL, *short, *where, "logger=[wandb,mlflow]", *overrides)
        assert done.status == 0, done.err

    train(1)
    train(2, "resume=last")
    train(1, "overwrite=true")
    wandb, mlflow = StubWandb.given, StubMLFlow.given
    assert [settings.get("id") for settings in wandb] == [None, "new-wandb", None]
    assert [settings.get("resume") for settings in wandb] == [None, "allow", None]
    assert [settings["run_id"] for settings in mlflow] == [None, "new-mlflow", None]
    ids = json.loads((tmp_path / "run" / "loggers.json").read_text(encoding="utf-8"))
    assert ids == {"wandb": "new-wandb", "mlflow": "new-mlflow"}


@pytest.mark.parametrize("package", ["wandb", "mlflow"])
def test_a_logger_whose_package_is_missing(
    package: str, cli_here: CliHere, cldr_pairs: PairsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "transliconet.train.loggers.find_spec",
        lambda name: None if name == package else found(name),
    )
    done = cli_here("train", *SMALL_RUN, f"pairs={cldr_pairs.path}", f"logger={package}")
    assert done.status == 1
    assert done.error.startswith(f"error: {package}: the package is not installed")
    assert "[TLN-CONFIG-801]" in done.error
