"""A run from start to finish: probe, train, probe again, export, and write the results."""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import pytorch_lightning as pl
from pytorch_lightning.strategies import FSDPStrategy

from transliconet.data.datamodule import PairsDataModule
from transliconet.downstream.transfer import TransferResult
from transliconet.errors import Option, StorageError, section
from transliconet.model.encoder import Encoder
from transliconet.model.interpolation import StartingWeights
from transliconet.model.merge_adapters import merge_adapters
from transliconet.model.rows import merge_state, restore_matrix
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.sample import Sample
from transliconet.probe.shareable import shareable
from transliconet.runs.adapter_folder import RunAdapters, adapter_base
from transliconet.runs.assemble import (
    build_encoder,
    build_module_and_data,
    build_trainer,
    grafting,
    watching_callbacks,
)
from transliconet.runs.folder import RunPlan, claimed, plan_run, release
from transliconet.runs.hf_folder import encoder_from_checkpoint, save_architecture
from transliconet.runs.result import (
    EXPORT,
    TrainResult,
    adapter_name,
    announce,
    finished_result,
    log_best_checkpoint,
    write_result,
)
from transliconet.runs.spec import RunSpec
from transliconet.storage import storage_errors
from transliconet.train.checkpoint import fitting_state, restoring
from transliconet.train.health import explain_out_of_memory, warn_of_slow_bfloat16
from transliconet.train.interrupt import StopRequest
from transliconet.train.languages import LanguagesRead
from transliconet.train.loggers import close_loggers, log_settings, write_logger_ids
from transliconet.train.module import PairModule
from transliconet.train.run_state import RunState

log = logging.getLogger(__name__)

Finish = Callable[[Encoder], Encoder]


@dataclass
class _Run:
    """Everything that a run needs.

    Args:
        spec: all settings of the run.
        plan: the run folder, and the checkpoint to resume from.
        module, data, trainer: the objects that Lightning works with.
        state: facts about the run for checkpoints, the starting weights among them.
        languages: knows how many pairs of each language were read.
        finish: applied to the encoder before it is probed and exported, such as grafting.
    """

    spec: RunSpec
    plan: RunPlan
    module: PairModule
    data: PairsDataModule
    trainer: pl.Trainer
    state: RunState
    languages: LanguagesRead
    finish: Finish


def run(spec: RunSpec) -> TrainResult:
    """Train, and write a run folder: ``checkpoints/``, ``export/``, ``results.json``, ``run.json``,
    logs and plots.

    With ``spec.output.resume``, a run that was stopped continues from its last checkpoint and
    gives the same weights as one that was never stopped. A run that has finished is recognized
    and left as it is.

    Args:
        spec: all settings of the run.

    Returns:
        The outcome. With several processes, only the first has the records after training.

    Raises:
        ConfigError: an option has a value that cannot be used, or the folder holds another run.
        DataError: no training pair is left, or nothing to probe.
        CheckpointError: the checkpoint to resume from is missing, damaged or of another encoder, or
            decides a setting that was changed.
        TrainingError: the loss is not a number, or memory runs out.
        StorageError: the disk is full or read-only, or another process runs in the folder.
        Interrupted: a signal stopped the run.
    """
    pl.seed_everything(spec.seed, workers=True, verbose=False)
    with storage_errors(Option("out", spec.output.out)):
        plan = plan_run(spec.output, spec.settings)
    stop = StopRequest(plan.last_checkpoint)
    try:
        with stop.listening():
            done = finished_result(plan)
            if done is not None:
                return announce(spec, done, "this run has finished:", "")
            prepared = _prepare(spec, plan, stop)
            with claimed(plan), storage_errors(plan.path):
                return _execute(prepared)
    except StorageError as error:
        if os.path.exists(plan.last_checkpoint):  # also False for a name that is too long
            problem = f"{error.problem}; the last checkpoint is {plan.last_checkpoint}"
            remedy = f"{error.remedy}, with resume=last to go on from there"
            code = error.code
            raise StorageError(error.given, problem, remedy, code=code) from error
        raise
    finally:
        release(plan)


def _prepare(spec: RunSpec, plan: RunPlan, stop: StopRequest) -> _Run:
    """Build everything that a run needs, before anything in its folder is changed.

    Args:
        spec: all settings of the run.
        plan: the run folder, and the checkpoint to resume from.
        stop: receives the signals that end a run.

    Raises:
        ConfigError, CheckpointError: see :func:`run`.
    """
    finish = grafting(spec) or (lambda encoder: encoder)
    encoder = build_encoder(spec)
    chosen = spec.encoder
    start = StartingWeights.from_encoder(encoder, chosen.start_share, chosen.trainable)
    module, data = build_module_and_data(spec, encoder)
    languages = LanguagesRead(data)
    watching = [*watching_callbacks(spec, encoder, data), languages]
    state = RunState(plan.record.id, spec.settings.values, start)
    trainer = build_trainer(spec, plan.path, watching, stop=stop, state=state)
    if plan.checkpoint is not None:
        # refuse a checkpoint that does not fit before the first probe, not deep inside Lightning
        expected = dict(encoder.state_dict())
        merge_state(expected, "", encoder)
        fitting_state(plan.checkpoint, expected)
    return _Run(
        spec=spec,
        plan=plan,
        module=module,
        data=data,
        trainer=trainer,
        state=state,
        languages=languages,
        finish=finish,
    )


def _execute(run: _Run) -> TrainResult:
    """Probe, train, probe again and write, in the claimed folder."""
    spec, plan, trainer = run.spec, run.plan, run.trainer
    trainer.loggers = spec.trainer.loggers(plan.path)
    records: dict[str, list[RetrievalRecord]] = {}
    transfers: dict[str, TransferResult] = {}
    sample: Sample | None = None
    adapters: RunAdapters | None = None
    base = adapter_base(spec, run.module.encoder)
    with explain_out_of_memory(spec.data.batch_size, spec.data.max_length):
        if trainer.is_global_zero:
            save_architecture(run.module.encoder, plan.path, base)
            sample = _probe_before(run, records)
            if spec.transfer is not None:
                transfers["before"] = spec.transfer.run(run.finish(run.module.encoder))
        _train(run)
        encoder = _trained_encoder(run)
        if encoder is not None:
            run.state.start.blend_into(encoder)
            adapters = RunAdapters.from_encoder(encoder, base) if base else None
            if encoder.adapters is None:
                merge_adapters(encoder)
            encoder = run.finish(encoder)
            _probe_after(run, encoder, records, sample)
            if spec.transfer is not None:
                transfers["after"] = spec.transfer.run(encoder)
    result = TrainResult(
        out=plan.path,
        export=plan.path / EXPORT,
        seconds=run.state.seconds,
        steps=trainer.global_step,
        records=records,
        transfer=transfers,
        pairs=run.languages.pairs,
    )
    if encoder is None:
        return result
    merge_adapters(encoder)  # those per language or script, which have been probed apart
    tables = write_result(spec, result, encoder, adapters)
    if adapters is not None:
        result = replace(result, adapter=plan.path / adapter_name(adapters))
    replace(plan.record, finished=result.steps).write(plan.path)
    log_best_checkpoint(trainer, plan.path)
    return announce(spec, result, "trained", tables)


def _probe_before(run: _Run, records: dict[str, list[RetrievalRecord]]) -> Sample | None:
    """Probe the encoder before training.

    Args:
        run: its probe may be None: then nothing is done.
        records: get the records of the stage ``before``.

    Returns:
        Held-out pairs with their vectors, for figures.
    """
    probe, pairs = run.spec.probe.probe, run.spec.pairs
    if probe is None:
        return None
    log.info("probe before training")
    encoder = run.finish(run.module.encoder)
    with section("probe"):
        records["before"] = probe.run(encoder, pairs)
    sample = probe.sample(pairs)
    sample.measure("before", encoder)
    return sample


def _probe_after(
    run: _Run, encoder: Encoder, records: dict[str, list[RetrievalRecord]], sample: Sample | None
) -> None:
    """Probe the trained encoder, and save the vectors of the sample."""
    probe = run.spec.probe.probe
    if probe is None or sample is None:
        return
    log.info("probe after training")
    with section("probe"):
        records["after"] = probe.run(encoder, run.spec.pairs)
    sample.measure("after", encoder)
    sample.save(run.plan.path)


def _trained_encoder(run: _Run) -> Encoder | None:
    """The trained encoder, on the CPU, with its adapters still in it; None in processes other than
    the first.
    """
    trainer, encoder = run.trainer, run.module.encoder
    sharded = isinstance(trainer.strategy, FSDPStrategy)
    if sharded:  # each process has a part of the weights; a checkpoint gathers them
        trainer.save_checkpoint(run.plan.last_checkpoint)
    if not trainer.is_global_zero:
        return None
    if sharded:
        encoder = encoder_from_checkpoint(run.plan.path)
    encoder.to("cpu")
    restore_matrix(encoder)
    return encoder


def _train(run: _Run) -> None:
    trainer = run.trainer
    warn_of_slow_bfloat16(trainer)
    log_settings(trainer.loggers, shareable(run.spec.settings.values))
    write_logger_ids(trainer.loggers, run.plan.path)
    try:
        checkpoint = run.plan.checkpoint
        with restoring(checkpoint, lambda: run.state.has_begun):
            trainer.fit(run.module, datamodule=run.data, ckpt_path=checkpoint, weights_only=True)
    finally:
        with suppress(OSError):  # a full disk, which the error that ended training reports
            close_loggers(trainer.loggers)
