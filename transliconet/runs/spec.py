"""Everything that decides a run, in groups: what the command line and :func:`transliconet.fit`
both fill.

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
from transliconet.objectives.base import Objective
from transliconet.pairs import PairsFolder
from transliconet.probe.retrieval import RetrievalProbe
from transliconet.train.module import MakeOptimizer, MakeScheduler
from transliconet.vocab.change import VocabularySpec


@dataclass(frozen=True)
class EncoderSpec:
    """The encoder and which of its weights are trained.

    Args:
        make: from the pairs folder to the encoder; called after the random seed is set.
        source: folder or hub name that it came from; None where it is made from scratch.
        trainable, frozen_layers: see :func:`transliconet.model.trainable.choose_trainable`.
        dropout: in training; None: what its configuration says.
        gradient_checkpointing: less memory, a third slower.
        compile: ``torch.compile`` of each layer.
    """

    make: Callable[[PairsFolder], Encoder]
    source: str | None = None
    trainable: str = "all"
    frozen_layers: int = 0
    dropout: float | None = None
    gradient_checkpointing: bool = False
    compile: bool = False


@dataclass(frozen=True)
class VocabularyStep:
    """A change of the vocabulary before training.

    Args:
        spec: the method and what it works with.
        languages: tags of the text that it learns from; None takes all.
        graft: after :class:`transliconet.vocab.trim.Trim`, put the trained rows back into the full
            vocabulary before the encoder is probed and exported.
    """

    spec: VocabularySpec
    languages: Sequence[str] | None = None
    graft: bool = True


@dataclass(frozen=True)
class OptimizerSpec:
    """Arguments of :class:`transliconet.train.module.PairModule` of the same names."""

    optimizer: MakeOptimizer
    scheduler: MakeScheduler | None = None
    weight_decay: float = 0.01
    new_rows_lr_factor: float = 1.0
    layer_decay: float = 1.0


@dataclass(frozen=True)
class CheckpointSpec:
    """Which checkpoints are kept beside the last.

    Args:
        save_top_k: how many; -1 keeps all.
        monitor: ``step``, the latest are kept; or a metric.
        mode: what is better: ``max`` or ``min``.
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
    """Arguments of :class:`transliconet.train.early_stopping.EarlyStop`; off where ``monitor`` is
    None. ``every_n_steps`` None: that of the probe.
    """

    monitor: str | None = None
    mode: str = "max"
    patience: int = 3
    min_delta: float = 0.0
    every_n_steps: int | None = None


@dataclass(frozen=True)
class ProbeSpec:
    """The retrieval probe before and after training, and every ``every_n_steps`` optimizer steps
    between; None: not then.
    """

    probe: RetrievalProbe | None = None
    every_n_steps: int | None = None


@dataclass(frozen=True)
class TrainerSpec:
    """How Lightning runs.

    Args:
        make: from ``callbacks``, ``plugins``, ``logger`` and ``default_root_dir`` to a trainer.
        loggers: from the run folder to its loggers.
        sharded: weights are spread over devices (FSDP).
        progress_bar: show one.
    """

    make: Callable[..., pl.Trainer]
    loggers: Callable[[Path], list[Logger]]
    sharded: bool = False
    progress_bar: bool = False


@dataclass(frozen=True)
class RunOutput:
    """Where a run goes, and what is there already.

    Args:
        out: the run folder.
        resume: checkpoint to go on from; ``last``: that of ``out``, if it has one.
        overwrite: start over in a folder that holds a run.
        numbered: ``out`` is a default name: take the next free one, ``NAME-2``, …
        show: print the tables of the probe and where the results are.
    """

    out: Path
    resume: str | None = None
    overwrite: bool = False
    numbered: bool = False
    show: bool = False


@dataclass(frozen=True)
class Settings:
    """What is recorded of a run.

    Args:
        values: plain nested containers.
        changeable: dotted keys, or their beginnings, that a resumed run may change: they are
            applied. All others are decided by the checkpoint.
        place: keys that say where and how a run is executed, not what it is.
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
        vocabulary: how the vocabulary is changed before training; None leaves it as it is.
        checkpoint: which checkpoints are kept; None writes none.
        objectives: by name.
        data: which pairs are trained on, and how they are batched.
        micro_batch: texts encoded at a time (GradCache); None: all.
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
    vocabulary: VocabularyStep | None = None
    probe: ProbeSpec = field(default_factory=ProbeSpec)
    checkpoint: CheckpointSpec | None = field(default_factory=CheckpointSpec)
    early_stopping: EarlyStoppingSpec = field(default_factory=EarlyStoppingSpec)
    micro_batch: int | None = None
    seed: int = 0
