"""``transliconet train``: pairs folder and encoder → run folder."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytorch_lightning as pl
import transformers
from omegaconf import DictConfig, OmegaConf

from transliconet.cli.app import build, hydra_command, plain
from transliconet.cli.sweep import in_sweep, run_as_job
from transliconet.data.datamodule import PairsDataModule
from transliconet.errors import ConfigError
from transliconet.model.encoder import Encoder
from transliconet.model.trainable import (
    checkpoint_layers,
    choose_trainable,
    compile_layers,
    set_dropout,
)
from transliconet.pairs import PairsFolder
from transliconet.probe.retrieval import RetrievalProbe
from transliconet.runs.run import TrainResult, run_training
from transliconet.train.callbacks import Progress, Throughput
from transliconet.train.checkpoint import AtomicCheckpointIO
from transliconet.train.early_stopping import RequireMetrics, require_metrics
from transliconet.train.health import StopOnNaN, explain_out_of_memory
from transliconet.train.interrupt import SaveOnSignal, resumed_checkpoint
from transliconet.train.module import PairModule
from transliconet.train.probing import PROBED, ProbeWhileTraining
from transliconet.vocab.base import VocabularyInputs
from transliconet.vocab.change import VocabularySpec, change_vocabulary
from transliconet.vocab.graft import Graft
from transliconet.vocab.trim import Trim

log = logging.getLogger(__name__)


def build_encoder(cfg: DictConfig, pairs: PairsFolder | None) -> Encoder:
    """What ``cfg`` says: loaded, or made from scratch with a tokenizer trained on the training part
    of ``pairs``.
    """
    transformers.logging.disable_progress_bar()
    if not cfg.get("_partial_"):
        return build(cfg)
    if pairs is None:
        raise ConfigError(
            "encoder",
            "made from scratch, which takes a pairs folder",
            "Add pairs=FOLDER",
            code="TLN-CONFIG-955",
        )
    return build(cfg, texts=pairs.texts("train"))


def _probing(
    cfg: DictConfig, probe: RetrievalProbe | None, pairs: PairsFolder, encoder: Encoder
) -> list[pl.Callback]:
    """The probe while training and what watches its metrics."""
    probing: list[pl.Callback] = []
    probed: list[str] = []
    if cfg.probe_every_n_steps is not None:
        if probe is None:
            problem = f"probe_every_n_steps={cfg.probe_every_n_steps} has no probe"
            raise ConfigError("probe=none", problem, "Choose a probe", code="TLN-CONFIG-956")
        while_training = ProbeWhileTraining(probe, pairs, cfg.probe_every_n_steps)
        probing, probed = [while_training], while_training.metrics(encoder)
    watched = {
        f"{section}.monitor": str(cfg[section].monitor)
        for section in ("checkpoint", "early_stopping")
        if cfg[section] and cfg[section].get("monitor") is not None
    }
    of_probe = {option: name for option, name in watched.items() if name.startswith(PROBED)}
    require_metrics(of_probe, probed)  # the others are known when they are first logged
    if "checkpoint.monitor" in of_probe:
        _require_fresh_scores(cfg)
    stopping = [build(cfg.early_stopping)] if "early_stopping.monitor" in watched else []
    return [
        *probing,
        RequireMetrics(watched, probed),
        *stopping,
    ]  # each looks at what the one before did


def _require_fresh_scores(cfg: DictConfig) -> None:
    """A checkpoint's score must be that of its own step, and it must be kept."""
    if cfg.checkpoint.save_top_k == 0:
        option = f"checkpoint.monitor={cfg.checkpoint.monitor}"
        raise ConfigError(
            option,
            "checkpoint.save_top_k=0 keeps none by it",
            "Add checkpoint.save_top_k=1",
            code="TLN-CONFIG-957",
        )
    every = cfg.checkpoint.every_n_train_steps
    if not every or every % cfg.probe_every_n_steps:
        raise ConfigError(
            f"checkpoint.every_n_train_steps={every}",
            f"not a multiple of probe_every_n_steps={cfg.probe_every_n_steps}: scores would be of earlier steps",
            f"Set checkpoint.every_n_train_steps={cfg.probe_every_n_steps}",
            code="TLN-CONFIG-958",
        )


def train(cfg: DictConfig) -> TrainResult:
    """Run what ``cfg`` describes; ``cfg.run_dir`` gets the results."""
    _refuse_what_cannot_run(cfg)
    pl.seed_everything(cfg.seed, workers=True, verbose=False)
    pairs, out = PairsFolder.open(cfg.pairs), Path(cfg.run_dir)
    encoder = _operated(cfg, pairs)
    module = PairModule(
        encoder, build(cfg.objective), **build(cfg.optim), micro_batch=cfg.micro_batch
    )
    choose_trainable(encoder, cfg.trainable, cfg.frozen_layers)
    if cfg.dropout is not None:
        set_dropout(encoder, cfg.dropout)
    if cfg.gradient_checkpointing:
        checkpoint_layers(encoder)
    if cfg.compile:
        compile_layers(encoder)
    data = PairsDataModule(
        pairs,
        encoder.tokenizer,
        build(cfg.data),
        module.batch_needs,
        positions=encoder.positions,
        seed=cfg.seed,
    )
    probe = (
        build(cfg.probe) if "_target_" in cfg.probe else None
    )  # an experiment may leave settings of no probe
    callbacks = [StopOnNaN(data.pair_names), *_probing(cfg, probe, pairs, encoder)]
    trainer, resume = _trainer(cfg, out, callbacks), resumed_checkpoint(cfg.resume, out)
    plain = cast(dict, OmegaConf.to_container(cfg, resolve=True))
    with explain_out_of_memory(cfg.data.batch_size, cfg.data.max_length):
        return run_training(module, data, trainer, pairs, out, probe, resume, plain, _grafting(cfg))


def _refuse_what_cannot_run(cfg: DictConfig) -> None:
    ends = cfg.trainer
    if ends.max_steps == -1 and ends.max_epochs in (None, -1) and ends.max_time is None:
        raise ConfigError(
            "trainer.max_epochs",
            "the run has no end",
            "Set trainer.max_epochs or trainer.max_steps",
            code="TLN-CONFIG-959",
        )
    if _sharded(cfg) and cfg.trainable.startswith("new_rows"):
        raise ConfigError(
            f"trainable={cfg.trainable}",
            "not with FSDP",
            "Take trainer=ddp, or trainable=all",
            code="TLN-CONFIG-960",
        )


def _sharded(cfg: DictConfig) -> bool:
    """Whether the strategy is an object of ours, FSDP, rather than a name of Lightning's."""
    return not isinstance(cfg.trainer.strategy, str)


def _operated(cfg: DictConfig, pairs: PairsFolder) -> Encoder:
    """The encoder, its vocabulary changed if ``cfg.method`` says so."""
    encoder = build_encoder(cfg.encoder, pairs)
    if "_target_" not in cfg.method:
        return encoder
    also = [PairsFolder.open(folder) for folder in cfg.data.also]
    spec = VocabularySpec(build(cfg.method), plain(cfg.romanizer), plain(cfg.protect))
    operated = change_vocabulary(spec, encoder, [pairs, *also], cfg.data.languages)
    log.info(
        "vocabulary: %s", ", ".join(f"{number} {name}" for name, number in operated.counts.items())
    )
    return operated.encoder


def _trainer(cfg: DictConfig, out: Path, callbacks: list[pl.Callback]) -> pl.Trainer:
    progress = [Progress()] if cfg.trainer.enable_progress_bar else []
    saving = [build(cfg.checkpoint), SaveOnSignal(out / "checkpoints" / "last.ckpt")]
    return build(
        cfg.trainer,
        logger=list(build(cfg.logger).values()),
        callbacks=[*saving, *callbacks, Throughput(), *progress],
        plugins=[] if _sharded(cfg) else [AtomicCheckpointIO()],
        default_root_dir=str(out),
    )


def _grafting(cfg: DictConfig) -> Callable[[Encoder], Encoder] | None:
    """Puts a trimmed encoder back into the one that it was trimmed from."""
    if not cfg.graft or cfg.method.get("_target_") != f"{Trim.__module__}.{Trim.__name__}":
        return None
    if "path" not in cfg.encoder:
        raise ConfigError(
            "method=trim",
            "an encoder made from scratch has no full vocabulary",
            "Add graft=false",
            code="TLN-CONFIG-961",
        )
    return lambda trained: Graft(cfg.encoder.path)(trained, VocabularyInputs()).encoder


@hydra_command("train")
def main(cfg: DictConfig) -> float | tuple[float, ...] | None:
    if in_sweep():
        return run_as_job(cfg)
    train(cfg)
    return None
