"""Everything in a run folder belongs to one run, and a resumed run loses nothing."""

import csv
import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from safetensors.torch import load_file

import transliconet as tn
from transliconet.errors import CheckpointError, ConfigError, Interrupted, StorageError
from transliconet.model.encoder import Encoder
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.pairs import PairsFolder
from transliconet.probe.record import RetrievalRecord
from transliconet.runs.folder import RunRecord, plan_run
from transliconet.runs.hf_folder import encoder_from_checkpoint
from transliconet.runs.result import TrainResult
from transliconet.runs.spec import RunOutput, Settings
from transliconet.storage import atomic_file
from transliconet.train.loggers import MetricsWriter

CONTRAST = TransliterationContrast(1.0, layer="last", input="clean")
TIMES = {"pairs_per_s", "tokens_per_s", "probe/train_seconds"}
Fit = Callable[..., TrainResult]


class At(pl.Callback):
    """Does something when an optimizer step is done, before anything else looks at it."""

    def __init__(self, step: int, action: Callable[[], object]) -> None:
        self.step, self.action = step, action

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if trainer.global_step == self.step:
            self.action()


class Killed(BaseException):
    """Stands for SIGKILL: nothing is saved."""


def kill() -> None:
    raise Killed


def send(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


@pytest.fixture
def fit(make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder) -> Fit:
    def run(out: Path, *callbacks: pl.Callback, steps: int = 8, **options: Any) -> TrainResult:
        arguments = {
            "batch_size": 16,
            "max_length": 32,
            "learning_rate": 1e-3,
            "languages": ["kat_Geor", "rus_Cyrl"],
            "checkpoints": tn.CheckpointSpec(every_n_train_steps=2),
            "trainer": {"callbacks": list(callbacks), "log_every_n_steps": 1},
            **options,
        }
        return tn.fit(make_encoder(), cldr_pairs, {"tcm": CONTRAST}, out, steps=steps, **arguments)

    return run


@pytest.fixture
def whole(fit: Fit, tmp_path: Path) -> Path:
    return fit(tmp_path / "whole").out


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "export" / "model.safetensors")


def same_weights(one: Path, other: Path) -> bool:
    first, second = weights(one), weights(other)
    return all(torch.equal(first[name], second[name]) for name in first)


def metrics(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [{k: v for k, v in row.items() if k not in TIMES} for row in rows]


def test_a_folder_that_holds_a_run_is_left_alone_unless_told(fit: Fit, whole: Path) -> None:
    before = weights(whole)
    with pytest.raises(ConfigError) as caught:
        fit(whole, seed=5)
    assert caught.value.code == "TLN-CONFIG-850"
    with pytest.raises(ConfigError) as caught:
        fit(whole, resume="last", overwrite=True)
    assert caught.value.code == "TLN-CONFIG-852"
    (whole / "checkpoints" / "old.ckpt").touch()
    with pytest.raises(ConfigError):  # refused before the old run is deleted
        fit(whole, overwrite=True, trainable="nothing")
    assert (whole / "checkpoints" / "old.ckpt").is_file()
    fit(whole, seed=5, overwrite=True)
    assert [file.name for file in whole.glob("checkpoints/*")] == ["last.ckpt"]
    exported = weights(whole)
    assert not all(torch.equal(before[name], exported[name]) for name in before)
    last = encoder_from_checkpoint(whole).masked_lm.state_dict()
    assert all(torch.equal(last[name], exported[name]) for name in exported)


@pytest.mark.parametrize("step", [3, 4, 5, 8])
def test_a_killed_run_ends_with_the_same_weights_and_the_same_metrics(
    step: int, fit: Fit, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    with pytest.raises(Killed):
        fit(out, At(step, kill))
    moved = out.rename(tmp_path / "moved")
    resumed = fit(moved, resume="last")
    assert same_weights(moved, whole)
    assert metrics(moved) == metrics(whole)
    assert len(metrics(whole)) == 8
    assert [file.name for file in moved.glob("checkpoints/*")] == ["last.ckpt"]
    last = torch.load(moved / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] == resumed.steps == 8
    assert resumed.seconds > last["callbacks"]["RunState"]["seconds"] / 2 > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_saves_and_says_how_to_go_on(
    number: signal.Signals, fit: Fit, whole: Path, tmp_path: Path
) -> None:
    handler = signal.getsignal(number)
    with pytest.raises(Interrupted) as caught:
        fit(tmp_path / "run", At(5, send(number)))
    assert caught.value.signal == number
    assert "saved at step 5" in str(caught.value)
    assert "resume=last" in str(caught.value)
    assert signal.getsignal(number) == handler
    fit(tmp_path / "run", resume="last")
    assert same_weights(tmp_path / "run", whole)
    assert metrics(tmp_path / "run") == metrics(whole)


def test_a_second_ctrl_c_stops_at_once(fit: Fit, tmp_path: Path) -> None:
    def twice() -> None:
        send(signal.SIGINT)()
        send(signal.SIGINT)()

    with pytest.raises(Interrupted) as caught:
        fit(tmp_path / "run", At(5, twice))
    assert "its last checkpoint is" in str(caught.value)


def test_in_a_thread_nothing_is_handled(fit: Fit, tmp_path: Path) -> None:
    thread = threading.Thread(target=fit, args=(tmp_path / "run",), kwargs={"steps": 1})
    thread.start()
    thread.join()
    assert (tmp_path / "run" / "export").is_dir()


def test_a_finished_run_is_recognized(fit: Fit, whole: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*.*") if path.is_file()}
    again = fit(whole, resume="last")
    after = {path: path.stat().st_mtime_ns for path in whole.rglob("*.*") if path.is_file()}
    assert before == after
    assert (again.steps, again.seconds > 0) == (8, True)
    longer = fit(whole, resume="last", steps=10)
    assert longer.steps == 10
    assert len(metrics(whole)) == 10


def test_a_setting_that_the_checkpoint_decides_is_refused(fit: Fit, whole: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        fit(whole, resume="last", steps=10, learning_rate=2e-3)
    assert caught.value.code == "TLN-CKPT-850"
    assert "learning_rate 0.001, not 0.002" in str(caught.value)
    with pytest.raises(CheckpointError):
        fit(
            whole.parent / "other",
            resume=str(whole / "checkpoints" / "last.ckpt"),
            learning_rate=2e-3,
        )


def scripted(monkeypatch: pytest.MonkeyPatch, accuracy: Callable[[Encoder], float]) -> None:
    """Let the probe find what ``accuracy`` says."""

    def run(self: object, encoder: Encoder, pairs: PairsFolder) -> list[RetrievalRecord]:
        found = accuracy(encoder)
        hits = {1: found, 5: found, 10: found}
        task = "native→romanized"
        place = ("rus_Cyrl", task, "rus_Cyrl", "rus_Cyrl", "native", "romanized")
        how = (2, "mean", "cosine", 40)
        return [RetrievalRecord(*place, *how, hits, found, (found, found), 100)]

    monkeypatch.setattr(tn.RetrievalProbe, "run", run)


@pytest.mark.parametrize("step", [4, 5, 6, 8, 9])
@pytest.mark.parametrize("how", ["killed", "SIGTERM"])
def test_early_stopping_and_the_choice_of_checkpoints_survive(
    step: int, how: str, fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the probe finds depends on the weights alone, is best at step 4 and ends the run at
    8.
    """
    seen: dict[float, float] = {}
    script = iter((0.1, 0.3, 0.5, 0.4, 0.45, 0.2, 0.2, 0.2))

    def accuracy(encoder: Encoder) -> float:
        key = float(encoder.masked_lm.get_input_embeddings().weight.detach().double().sum())
        if key not in seen:
            seen[key] = next(script)
        return seen[key]

    scripted(monkeypatch, accuracy)
    monitored = "probe/native→romanized"
    options = {
        "probe": tn.RetrievalProbe(),
        "probe_every_n_steps": 2,
        "checkpoints": tn.CheckpointSpec(2, monitored, "max", every_n_train_steps=2),
        "early_stopping": tn.EarlyStoppingSpec(monitored, patience=2),
        "steps": 20,
    }

    def left(run: Path) -> tuple[Any, ...]:
        return sorted(file.name for file in run.glob("checkpoints/*")), metrics(run)

    assert fit(tmp_path / "whole", **options).steps == 8
    names, _ = left(tmp_path / "whole")
    assert names == ["epoch=0-step=4.ckpt", "epoch=0-step=8.ckpt", "last.ckpt"]
    out = tmp_path / "stopped"
    stop = At(step, kill if how == "killed" else send(signal.SIGTERM))
    if step <= 8:
        with pytest.raises((Killed, Interrupted)):
            fit(out, stop, **options)
    else:  # after the end of training, before the export
        with monkeypatch.context() as context:
            context.setattr("transliconet.runs.result.export_encoder", lambda *_, **__: kill())
            with pytest.raises(Killed):
                fit(out, **options)
    assert fit(out, resume="last", **options).steps == 8
    assert left(out) == left(tmp_path / "whole")
    assert same_weights(out, tmp_path / "whole")


def test_a_full_disk_leaves_the_last_checkpoint_and_says_how_to_go_on(
    fit: Fit, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves = iter(range(10))

    def save(self: object, checkpoint: dict, path: str, storage_options: object = None) -> None:
        with atomic_file(path) as partial:
            torch.save(checkpoint, partial)
            if next(saves) == 2:
                raise OSError(28, "No space left on device")

    monkeypatch.setattr("transliconet.train.checkpoint.AtomicCheckpointIO.save_checkpoint", save)
    with pytest.raises(StorageError) as caught:
        fit(tmp_path / "run")
    assert caught.value.code == "TLN-STORAGE-220"
    assert "resume=last" in str(caught.value)
    assert [file.name for file in (tmp_path / "run" / "checkpoints").iterdir()] == ["last.ckpt"]
    fit(tmp_path / "run", resume="last")
    assert same_weights(tmp_path / "run", whole)


def planned(out: Path, **options: Any) -> Path:
    return plan_run(RunOutput(out, numbered=True, **options), Settings({"seed": 0})).path


def test_default_names_never_collide(tmp_path: Path) -> None:
    names = [planned(tmp_path / "now").name for _ in range(3)]
    assert names == ["now", "now-2", "now-3"]


def test_commands_of_a_requeued_job_find_their_own_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "4711")

    def start() -> str:
        plan = plan_run(RunOutput(tmp_path / "slurm", numbered=True), Settings({"seed": 0}))
        (plan.path / ".transliconet.json").write_text('{"kind": "run"}')
        plan.record.write(plan.path)
        return plan.path.name

    first = [start(), start()]
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert [start(), start()] == first == ["slurm", "slurm-2"]
    assert start() == "slurm-3"
    record = RunRecord.read(tmp_path / "slurm")
    assert record is not None
    assert record.slurm_restarts == 1


def test_metrics_keep_their_rows_when_a_column_is_new(tmp_path: Path) -> None:
    writer = MetricsWriter(str(tmp_path))
    writer.log_metrics({"loss": 1.0}, 1)
    writer.save()
    writer.log_metrics({"loss": 2.0, "probe": 0.5}, 2)
    writer.save()
    again = MetricsWriter(str(tmp_path))
    assert again.rows == 2
    again.log_metrics({"loss": 3.0}, 3)
    again.save()
    again.keep_rows(2)
    with (tmp_path / "metrics.csv").open(newline="") as lines:
        assert [row["loss"] for row in csv.DictReader(lines)] == ["1.0", "2.0"]
    shutil.rmtree(tmp_path)


def test_further_processes_follow_the_first_one(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They find the record that the first process has just written."""
    monkeypatch.setattr("transliconet.runs.folder.is_first_process", lambda: False)
    monkeypatch.setenv("TRANSLICONET_RUN_FOLDER", str(whole))
    plan = plan_run(RunOutput(whole.parent / "another"), Settings({"seed": 0}))
    assert (plan.path, plan.checkpoint) == (whole, None)
    plan = plan_run(RunOutput(whole, resume="last"), Settings({"seed": 0}))
    assert plan.checkpoint == whole / "checkpoints" / "last.ckpt"


@pytest.mark.parametrize("first", [True, False], ids=["first process", "further process"])
def test_all_processes_agree_whether_a_run_has_finished(
    whole: Path, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    """Those that took it for finished would end, and the others would wait for them for ever."""
    monkeypatch.setattr("transliconet.runs.folder.is_first_process", lambda: first)
    record = RunRecord.read(whole)
    assert record is not None

    def finished(output: RunOutput, **changes: object) -> int | None:
        settings = Settings({**record.settings, **changes}, changeable=["more_steps"])
        return plan_run(output, settings).record.finished

    assert record.finished is not None
    assert finished(RunOutput(whole, resume="last")) == record.finished
    assert finished(RunOutput(whole, resume="last"), more_steps=9) is None
    assert finished(RunOutput(whole, overwrite=True)) is None


def test_a_default_folder_is_refused_under_torchrun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each process would number one of its own."""
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    with pytest.raises(ConfigError) as error:
        plan_run(RunOutput(tmp_path / "now", numbered=True), Settings({}, []))
    assert error.value.code == "TLN-CONFIG-858"
    assert not (tmp_path / "now").exists()
    assert plan_run(RunOutput(tmp_path / "mine"), Settings({}, [])).path == tmp_path / "mine"
