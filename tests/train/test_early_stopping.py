"""Stopping early and choosing checkpoints by what is probed while training."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from safetensors.torch import load_file

from tests.batches import small_data
from tests.settings import SMALL, CliHere, RunCli, raises
from transliconet.model.encoder import Encoder
from transliconet.objectives.tcm import TransliterationContrast
from transliconet.pairs import PairsFolder
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.retrieval import RetrievalProbe
from transliconet.runs.hf_folder import encoder_from_checkpoint, save_architecture
from transliconet.train.checkpoint import RunCheckpoint, best_checkpoint
from transliconet.train.early_stopping import EarlyStop, RequireMetrics, require_metrics
from transliconet.train.module import PairModule
from transliconet.train.probing import ProbeWhileTraining

WATCHED = "probe/native→romanized"
SMALL_RUN = ("experiment=quickstart", *SMALL, "trainer.max_steps=6")


@dataclass(frozen=True)
class Scripted(RetrievalProbe):
    """Finds what it is told to find, one number a probe, and keeps the weights that it was asked
    about.
    """

    accuracies: tuple[float, ...] = ()
    seen: list[dict[str, torch.Tensor]] = field(default_factory=list)

    def run(self, encoder: Encoder, pairs: PairsFolder) -> list[RetrievalRecord]:
        found = self.accuracies[len(self.seen)]
        self.seen.append({k: v.clone() for k, v in encoder.masked_lm.state_dict().items()})
        return [
            RetrievalRecord(
                "rus_Cyrl",
                "native→romanized",
                "rus_Cyrl",
                "rus_Cyrl",
                "native",
                "romanized",
                2,
                "mean",
                "cosine",
                40,
                {1: found, 5: found, 10: found},
                found,
                (found, found),
                100,
            )
        ]


@pytest.fixture
# type: ignore[no-untyped-def]
def fit(cldr_pairs: PairsFolder, make_encoder: Callable[..., Encoder], tmp_path: Path):
    """Trains a fresh encoder, probing every second optimizer step."""

    def run(
        accuracies: tuple[float, ...],
        callbacks: list[pl.Callback],
        resume: Path | None = None,
        steps: int = 12,
    ):  # type: ignore[no-untyped-def]
        pl.seed_everything(0, verbose=False)
        objective = TransliterationContrast(layer=1, input="clean")
        module = PairModule(make_encoder(), {"tcm": objective}, partial(torch.optim.AdamW, lr=1e-3))
        probe = Scripted(accuracies=accuracies)
        probing = ProbeWhileTraining(probe, cldr_pairs, every_n_steps=2)
        best = RunCheckpoint(
            tmp_path / "checkpoints",
            monitor=WATCHED,
            mode="max",
            save_top_k=1,
            every_n_train_steps=2,
        )
        trainer = pl.Trainer(
            max_steps=steps,
            accelerator="cpu",
            logger=False,
            accumulate_grad_batches=2,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            callbacks=[best, probing, *callbacks],
        )
        save_architecture(module.encoder, tmp_path)
        data = small_data(cldr_pairs, module.encoder.tokenizer, module.batch_needs, batch_size=8)
        trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=True)
        return trainer, probe, best

    return run


def test_a_run_stops_after_probes_without_improvement_and_keeps_the_best(
    fit, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    stopping = EarlyStop(WATCHED, every_n_steps=2, patience=2)
    trainer, probe, best = fit((0.1, 0.5, 0.4, 0.3, 0.9, 0.9), [stopping])
    assert (
        trainer.global_step == 8
    )  # best at 4, none better at 6 and 8, though two batches make a step
    assert len(probe.seen) == 4
    assert "did not improve in the last 2 records" in (stopping.stopping_reason_message or "")
    assert best_checkpoint(tmp_path) == Path(best.best_model_path).name == "epoch=0-step=4.ckpt"
    assert best.best_model_score == pytest.approx(0.5)
    exported = encoder_from_checkpoint(tmp_path, "best").masked_lm.state_dict()
    assert all(torch.equal(value, probe.seen[1][name]) for name, value in exported.items())
    assert not all(torch.equal(value, probe.seen[3][name]) for name, value in exported.items())
    (tmp_path / "checkpoints" / "epoch=0-step=4.ckpt").unlink()
    with raises("TLN-CKPT-801"):
        best_checkpoint(tmp_path)


# type: ignore[no-untyped-def]
def test_what_was_waited_for_survives_a_checkpoint(fit, tmp_path: Path) -> None:
    fit((0.5, 0.4), [EarlyStop(WATCHED, 2, patience=2)], steps=4)
    again = EarlyStop(WATCHED, 2, patience=2)
    trainer, _, _ = fit((0.3, 0.9), [again], resume=tmp_path / "checkpoints" / "last.ckpt")
    assert trainer.global_step == 6
    assert float(again.best_score) == pytest.approx(0.5)


# type: ignore[no-untyped-def]
def test_the_last_checkpoint_is_of_the_last_step(fit, tmp_path: Path) -> None:
    fit((0.5, 0.4), [], steps=5)
    last = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] == 5
    assert best_checkpoint(tmp_path) == "epoch=0-step=2.ckpt"


# type: ignore[no-untyped-def]
def test_a_metric_that_nobody_logs_ends_the_run_at_its_first_step(fit) -> None:
    with raises("TLN-CONFIG-800"):
        fit((0.1,), [RequireMetrics({"early_stopping": "los"}, ["probe/later"])])


def test_numbers_that_cannot_be_waited_for() -> None:
    for options in ({"patience": 0}, {"every_n_steps": None}):
        with raises("TLN-CONFIG-002", naming=next(iter(options))):
            EarlyStop(**{"monitor": "loss", "every_n_steps": 1, **options})
    with raises("TLN-CONFIG-800"):
        require_metrics({"checkpoint": WATCHED}, ["loss"])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["checkpoint.monitor='probe/romanized→nativ'"],
            "checkpoint.monitor=probe/romanized→nativ: no such metric. Did you mean 'probe/romanized→native'? There are epoch, probe/native→romanized, probe/romanized→native, step",
        ),
        (
            ["checkpoint.monitor=probe/romanized→native"],
            "checkpoint.monitor=probe/romanized→native: no checkpoint is kept by it. Add save_top_k=1",
        ),
        (
            ["checkpoint.monitor='probe/romanized→native'"],
            "checkpoint.monitor=probe/romanized→native: no checkpoint is kept by it. Add save_top_k=1",
        ),
        (
            [
                "checkpoint.monitor='probe/romanized→native'",
                "checkpoint.save_top_k=1",
                "probe_every_n_steps=3",
            ],
            "checkpoint.every_n_train_steps=1000: not a multiple of probe_every_n_steps=3",
        ),
        (
            ["early_stopping.monitor='probe/romanized→native@1'"],
            "early_stopping.monitor=probe/romanized→native@1: no such metric",
        ),
        (
            ["early_stopping.monitor=loss", "early_stopping.mode=up"],
            "early_stopping.mode=up: not a known choice",
        ),
        (
            ["early_stopping.monitor=los"],
            "early_stopping.monitor=los: no such metric. Did you mean 'loss'?",
        ),
    ],
)
def test_what_cannot_be_watched(
    overrides: list[str], message: str, cli_here: CliHere, cldr_pairs: PairsFolder
) -> None:
    call = [
        "train",
        *SMALL_RUN,
        f"pairs={cldr_pairs.path}",
        "out=run",
        "logger=none",
        "probe_every_n_steps=2",
    ]
    done = cli_here(*call, *overrides)
    assert done.status == 1
    assert done.error.startswith(f"error: {message}")
    assert "Traceback" not in done.err


@pytest.mark.slow
def test_two_processes_stop_together_and_the_best_is_exported(
    run_cli: RunCli, cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    call = [
        "train",
        *SMALL_RUN,
        f"pairs={cldr_pairs.path}",
        "out=run",
        "trainer=ddp_2cpu",
        "probe_every_n_steps=1",
        "early_stopping.monitor='probe/romanized→native'",
        "early_stopping.patience=1",
        "early_stopping.min_delta=1",
        "checkpoint.monitor='probe/romanized→native'",
        "checkpoint.save_top_k=1",
        "checkpoint.every_n_train_steps=1",
    ]
    done = run_cli(*call, cwd=tmp_path)
    assert done.status == 0, done.err
    assert done.out.count("stopped early at step 2") == 1
    assert done.out.count("trained 2 steps") == 1
    assert "best by probe/romanized→native" in done.out
    chosen = best_checkpoint(tmp_path / "run")
    done = run_cli("export", "run=run", "checkpoint=best", "out=best", cwd=tmp_path)
    assert done.status == 0, done.err
    state = torch.load(tmp_path / "run" / "checkpoints" / chosen, weights_only=True)["state_dict"]
    weight = "roberta.embeddings.word_embeddings.weight"
    exported = load_file(tmp_path / "best" / "model.safetensors")
    assert torch.equal(exported[weight], state[f"encoder.masked_lm.{weight}"])


# type: ignore[no-untyped-def]
def test_a_run_without_a_metric_has_no_best(fit, tmp_path: Path) -> None:
    with raises("TLN-CKPT-800"):
        best_checkpoint(tmp_path)
