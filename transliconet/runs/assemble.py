"""Builds the objects that Lightning runs from a :class:`transliconet.runs.spec.RunSpec`."""

import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytorch_lightning as pl

from transliconet.data.datamodule import PairsDataModule
from transliconet.errors import ConfigError, Option, section
from transliconet.model.encoder import Encoder
from transliconet.model.pooling import POOLINGS
from transliconet.model.sentence import warn_of_differences
from transliconet.model.trainable import (
    checkpoint_layers,
    choose_trainable,
    compile_layers,
    set_dropout,
)
from transliconet.objectives.base import active
from transliconet.objectives.encode import StateRequests
from transliconet.pairs import PairsFolder, read_manifest
from transliconet.runs.adapter_languages import batch_needs, languages_with_adapters
from transliconet.runs.spec import RunSpec
from transliconet.train.callbacks import FewSteps, Progress, Throughput
from transliconet.train.checkpoint import CHECKPOINTS, AtomicCheckpointIO, RunCheckpoint
from transliconet.train.early_stopping import EarlyStop, RequireMetrics, require_metrics
from transliconet.train.health import StopOnNaN
from transliconet.train.interrupt import SaveOnSignal, StopRequest
from transliconet.train.languages import LossByLanguage
from transliconet.train.module import PairModule
from transliconet.train.probing import PROBE_PREFIX, ProbeWhileTraining
from transliconet.train.run_state import RunState
from transliconet.vocab.base import VocabularyInputs
from transliconet.vocab.change import change_vocabulary
from transliconet.vocab.graft import Graft
from transliconet.vocab.trim import Trim

log = logging.getLogger(__name__)

MakeEncoder = Callable[..., Encoder]


def finished_encoder(made: Encoder | MakeEncoder, pairs: PairsFolder | None) -> Encoder:
    """Return an encoder that was loaded, or make one from scratch.

    Args:
        made: a loaded encoder, or a function that makes one and trains its tokenizer on ``texts``.
        pairs: their training part gives the texts.

    Raises:
        ConfigError: the encoder is made from scratch, and there are no pairs.
    """
    if isinstance(made, Encoder):
        return made
    if pairs is None:
        raise ConfigError(
            "encoder",
            "made from scratch, which takes a pairs folder",
            "Add pairs=FOLDER",
            code="TLN-CONFIG-853",
        )
    with section("encoder"):
        return made(texts=pairs.texts("train"))


def build_encoder(spec: RunSpec) -> Encoder:
    """The encoder before training, with its changed vocabulary if the spec has a change."""
    encoder = spec.encoder.make(spec.pairs)
    if spec.vocabulary is None:
        return encoder
    folders = [spec.pairs, *(PairsFolder.open(path) for path in spec.data.also)]
    changed = change_vocabulary(spec.vocabulary.spec, encoder, folders, spec.vocabulary.languages)
    counts = [f"{number} {name}" for name, number in changed.counts.items()]
    log.info("vocabulary: %s", ", ".join(counts))
    return changed.encoder


def grafting(spec: RunSpec) -> Callable[[Encoder], Encoder] | None:
    """A function that gives a trimmed encoder its full vocabulary back; None if the run trims
    nothing.

    Raises:
        ConfigError: the encoder is made from scratch, so there is no full vocabulary; or there are
            adapters per language or script.
    """
    step = spec.vocabulary
    if step is None or not step.graft or not isinstance(step.spec.method, Trim):
        return None
    if spec.encoder.lora.per is not None:
        raise ConfigError(
            Option("graft", True),
            f"adapters per {spec.encoder.lora.per} cannot be put into another encoder",
            "Add graft=false",
            code="TLN-CONFIG-860",
        )
    full = spec.encoder.source
    if full is None:
        raise ConfigError(
            Option("method", "trim"),
            "an encoder made from scratch has no full vocabulary",
            "Add graft=false",
            code="TLN-CONFIG-854",
        )
    return lambda trained: Graft(full)(trained, VocabularyInputs()).encoder


def build_module_and_data(spec: RunSpec, encoder: Encoder) -> tuple[PairModule, PairsDataModule]:
    """The training module and the batches that its objectives need.

    Args:
        spec: of the run.
        encoder: as training finds it; its trainable weights are chosen here.
    """
    tags = _languages(spec)
    for objective in active(spec.objectives).values():
        objective.prepare(encoder, tags)
    optim = spec.optimizer
    module = PairModule(
        encoder,
        spec.objectives,
        optim.optimizer,
        optim.scheduler,
        weight_decay=optim.weight_decay,
        new_rows_lr_factor=optim.new_rows_lr_factor,
        layer_decay=optim.layer_decay,
        micro_batch=spec.micro_batch,
    )
    _warn_of_differences(encoder, module.requests, spec.data.max_length)
    if spec.encoder.dropout is not None:  # before adapters, which have a dropout of their own
        set_dropout(encoder, spec.encoder.dropout)
    chosen = spec.encoder
    tags = languages_with_adapters(spec, tags)
    choose_trainable(encoder, chosen.trainable, chosen.frozen_layers, chosen.lora, tags=tags)
    if spec.encoder.gradient_checkpointing:
        checkpoint_layers(encoder)
    if spec.encoder.compile:
        compile_layers(encoder)
    with section("data"):
        data = PairsDataModule(
            spec.pairs,
            encoder.tokenizer,
            spec.data,
            batch_needs(module, encoder),
            positions=encoder.positions,
            prompt=encoder.prompt,
            seed=spec.seed,
        )
    return module, data


def _languages(spec: RunSpec) -> list[str]:
    """Tags of the text that a run is trained on."""
    if spec.data.languages is not None:
        return list(spec.data.languages)
    tags = [*spec.pairs.manifest["languages"]]
    for path in spec.data.also:
        tags += read_manifest(Path(path).expanduser())["languages"]
    return tags


def _warn_of_differences(encoder: Encoder, requests: StateRequests, max_length: int) -> None:
    """Warn where training reads sentence vectors that are not those of the checkpoint, or rows that
    are longer than it takes.
    """
    own = encoder.sentence
    for request in sorted(requests):
        if request.reduction in POOLINGS:
            used = {"pooling": request.reduction, "layer": request.layer}
            warn_of_differences(encoder.name, own, **used)
    if own.max_length is not None and max_length > own.max_length:
        warn_of_differences(encoder.name, own, max_length=max_length)


def build_trainer(
    spec: RunSpec, folder: Path, own: list[pl.Callback], stop: StopRequest, state: RunState
) -> pl.Trainer:
    """The trainer with all its callbacks, without loggers.

    Args:
        spec: of the run.
        folder: the run folder.
        own: callbacks that read batches and metrics, in this order.
        stop: receives the signals that end a run.
        state: facts about the run for checkpoints.
    """
    saving: list[pl.Callback] = [state]
    if spec.checkpoint is not None:
        saving += [RunCheckpoint(folder / CHECKPOINTS, **asdict(spec.checkpoint))]
        saving += [SaveOnSignal(stop)]
    progress = [Progress()] if spec.trainer.progress_bar else []
    return spec.trainer.make(
        logger=False,
        callbacks=[*own, FewSteps(), Throughput(), *progress, *saving],
        plugins=[] if spec.trainer.sharded else [AtomicCheckpointIO()],
        default_root_dir=str(folder),
        enable_checkpointing=spec.checkpoint is not None,
    )


def watching_callbacks(spec: RunSpec, encoder: Encoder, data: PairsDataModule) -> list[pl.Callback]:
    """Callbacks that check the loss, probe during training, and read the probe's metrics. Each may
    use the results of those before it.

    Raises:
        ConfigError: a metric does not exist, or scores of checkpoints would be of earlier steps.
    """
    callbacks: list[pl.Callback] = [StopOnNaN(data.text.names)]
    if spec.loss_by_language:
        callbacks.append(LossByLanguage(data))
    if spec.mixing is not None:
        _require_whole_weights(spec)
        spec.mixing.bind(data)
        callbacks.append(spec.mixing)
    probe, every_n_steps = spec.probe.probe, spec.probe.every_n_steps
    probed: list[str] = []
    if every_n_steps is not None:
        if probe is None:
            raise ConfigError(
                Option("probe_every_n_steps", every_n_steps),
                "there is no probe",
                "Choose a probe",
                code="TLN-CONFIG-855",
            )
        more = None
        if spec.transfer is not None:
            more = (spec.transfer.scores, spec.transfer.metrics)
        while_training = ProbeWhileTraining(probe, spec.pairs, every_n_steps, more)
        with section("probe"):
            probed = while_training.metrics(encoder)
        callbacks.append(while_training)
    monitored = _monitored(spec)
    # metrics of the probe are known now, others when they are first logged
    of_probe = {group: name for group, name in monitored.items() if name.startswith(PROBE_PREFIX)}
    require_metrics(of_probe, probed)
    if "checkpoint" in of_probe:
        with section("checkpoint"):
            _require_scores_of_the_same_step(spec)
    callbacks.append(RequireMetrics(monitored, probed))
    if "early_stopping" in monitored:
        with section("early_stopping"):
            options = asdict(spec.early_stopping)
            options["every_n_steps"] = options["every_n_steps"] or every_n_steps
            callbacks.append(EarlyStop(**options))
    return callbacks


def _require_whole_weights(spec: RunSpec) -> None:
    """Online mixing measures losses outside of the training step."""
    if spec.trainer.sharded:
        raise ConfigError(
            "mixing",
            "sharded weights are whole in the training step only",
            "Use trainer=ddp, or mixing=none",
            code="TLN-CONFIG-859",
        )


def _monitored(spec: RunSpec) -> dict[str, str]:
    """Group of the spec → name of the metric that it monitors."""
    monitored = {}
    if spec.checkpoint is not None:
        monitored["checkpoint"] = spec.checkpoint.monitor
    if spec.early_stopping.monitor is not None:
        monitored["early_stopping"] = spec.early_stopping.monitor
    return monitored


def _require_scores_of_the_same_step(spec: RunSpec) -> None:
    """A checkpoint's score must be that of its own step, and it must be kept."""
    checkpoint, every_n_steps = spec.checkpoint, spec.probe.every_n_steps
    assert checkpoint is not None
    assert every_n_steps is not None
    if checkpoint.save_top_k == 0:
        raise ConfigError(
            Option("monitor", checkpoint.monitor),
            "no checkpoint is kept by it",
            "Add save_top_k=1",
            code="TLN-CONFIG-856",
        )
    if checkpoint.every_n_train_steps % every_n_steps:
        raise ConfigError(
            Option("every_n_train_steps", checkpoint.every_n_train_steps),
            f"not a multiple of probe_every_n_steps={every_n_steps}: scores would be of earlier "
            "steps",
            f"Set every_n_train_steps={every_n_steps}",
            code="TLN-CONFIG-857",
        )
