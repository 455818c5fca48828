"""Training from Python: one call that leaves the run folder that ``transliconet train`` leaves."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import CSVLogger

from transliconet.data.datamodule import PairsDataModule
from transliconet.data.settings import DataSettings
from transliconet.errors import require_range
from transliconet.model.encoder import Encoder
from transliconet.model.trainable import choose_trainable
from transliconet.objectives.base import Objective
from transliconet.pairs import PairsFolder
from transliconet.probe.retrieval import RetrievalProbe
from transliconet.runs.run import TrainResult, run_training
from transliconet.third_party import quiet_libraries
from transliconet.train.callbacks import Throughput
from transliconet.train.health import StopOnNaN, explain_out_of_memory
from transliconet.train.module import PairModule
from transliconet.train.optim import linear_warmup_decay
from transliconet.train.probing import ProbeWhileTraining


def fit(
    encoder: Encoder,
    pairs: PairsFolder,
    objectives: Mapping[str, Objective],
    out: str | Path,
    *,
    steps: int,
    batch_size: int = 64,
    learning_rate: float = 2e-4,
    new_rows_lr_factor: float = 1.0,
    max_length: int = 64,
    skip_unchanged: bool = True,
    trainable: str = "all",
    probe: RetrievalProbe | None = None,
    probe_every_n_steps: int | None = None,
    seed: int = 0,
    **trainer: Any,
) -> TrainResult:
    """Train an encoder on pairs with AdamW, linear warm-up and decay, probing before and after.

    For a notebook. It writes no checkpoints: what must survive an interruption, or runs on several
    devices, is for ``transliconet train``, which also has every other option.

    Args:
        encoder: trained in place.
        pairs: trains on the part that is not held out, probes on the other.
        objectives: by name, e.g. ``{"tcm": TransliterationContrast(…)}``; their weighted terms are
            summed.
        out: run folder, made or written over: ``metrics.csv``, ``results.json``, ``sample.npz``,
            ``export/``.
        steps: optimizer steps.
        batch_size: pairs a step; each is two rows.
        learning_rate: the highest, after the warm-up.
        new_rows_lr_factor: of rows that :class:`transliconet.vocab.transmi.TransMI` added, as a
            factor.
        max_length: rows are cut at so many tokens, or at what the encoder takes, if that is less.
        skip_unchanged: leave out pairs whose romanization equals the text.
        trainable: see :func:`transliconet.model.trainable.choose_trainable`.
        probe: run before and after; None leaves it out.
        probe_every_n_steps: also run it while training, for curves.
        seed: of everything random.
        trainer: more arguments of ``pytorch_lightning.Trainer``.

    Raises:
        ConfigError: an option has a value that cannot be used.
        DataError: no training pair is left, or nothing to probe.
        TrainingError: the loss is not a number, or memory runs out.
    """
    require_range("steps", steps, least=1)
    require_range("learning_rate", learning_rate, above=0)
    pl.seed_everything(seed, workers=True, verbose=False)
    module = PairModule(
        encoder,
        objectives,
        partial(torch.optim.AdamW, lr=learning_rate),
        linear_warmup_decay,
        new_rows_lr_factor=new_rows_lr_factor,
    )
    choose_trainable(encoder, trainable)
    data = PairsDataModule(
        pairs,
        encoder.tokenizer,
        DataSettings(
            batch_size=batch_size,
            max_length=min(max_length, encoder.positions),
            skip_unchanged=skip_unchanged,
        ),
        module.batch_needs,
        positions=encoder.positions,
        seed=seed,
    )
    callbacks = [StopOnNaN(data.pair_names), Throughput()]
    if probe and probe_every_n_steps is not None:
        callbacks.append(ProbeWhileTraining(probe, pairs, probe_every_n_steps))
    settings = {
        "max_steps": steps,
        "accelerator": "auto",
        "devices": 1,
        "gradient_clip_val": 1.0,
        "log_every_n_steps": 10,
        "enable_checkpointing": False,
        "enable_model_summary": False,
        "enable_progress_bar": False,
        "use_distributed_sampler": False,
        "logger": CSVLogger(str(out), "", ""),
        "callbacks": callbacks,
    }
    config = {
        "objective": {name: asdict(cast(Any, objective)) for name, objective in objectives.items()},
        "data": {
            "batch_size": batch_size,
            "max_length": max_length,
            "skip_unchanged": skip_unchanged,
        },
        "optim": {"lr": learning_rate, "new_rows_lr_factor": new_rows_lr_factor},
        "trainable": trainable,
        "steps": steps,
        "seed": seed,
        "probe": probe.settings() if probe else None,
    }
    with quiet_libraries(), explain_out_of_memory(batch_size, max_length):
        return run_training(
            module,
            data,
            pl.Trainer(**{**settings, **trainer}),
            pairs,
            out,
            probe,
            config=config,
            show=False,
        )
