"""``transliconet train``: fills a :class:`transliconet.runs.spec.RunSpec` from the configuration
and runs it.
"""

from functools import partial
from pathlib import Path
from typing import Any

import transformers
from omegaconf import DictConfig, open_dict
from pytorch_lightning.loggers import Logger

from transliconet.cli.app import run_name
from transliconet.cli.build import build, plain, recorded_settings
from transliconet.cli.early import is_sharded
from transliconet.cli.problems import Problems
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.runs.assemble import finished_encoder
from transliconet.runs.result import TrainResult
from transliconet.runs.run import run
from transliconet.runs.spec import (
    EncoderSpec,
    OptimizerSpec,
    ProbeSpec,
    RunOutput,
    RunSpec,
    Settings,
    TrainerSpec,
    VocabularyStep,
)
from transliconet.runs.transfer import TransferSpec
from transliconet.sweep.overrides import without_interpolation
from transliconet.vocab.change import VocabularySpec

PLACE = ("out", "run_dir", "resume", "overwrite", "jobs", "recipe")
"""Keys that say where and how a run is executed, and what it is called. They are not settings of
the run itself.
"""
CHANGEABLE = (
    "logger",
    "checkpoint",
    "early_stopping",
    "probe",
    "transfer",
    "probe_every_n_steps",
    "loss_by_language",
    "pairs",  # the data module compares its content
    "data.workers",
    "data.also",
    "micro_batch",
    "gradient_checkpointing",
    "compile",
    "graft",
    "trainer.max_steps",
    "trainer.max_epochs",
    "trainer.max_time",
    "trainer.accelerator",
    "trainer.num_nodes",
    "trainer.log_every_n_steps",
    "trainer.enable_progress_bar",
    "trainer.enable_model_summary",
    "trainer.profiler",
)
"""Keys that a resumed run may change. All others must be as they were."""


def build_encoder(cfg: DictConfig, pairs: PairsFolder | None) -> Encoder:
    """Build the encoder of the section ``encoder``."""
    transformers.logging.disable_progress_bar()
    return finished_encoder(build(cfg), pairs)


def run_spec(cfg: DictConfig) -> RunSpec:
    """The run that ``cfg`` describes.

    Raises:
        SeveralErrors: of sections that cannot be used.
    """
    problems = Problems()
    vocabulary = problems.attempt(_vocabulary, cfg)
    pairs = problems.attempt(lambda: PairsFolder.open(cfg.pairs))
    objectives = {}
    for name in cfg.objective:
        objectives[str(name)] = problems.attempt(build, cfg.objective[name])
    optimizer = problems.attempt(build, cfg.optim)
    data = problems.attempt(build, cfg.data)
    mixing = problems.attempt(_optional, cfg.mixing)
    probe = problems.attempt(_optional, cfg.probe)
    transfer = problems.attempt(_transfer, cfg)
    checkpoint = problems.attempt(build, cfg.checkpoint)
    early_stopping = problems.attempt(build, cfg.early_stopping)
    lora = problems.attempt(build, cfg.lora)
    problems.raise_found()
    return RunSpec(
        pairs=pairs,
        encoder=EncoderSpec(
            make=partial(build_encoder, cfg.encoder),
            source=cfg.encoder.get("path"),
            trainable=cfg.trainable,
            frozen_layers=cfg.frozen_layers,
            lora=lora,
            dropout=cfg.dropout,
            start_share=cfg.start_share,
            gradient_checkpointing=cfg.gradient_checkpointing,
            compile=cfg.compile,
        ),
        vocabulary=vocabulary,
        objectives=objectives,
        optimizer=OptimizerSpec(**optimizer),
        data=data,
        mixing=mixing,
        micro_batch=cfg.micro_batch,
        loss_by_language=cfg.loss_by_language,
        trainer=TrainerSpec(
            make=partial(build, cfg.trainer),
            loggers=partial(_loggers, cfg),
            sharded=is_sharded(cfg),
            progress_bar=cfg.trainer.enable_progress_bar,
        ),
        probe=ProbeSpec(probe, cfg.probe_every_n_steps),
        transfer=transfer,
        checkpoint=checkpoint,
        early_stopping=early_stopping,
        output=RunOutput(
            out=Path(cfg.out),
            resume=cfg.resume,
            overwrite=cfg.overwrite,
            numbered=Path(cfg.out).name == run_name(),
            show=True,
        ),
        settings=Settings(recorded_settings(cfg), CHANGEABLE, PLACE),
        seed=cfg.seed,
    )


def _vocabulary(cfg: DictConfig) -> VocabularyStep | None:
    # with method=none, an experiment may leave settings without a class
    if "_target_" not in cfg.method:
        return None
    spec = VocabularySpec(build(cfg.method), plain(cfg.romanizer), plain(cfg.protect))
    return VocabularyStep(spec, plain(cfg.data.languages), cfg.graft)


def _optional(section: DictConfig) -> Any:
    """The object of a section that may be ``none``."""
    return build(section) if "_target_" in section else None


def _transfer(cfg: DictConfig) -> TransferSpec | None:
    if "task" not in cfg.transfer:
        return None
    settings = build(cfg.transfer.settings, head=build(cfg.transfer.head))
    return TransferSpec(build(cfg.transfer.task), settings)


def _loggers(cfg: DictConfig, folder: Path) -> list[Logger]:
    with open_dict(cfg):
        cfg.run_dir = without_interpolation(str(folder))
    return list(build(cfg.logger).values())


def train(cfg: DictConfig) -> TrainResult:
    """Carry out the run that ``cfg`` describes."""
    return run(run_spec(cfg))


def main(cfg: DictConfig) -> None:
    train(cfg)
