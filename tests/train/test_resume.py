"""A run that is stopped, however rudely, and resumed ends as one that never was."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from tests.batches import small_data
from tests.forked import ForkedCli, run_rank, start_server
from tests.settings import SMALL, raises
from transliconet.model.encoder import Encoder
from transliconet.objectives.mlm import MaskedLanguageModel
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.pairs import PairsFolder
from transliconet.train.checkpoint import AtomicCheckpointIO, RunCheckpoint
from transliconet.train.module import PairModule
from transliconet.train.optim import linear_warmup_decay

AGENT_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
"""Those that the agent handles, and goes on to handle."""


class Stop(Exception):
    """What stands for a kill."""


class StopBefore(pl.Callback):
    """Raises before a batch, counted over epochs."""

    def __init__(self, batch: int) -> None:
        self.left = batch

    def on_train_batch_start(self, *_: object) -> None:
        self.left -= 1
        if self.left < 0:
            raise Stop


@pytest.fixture(scope="module")
def fit(
    make_encoder: Callable[..., Encoder], cldr_pairs: PairsFolder
) -> Callable[..., dict[str, Tensor]]:
    """Trains two epochs of 7 batches, accumulated by threes, with dropout; gives the weights."""

    def run(
        folder: Path,
        stop: int | None = None,
        resume: Path | None = None,
        workers: int = 0,
        encoder_type: str = "xlm-roberta",
        **data: object,
    ) -> dict[str, Tensor]:
        torch.manual_seed(random.randrange(1 << 30))  # nothing may depend on what was drawn before
        encoder = make_encoder(type=encoder_type)
        parts = {
            "mlm": MaskedLanguageModel(),
            "tcm": TransliterationContrast(layer=1, input="masked"),
        }
        module = PairModule(
            encoder,
            parts,
            partial(torch.optim.AdamW, lr=1e-3),
            partial(linear_warmup_decay, warmup=0.1),
        )
        settings = {
            "batch_size": 140,
            "languages": ["kat_Geor", "rus_Cyrl"],
            **data,
        }
        pairs = small_data(cldr_pairs, encoder.tokenizer, workers=workers, **settings)
        saving = ModelCheckpoint(folder, save_last=True, save_top_k=0, every_n_train_steps=1)
        trainer = pl.Trainer(
            max_epochs=2,
            accumulate_grad_batches=3,
            accelerator="cpu",
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[saving, *([StopBefore(stop)] if stop is not None else [])],
            plugins=[AtomicCheckpointIO()],
        )
        try:
            trainer.fit(module, datamodule=pairs, ckpt_path=resume, weights_only=True)
        except Stop:
            return {}
        assert trainer.num_training_batches == 7
        assert trainer.global_step == 6
        return {name: value.clone() for name, value in encoder.state_dict().items()}

    return run


@pytest.fixture(scope="module")
def whole(
    fit: Callable[..., dict[str, Tensor]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Tensor]:
    return fit(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("stop", range(3, 14))
def test_resumed_anywhere_it_ends_in_the_same_weights(
    fit: Callable[..., dict[str, Tensor]], whole: dict[str, Tensor], stop: int, tmp_path: Path
) -> None:
    """Also within an epoch and between accumulated batches, and just before and after an epoch's
    end.
    """
    assert fit(tmp_path, stop=stop) == {}
    resumed = fit(tmp_path, resume=tmp_path / "last.ckpt")
    assert resumed.keys() == whole.keys()
    different = [name for name, value in whole.items() if not torch.equal(value, resumed[name])]
    assert different == []


@pytest.mark.parametrize("encoder_type", ["modernbert", "bert"])
def test_other_architectures_resume_in_the_middle_of_an_epoch(
    fit: Callable[..., dict[str, Tensor]], encoder_type: str, tmp_path: Path
) -> None:
    expected = fit(tmp_path / "whole", encoder_type=encoder_type)
    assert fit(tmp_path, stop=5, encoder_type=encoder_type) == {}
    resumed = fit(tmp_path, resume=tmp_path / "last.ckpt", encoder_type=encoder_type)
    different = [name for name, value in expected.items() if not torch.equal(value, resumed[name])]
    assert different == []


@pytest.mark.parametrize(
    "stop", [5, 9, 12]
)  # in the first epoch, where the checkpoint ends an epoch, in the second
def test_loader_processes_change_nothing(
    fit: Callable[..., dict[str, Tensor]], whole: dict[str, Tensor], stop: int, tmp_path: Path
) -> None:
    assert fit(tmp_path, stop=stop, workers=2) == {}
    resumed = fit(tmp_path, resume=tmp_path / "last.ckpt", workers=3)
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


def test_a_checkpoint_of_other_batches_is_refused(
    fit: Callable[..., dict[str, Tensor]], tmp_path: Path
) -> None:
    fit(tmp_path, stop=5)
    with raises("TLN-CKPT-320"):
        fit(tmp_path, resume=tmp_path / "last.ckpt", batch_size=50)
    with raises("TLN-CKPT-320"):
        fit(tmp_path, resume=tmp_path / "last.ckpt", languages=["kat_Geor"])


SMALL_RUN = (
    *SMALL,
    "objective.tcm.layer=1",
    "probe=none",
    "logger=none",
    "checkpoint.every_n_train_steps=2",
    "trainer.max_epochs=-1",
    "data.workers=1",
    "trainer.accumulate_grad_batches=2",
    "data.languages=[kat_Geor,rus_Cyrl]",
)


@pytest.fixture
def start(cldr_pairs: PairsFolder, tmp_path: Path) -> Callable[..., ForkedCli]:
    """Starts ``transliconet train`` with a run folder and more arguments."""

    def popen(out: str, *arguments: str, **environment: str) -> ForkedCli:
        call = ["train", f"pairs={cldr_pairs.path}", f"out={out}", *SMALL_RUN, *arguments]
        return ForkedCli(call, tmp_path, environment)

    return popen


def finished(process: ForkedCli) -> tuple[int | None, str]:
    out, err = process.communicate()
    return process.returncode, out + err


def wait_for(file: Path, process: ForkedCli) -> None:
    while not file.exists():
        assert process.poll() is None, finished(process)
        time.sleep(0.01)


def wait_for_one(folder: Path, pattern: str, process: ForkedCli) -> Path:
    while not (found := list(folder.glob(pattern))):
        assert process.poll() is None, finished(process)
        time.sleep(0.01)
    return found[0]


def weights(run: Path) -> bytes:
    return (run / "export" / "model.safetensors").read_bytes()


@pytest.mark.slow
def test_killed_again_and_again_it_ends_in_the_same_bytes(
    start: Callable[..., ForkedCli], tmp_path: Path
) -> None:
    """SIGKILL at random moments; a checkpoint is written every other step, so some of them hit the
    saving.
    """
    steps = "trainer.max_steps=60"
    assert finished(start("whole", steps))[0] == 0
    rng = random.Random(0)
    last, seen = tmp_path / "killed" / "checkpoints" / "last.ckpt", []
    for _ in range(2):
        process = start("killed", steps, "resume=last")
        before = last.stat().st_mtime_ns if last.exists() else 0
        while not last.exists() or last.stat().st_mtime_ns == before:
            assert process.poll() is None, finished(process)
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.5))
        process.kill()
        process.communicate()
        seen.append(torch.load(last, weights_only=True)["global_step"])
    status, told = finished(start("killed", steps, "resume=last"))
    assert status == 0, told
    assert 0 < seen[0] < seen[-1] < 60
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")


def test_sigterm_saves_and_the_same_command_goes_on(
    start: Callable[..., ForkedCli], tmp_path: Path
) -> None:
    endless, last = (
        ["trainer.max_steps=100000", "checkpoint.every_n_train_steps=3"],
        tmp_path / "run/checkpoints/last.ckpt",
    )
    process = start("run", *endless)
    wait_for(last, process)
    process.terminate()
    status, told = finished(process)
    assert status == 128 + signal.SIGTERM
    assert "stopped by SIGTERM: saved at step" in told
    assert "resume=last" in told
    assert "Traceback" not in told
    step = torch.load(last, weights_only=True)["global_step"]
    assert f"at step {step} in" in told
    status, told = finished(start("run", f"trainer.max_steps={step + 2}", "resume=last"))
    assert status == 0, told
    assert f"trained {step + 2} steps" in told


def test_slurm_gets_its_job_back_in_the_same_folder(
    start: Callable[..., ForkedCli], tmp_path: Path
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "scontrol").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n')
    (tools / "scontrol").chmod(0o755)
    slurm = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "SLURM_JOB_ID": "4711",
        "SLURM_NTASKS": "1",
        "SLURM_PROCID": "0",
        "SLURM_JOB_NAME": "train",
        "SLURM_LOCALID": "0",
        "SLURM_NODEID": "0",
        "SLURM_JOB_NODELIST": "localhost",
    }
    folder = "${run_name:}"
    process = start(folder, "trainer.max_steps=100000", **slurm)
    last = wait_for_one(tmp_path, "slurm-4711-*/checkpoints/last.ckpt", process)
    process.send_signal(signal.SIGUSR1)
    status, told = finished(process)
    assert "stopped by SIGUSR1: saved at step" in told
    assert status != 0
    assert (tmp_path / "asked").read_text() == "requeue 4711\n"
    step = torch.load(last, weights_only=True)["global_step"]
    process = start(folder, "trainer.max_steps=100000", **slurm, SLURM_RESTART_COUNT="1")
    before = last.stat().st_mtime_ns
    while last.stat().st_mtime_ns == before:
        assert process.poll() is None, finished(process)
        time.sleep(0.01)
    process.terminate()
    finished(process)
    assert torch.load(last, weights_only=True)["global_step"] > step
    assert [path.name for path in last.parent.glob("*.ckpt")] == ["last.ckpt"]
    assert len(list(tmp_path.glob("slurm-4711-*"))) == 1


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    io, file = AtomicCheckpointIO(), tmp_path / "last.ckpt"
    io.save_checkpoint({"step": 1}, file)

    class Unwritable:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        io.save_checkpoint({"weights": torch.zeros(1000), "then": Unwritable()}, file)
    assert io.load_checkpoint(file) == {"step": 1}
    assert [f.name for f in tmp_path.glob("*.ckpt")] == ["last.ckpt"]


def test_a_checkpoint_that_runs_code_is_refused(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return Path.touch, (tmp_path / "exploded",)

    file = tmp_path / "bomb.ckpt"
    torch.save({"state_dict": Bomb()}, file)
    with pytest.raises(Exception, match="[Ww]eights.only"):
        AtomicCheckpointIO().load_checkpoint(file)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("first", [{"max_steps": 2}, {"max_epochs": 1}], ids=str)
def test_a_run_that_has_ended_goes_on_from_its_last_step(
    first: dict[str, int],
    make_encoder: Callable[..., Encoder],
    cldr_pairs: PairsFolder,
    tmp_path: Path,
) -> None:
    """No checkpoint was due before the end; 7 batches an epoch, accumulated by threes."""

    def run(resume: Path | None = None, **end: int) -> dict[str, Tensor]:
        encoder = make_encoder()
        module = PairModule(
            encoder,
            {"tcm": TransliterationContrast(layer=1, input="masked")},
            partial(torch.optim.AdamW, lr=1e-3),
        )
        pairs = small_data(
            cldr_pairs, encoder.tokenizer, batch_size=140, languages=["kat_Geor", "rus_Cyrl"]
        )
        saving = RunCheckpoint(tmp_path, save_top_k=0, every_n_train_steps=1000)
        trainer = pl.Trainer(
            **{"max_epochs": -1, **end},
            accumulate_grad_batches=3,
            accelerator="cpu",
            logger=False,
            callbacks=[saving],
            enable_progress_bar=False,
            enable_model_summary=False,
            plugins=[AtomicCheckpointIO()],
        )
        trainer.fit(module, datamodule=pairs, ckpt_path=resume, weights_only=True)
        return {name: value.clone() for name, value in encoder.state_dict().items()}

    whole = run(max_epochs=2)
    assert run(**first).keys() == whole.keys()
    parts = run(tmp_path / "last.ckpt", max_epochs=2)
    assert all(torch.equal(parts[name], value) for name, value in whole.items())


def test_old_checkpoints_are_pruned(start: Callable[..., ForkedCli], tmp_path: Path) -> None:
    status, told = finished(start("run", "trainer.max_steps=8", "checkpoint.save_top_k=2"))
    assert status == 0, told
    kept = sorted(f.name for f in (tmp_path / "run" / "checkpoints").iterdir())
    assert len(kept) == 3
    assert kept[0].endswith("step=6.ckpt")
    assert kept[1].endswith("step=8.ckpt")
    assert kept[2] == "last.ckpt"


@pytest.fixture
def elastic_agent(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Starts ``transliconet train`` in two processes, with the agent that ``torchrun`` runs: the
    processes are forked, as in ``tests.forked``, where torchrun would start interpreters.
    """
    handlers = {number: signal.getsignal(number) for number in AGENT_SIGNALS}
    start_server()

    def launch(*arguments: str) -> None:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=2,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            start_method="forkserver",
            max_restarts=0,
        )
        told = [str(tmp_path / name) for name in ("out", "err")]
        for file in told:
            Path(file).touch()
        statuses = elastic_launch(config, run_rank)(["train", *arguments], str(tmp_path), told)
        err = Path(told[1]).read_text(encoding="utf-8")
        assert statuses == {0: 0, 1: 0}, err
        assert "MEMBER: 2/2" in err

    yield launch
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.slow
def test_processes_that_torchrun_starts_resume_together(
    elastic_agent: Callable[..., None], cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    constant = "optim.scheduler=null"  # a shorter run's schedule would be another
    settings = (f"pairs={cldr_pairs.path}", *SMALL_RUN, "trainer=ddp_2cpu", constant)
    elastic_agent("out=whole", *settings, "trainer.max_steps=6")
    elastic_agent("out=parts", *settings, "trainer.max_steps=3")
    elastic_agent("out=parts", *settings, "trainer.max_steps=6", "resume=last")
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")
