"""All settings of a run, in groups. The command line and :func:`transliconet.fit` both fill them.

Defaults are those of ``conf/``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers import Logger

from transliconet.data.settings import DataSettings
from transliconet.errors import ConfigError, Option, require_choice
from transliconet.model.encoder import Encoder
from transliconet.model.lora import LoraSettings
from transliconet.objectives.base import Objective
from transliconet.pairs import PairsFolder
from transliconet.probe.base import Probe
from transliconet.runs.transfer import TransferSpec
from transliconet.train.mixing import OnlineMixing
from transliconet.train.module import MakeOptimizer, MakeScheduler
from transliconet.vocab.change import VocabularySpec


@dataclass(frozen=True)
class EncoderSpec:
    """The encoder and which of its weights are trained.

    Args:
        make: makes the encoder, given the pairs folder; called after the random seed is set.
        source: folder or hub name of the encoder; None if it is made from scratch.
        trainable, frozen_layers, lora: see
            :func:`transliconet.model.trainable.choose_trainable`.
        dropout: probability in training; None: that of the encoder's configuration.
        start_share: see :class:`transliconet.model.interpolation.StartingWeights`.
        gradient_checkpointing: compute activations again in the backward pass: less memory, a third
            slower.
        compile: compile each layer by ``torch.compile``.
    """

    make: Callable[[PairsFolder], Encoder]
    source: str | None = None
    trainable: str = "all"
    frozen_layers: int = 0
    lora: LoraSettings = field(default_factory=LoraSettings)
    dropout: float | None = None
    start_share: float = 0.0
    gradient_checkpointing: bool = False
    compile: bool = False


@dataclass(frozen=True)
class VocabularyStep:
    """A change of the vocabulary before training.

    Args:
        spec: the method and its settings.
        languages: tags of the text that it learns from; None takes all.
        graft: after :class:`transliconet.vocab.trim.Trim`, put the trained rows back into the full
            vocabulary before the encoder is probed and exported.
    """

    spec: VocabularySpec
    languages: Sequence[str] | None = None
    graft: bool = True


@dataclass(frozen=True)
class OptimizerSpec:
    """Arguments of the same names of :class:`transliconet.train.module.PairModule`."""

    optimizer: MakeOptimizer
    scheduler: MakeScheduler | None = None
    weight_decay: float = 0.01
    new_rows_lr_factor: float = 1.0
    layer_decay: float = 1.0


@dataclass(frozen=True)
class CheckpointSpec:
    """Which checkpoints are kept beside the last.

    Args:
        save_top_k: number of checkpoints to keep; -1 keeps all.
        monitor: a metric by which the best are kept, or ``step``, which keeps the latest.
        mode: ``max`` or ``min``, whether higher or lower values are better.
        every_n_train_steps: optimizer steps between two checkpoints.
    """

    save_top_k: int = 0
    monitor: str = "step"
    mode: str = "max"
    every_n_train_steps: int = 1000

    def __post_init__(self) -> None:
        require_choice("mode", self.mode, ("max", "min"))
        for name, least in (("save_top_k", -1), ("every_n_train_steps", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ConfigError(
                    Option(name, value),
                    "not a usable number",
                    f"Give a whole number >= {least}",
                    code="TLN-CONFIG-851",
                )


@dataclass(frozen=True)
class EarlyStoppingSpec:
    """Arguments of the same names of :class:`transliconet.train.early_stopping.EarlyStop`.

    ``monitor`` None turns early stopping off. ``every_n_steps`` None: the interval of the probe.
    """

    monitor: str | None = None
    mode: str = "max"
    patience: int = 3
    min_delta: float = 0.0
    every_n_steps: int | None = None


@dataclass(frozen=True)
class ProbeSpec:
    """The retrieval probe before and after training. With ``every_n_steps`` it also runs during
    training, at that interval in optimizer steps.
    """

    probe: Probe | None = None
    every_n_steps: int | None = None


@dataclass(frozen=True)
class TrainerSpec:
    """Lightning's trainer and loggers.

    Args:
        make: makes the trainer, given ``callbacks``, ``plugins``, ``logger`` and
            ``default_root_dir``.
        loggers: makes the loggers, given the run folder.
        sharded: whether weights are spread over devices (FSDP).
        progress_bar: whether to show a progress bar.
    """

    make: Callable[..., pl.Trainer]
    loggers: Callable[[Path], list[Logger]]
    sharded: bool = False
    progress_bar: bool = False


@dataclass(frozen=True)
class RunOutput:
    """The run folder, and what to do with a run in it.

    Args:
        out: the run folder.
        resume: checkpoint to resume from; ``last``: the last one in ``out``, if there is one.
        overwrite: start over in a folder that holds a run.
        numbered: ``out`` is a default name; if it is taken, use ``NAME-2``, …
        show: print the tables of the probe and the place of the results.
    """

    out: Path
    resume: str | None = None
    overwrite: bool = False
    numbered: bool = False
    show: bool = False


@dataclass(frozen=True)
class Settings:
    """The settings that a run records.

    Args:
        values: plain nested containers.
        changeable: dotted keys, or their beginnings, that a resumed run may change. For all others
            the values of the checkpoint's run are required.
        place: keys that say where and how a run is executed. They may always change.
    """

    values: Mapping[str, Any]
    changeable: Sequence[str] = ()
    place: Sequence[str] = ()


@dataclass(frozen=True)
class RunSpec:
    """All that :func:`transliconet.runs.run.run` needs.

    Args:
        pairs: the pairs folder to train on and to probe with.
        encoder, optimizer, trainer, probe, early_stopping, output, settings: see their classes.
        transfer: a task that measures the encoder before and after training; None: none.
        vocabulary: how the vocabulary is changed before training; None leaves it as it is.
        checkpoint: which checkpoints are kept; None writes none.
        objectives: by name.
        data: which pairs are trained on, and how they are batched.
        mixing: changes the shares of languages during training; None: they stay.
        micro_batch: texts encoded at a time (GradCache); None: all.
        loss_by_language: whether the mean loss of each language's pairs is logged.
        seed: of everything random.
    """

    pairs: PairsFolder
    encoder: EncoderSpec
    objectives: Mapping[str, Objective | None]
    optimizer: OptimizerSpec
    trainer: TrainerSpec
    output: RunOutput
    settings: Settings
    data: DataSettings = field(default_factory=DataSettings)
    mixing: OnlineMixing | None = None
    vocabulary: VocabularyStep | None = None
    probe: ProbeSpec = field(default_factory=ProbeSpec)
    transfer: TransferSpec | None = None
    checkpoint: CheckpointSpec | None = field(default_factory=CheckpointSpec)
    early_stopping: EarlyStoppingSpec = field(default_factory=EarlyStoppingSpec)
    micro_batch: int | None = None
    loss_by_language: bool = False
    seed: int = 0
