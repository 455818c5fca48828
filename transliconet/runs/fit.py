"""Training from Python: one call that writes the same run folder as ``transliconet train``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from transliconet.data.masking import Masking
from transliconet.data.mixture import Alpha
from transliconet.data.settings import DataSettings
from transliconet.errors import require_range
from transliconet.model.encoder import Encoder
from transliconet.model.lora import LoraSettings
from transliconet.objectives.base import Objective
from transliconet.pairs import PairsFolder
from transliconet.probe.base import Probe
from transliconet.runs.result import TrainResult
from transliconet.runs.run import run
from transliconet.runs.spec import (
    CheckpointSpec,
    EarlyStoppingSpec,
    EncoderSpec,
    OptimizerSpec,
    ProbeSpec,
    RunOutput,
    RunSpec,
    Settings,
    TrainerSpec,
    VocabularyStep,
)
from transliconet.third_party import quiet_libraries
from transliconet.tokens.noise import Augment
from transliconet.train.loggers import MetricsCsvLogger
from transliconet.train.mixing import OnlineMixing
from transliconet.train.optim import linear_warmup_decay
from transliconet.vocab.base import VocabularyMethod
from transliconet.vocab.change import VocabularySpec

CHANGEABLE = ("steps", "probe", "probe_every_n_steps", "checkpoints", "early_stopping", "trainer")
"""Settings of :func:`fit` that a resumed run may change."""


@dataclass(frozen=True)
class FitOptions:
    """Further arguments of :func:`fit`; the defaults are those of ``conf/``.

    Args:
        batch_size: pairs a step; each is two rows.
        max_length: rows are truncated to this many tokens, or to what the encoder takes, if that
            is less.
        skip_unchanged: leave out pairs whose romanization equals the text.
        also: more pairs folders to train on, e.g. the same text by another romanizer.
        pivot: languages whose texts with the same id are translations.
        by_language: batches of one language each: hard negatives.
        pairs_per_id: pairs of one id that a batch holds together.
        languages: tags to train on; None takes all.
        weights, alpha: how often the pairs of each language are drawn; see
            :class:`transliconet.data.mixture.Mixture`.
        mixing: changes the shares during training, such as ``Aioli()`` of
            :mod:`transliconet.train.aioli`; None: they stay.
        augment: noisy or mixed-script romanized rows.
        masking: how masked input is made.
        learning_rate: of AdamW after the warm-up, when it is highest.
        warmup: share of all steps in which the learning rate rises.
        weight_decay, new_rows_lr_factor, layer_decay: see
            :func:`transliconet.train.optim.parameter_groups`.
        trainable, frozen_layers, lora: see
            :func:`transliconet.model.trainable.choose_trainable`.
        dropout: probability; None: that of the encoder's configuration.
        start_share: share of the starting weights in those of the export; see
            :class:`transliconet.model.interpolation.StartingWeights`.
        micro_batch: texts encoded at a time (GradCache); None: all.
        accumulate: batches an optimizer step.
        checkpoints: which to keep; None writes none, and the run cannot be resumed.
        early_stopping: ends the run when a metric no longer improves.
        probe_every_n_steps: also probe during training, for curves.
        loss_by_language: also log the mean loss of each language's pairs.
        graft: after ``method=Trim(…)``, put the trained rows back into the full vocabulary.
    """

    batch_size: int = 24
    max_length: int = 512
    skip_unchanged: bool = True
    also: Sequence[str | Path] = ()
    pivot: Sequence[str] = ()
    by_language: bool = False
    pairs_per_id: int = 1
    languages: Sequence[str] | None = None
    weights: Mapping[str, float] | None = None
    alpha: Alpha = 1.0
    mixing: OnlineMixing | None = None
    augment: Augment = field(default_factory=Augment)
    masking: Masking = field(default_factory=Masking)
    learning_rate: float = 2e-5
    warmup: float = 0.1
    weight_decay: float = 0.01
    new_rows_lr_factor: float = 1.0
    layer_decay: float = 1.0
    trainable: str = "all"
    frozen_layers: int = 0
    lora: LoraSettings = field(default_factory=LoraSettings)
    dropout: float | None = None
    start_share: float = 0.0
    micro_batch: int | None = None
    accumulate: int = 1
    checkpoints: CheckpointSpec | None = field(default_factory=CheckpointSpec)
    early_stopping: EarlyStoppingSpec = field(default_factory=EarlyStoppingSpec)
    probe_every_n_steps: int | None = None
    loss_by_language: bool = False
    graft: bool = True

    def __post_init__(self) -> None:
        require_range("learning_rate", self.learning_rate, above=0)


def fit(
    encoder: Encoder,
    pairs: PairsFolder,
    objectives: Mapping[str, Objective],
    out: str | Path,
    *,
    steps: int,
    method: VocabularyMethod | None = None,
    probe: Probe | None = None,
    resume: str | None = None,
    overwrite: bool = False,
    seed: int = 0,
    trainer: Mapping[str, Any] | None = None,
    **options: Any,
) -> TrainResult:
    """Train an encoder on pairs with AdamW, linear warm-up and decay, probing before and after.

    It writes the same run folder as ``transliconet train``. Training on several devices needs the
    command.

    Args:
        encoder: trained in place. With ``method`` another encoder is trained; it is in the export.
        pairs: the part that is not held out is trained on, the other is probed.
        objectives: by name, e.g. ``{"tcm": TransliterationContrast(…)}``; their weighted terms are
            summed.
        out: run folder: ``metrics.csv``, ``results.json``, ``sample.npz``, ``checkpoints/``,
            ``export/``.
        steps: optimizer steps.
        method: a change of the vocabulary before training, such as ``TransMI()``.
        probe: run before and after; None leaves it out.
        resume: checkpoint to resume from; ``last``: the last one in ``out``, if there is one. The
            encoder must be the one that the run started with.
        overwrite: start over in a folder that holds a run.
        seed: of everything random.
        trainer: more arguments of ``pytorch_lightning.Trainer``.
        options: see :class:`FitOptions`.

    Returns:
        The folders that were written, the number of steps, the training time and the records.

    Raises:
        ConfigError: an option has a value that cannot be used, or ``out`` holds a run.
        DataError: no training pair is left, or nothing to probe.
        TrainingError: the loss is not a number, or memory runs out.
        Interrupted: the run was stopped by a signal; ``resume="last"`` continues it.
    """
    require_range("steps", steps, least=1)
    chosen = FitOptions(**options)
    step = None
    if method is not None:
        step = VocabularyStep(VocabularySpec(method), chosen.languages, chosen.graft)
    settings = {
        "encoder": encoder.name,
        "prompt": encoder.prompt,
        "objective": {name: _recorded(objective) for name, objective in objectives.items()},
        "method": _recorded(method),
        "steps": steps,
        "seed": seed,
        "probe": probe.settings() if probe else None,
        "trainer": {name: str(value) for name, value in (trainer or {}).items()},
        **_recorded(chosen),
    }
    spec = RunSpec(
        pairs=pairs,
        encoder=EncoderSpec(
            make=lambda _: encoder,
            source=encoder.name,
            trainable=chosen.trainable,
            frozen_layers=chosen.frozen_layers,
            lora=chosen.lora,
            dropout=chosen.dropout,
            start_share=chosen.start_share,
        ),
        vocabulary=step,
        objectives=objectives,
        optimizer=_optimizer(chosen),
        data=_data(chosen, encoder.positions),
        mixing=chosen.mixing,
        micro_batch=chosen.micro_batch,
        loss_by_language=chosen.loss_by_language,
        trainer=TrainerSpec(
            make=partial(_trainer, chosen, steps, trainer or {}),
            loggers=lambda folder: [MetricsCsvLogger(folder)],
        ),
        probe=ProbeSpec(probe, chosen.probe_every_n_steps),
        checkpoint=chosen.checkpoints,
        early_stopping=chosen.early_stopping,
        output=RunOutput(Path(out), resume, overwrite),
        settings=Settings(settings, CHANGEABLE),
        seed=seed,
    )
    with quiet_libraries():
        return run(spec)


def _optimizer(options: FitOptions) -> OptimizerSpec:
    return OptimizerSpec(
        optimizer=partial(torch.optim.AdamW, lr=options.learning_rate),
        scheduler=partial(linear_warmup_decay, warmup=options.warmup),
        weight_decay=options.weight_decay,
        new_rows_lr_factor=options.new_rows_lr_factor,
        layer_decay=options.layer_decay,
    )


def _data(options: FitOptions, positions: int) -> DataSettings:
    return DataSettings(
        batch_size=options.batch_size,
        max_length=min(options.max_length, positions),
        languages=options.languages,
        skip_unchanged=options.skip_unchanged,
        also=options.also,
        pivot=options.pivot,
        by_language=options.by_language,
        pairs_per_id=options.pairs_per_id,
        weights=options.weights,
        alpha=options.alpha,
        augment=options.augment,
        masking=options.masking,
    )


def _trainer(options: FitOptions, steps: int, more: Mapping[str, Any], **own: Any) -> pl.Trainer:
    arguments = {
        "max_steps": steps,
        "accelerator": "auto",
        "devices": 1,
        "gradient_clip_val": 1.0,
        "log_every_n_steps": 10,
        "accumulate_grad_batches": options.accumulate,
        "enable_model_summary": False,
        "enable_progress_bar": False,
        "use_distributed_sampler": False,
        **more,
    }
    callbacks = [*own.pop("callbacks"), *arguments.pop("callbacks", [])]
    return pl.Trainer(**arguments, **own, callbacks=callbacks)


def _recorded(value: Any) -> Any:
    """A setting as a plain value: a dataclass becomes a dictionary, anything else a string."""
    if value is None:
        return None
    if not is_dataclass(value) or isinstance(value, type):
        return str(value)
    recorded = {}
    for each in fields(value):
        content = getattr(value, each.name)
        if each.name == "also":
            content = [str(folder) for folder in content]
        elif is_dataclass(content):
            content = _recorded(content)
        recorded[each.name] = content
    return recorded
