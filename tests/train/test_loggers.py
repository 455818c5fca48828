"""Loggers: offline, into the run folder, with the run's settings; a missing package is one line."""

import importlib.util
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.settings import SMALL, CliHere, RunCli
from transliconet.pairs import PairsFolder

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
