"""A run from start to finish: probe, train, export, probe again, write what was found."""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.strategies import FSDPStrategy

from transliconet.data.datamodule import PairsDataModule
from transliconet.errors import DataError, StorageError, section
from transliconet.model.encoder import Encoder
from transliconet.model.rows import restore_matrix
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import read_results_file, write_results
from transliconet.probe.sample import Sample
from transliconet.probe.settings import Embedding
from transliconet.report.card import model_card
from transliconet.report.plots import plot_before_after
from transliconet.report.tables import before_after_tables
from transliconet.runs.assemble import (
    build_encoder,
    build_module_and_data,
    build_trainer,
    grafting,
    watching_callbacks,
)
from transliconet.runs.folder import RunPlan, claimed, plan_run, release
from transliconet.runs.hf_folder import encoder_from_checkpoint, export_encoder, save_architecture
from transliconet.runs.sentence_transformer import load_note
from transliconet.runs.spec import RunSpec
from transliconet.storage import storage_errors
from transliconet.train.checkpoint import BEST, RunCheckpoint, fitting_state
from transliconet.train.health import explain_out_of_memory
from transliconet.train.interrupt import StopRequest
from transliconet.train.loggers import close_loggers, log_settings, write_logger_ids
from transliconet.train.module import PairModule
from transliconet.train.run_state import RunState

log = logging.getLogger(__name__)

EXPORT, RESULTS = "export", "results.json"
"""Folder and file that a run leaves in its folder."""

Finish = Callable[[Encoder], Encoder]


@dataclass(frozen=True)
class TrainResult:
    """What a run made. ``records`` maps ``before`` and ``after`` to retrieval records."""

    out: Path
    export: Path
    seconds: float
    steps: int
    records: Mapping[str, list[RetrievalRecord]] = field(default_factory=dict)


@dataclass
class _Run:
    """The objects of one run."""

    spec: RunSpec
    plan: RunPlan
    module: PairModule
    data: PairsDataModule
    trainer: pl.Trainer
    state: RunState
    finish: Finish
    """What is done to the encoder before it is probed and exported, such as grafting."""


def run(spec: RunSpec) -> TrainResult:
    """Train and leave a run folder: ``checkpoints/``, ``export/``, ``results.json``, ``run.json``,
    logs and plots.

    A run that was stopped goes on from its last checkpoint (``spec.output.resume``), and ends as
    one that never was stopped. One that has finished is recognized and left as it is.

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
    plan = plan_run(spec.output, spec.settings)
    stop = StopRequest(plan.last_checkpoint)
    try:
        with stop.listening():
            done = _finished_result(plan)
            if done is not None:
                return _announce(spec, done, "this run has finished:", "")
            prepared = _prepare(spec, plan, stop)
            with claimed(plan), storage_errors(plan.path):
                return _execute(prepared)
    except StorageError as error:
        if plan.last_checkpoint.exists():
            problem = f"{error.problem}; the last checkpoint is {plan.last_checkpoint}"
            remedy = f"{error.remedy}, with resume=last to go on from there"
            code = error.code
            raise StorageError(error.given, problem, remedy, code=code) from error
        raise
    finally:
        release(plan)


def _prepare(spec: RunSpec, plan: RunPlan, stop: StopRequest) -> _Run:
    """Build everything that a run needs, before anything in its folder is changed."""
    finish = grafting(spec) or (lambda encoder: encoder)
    encoder = build_encoder(spec)
    module, data = build_module_and_data(spec, encoder)
    own = watching_callbacks(spec, encoder, data)
    state = RunState(plan.record.id, spec.settings.values)
    with section("trainer"):
        trainer = build_trainer(spec, plan.path, own, stop, state)
    if plan.checkpoint is not None:
        # before the first probe; Lightning would fail deep inside
        fitting_state(plan.checkpoint, encoder.masked_lm)
    return _Run(spec, plan, module, data, trainer, state, finish)


def _finished_result(plan: RunPlan) -> TrainResult | None:
    """The result of a run that has finished; None if there is something left to do."""
    if plan.record.finished is None:
        return None
    try:
        results = read_results_file(plan.path / RESULTS)
        seconds = float(results.content["training"]["seconds"])
    except (DataError, KeyError, TypeError, ValueError):
        return None
    export = plan.path / EXPORT
    if not export.is_dir():
        return None
    return TrainResult(plan.path, export, seconds, plan.record.finished, results.records)


def _execute(run: _Run) -> TrainResult:
    """Probe, train, probe again and write, in the claimed folder."""
    spec, plan, trainer, encoder = run.spec, run.plan, run.trainer, run.module.encoder
    trainer.loggers = spec.trainer.loggers(plan.path)
    probe = spec.probe.probe
    records: dict[str, list[RetrievalRecord]] = {}
    sample: Sample | None = None
    with explain_out_of_memory(spec.data.batch_size, spec.data.max_length):
        if trainer.is_global_zero:
            save_architecture(encoder, plan.path)
        if trainer.is_global_zero and probe is not None:
            log.info("probe before training")
            start = run.finish(encoder)
            with section("probe"):
                records["before"] = probe.run(start, spec.pairs)
            sample = Sample.draw(spec.pairs, probe.languages, probe.split)
            sample.measure("before", start)
        _train(run)
        result = TrainResult(
            plan.path, plan.path / EXPORT, run.state.seconds, trainer.global_step, records
        )
        sharded = isinstance(trainer.strategy, FSDPStrategy)
        if sharded:  # each process has a part of the weights
            trainer.save_checkpoint(plan.last_checkpoint)
        if not trainer.is_global_zero:
            return result
        if sharded:
            encoder = encoder_from_checkpoint(plan.path)
        encoder.to("cpu")
        restore_matrix(encoder)
        encoder = run.finish(encoder)
        if probe is not None and sample is not None:
            log.info("probe after training")
            with section("probe"):
                records["after"] = probe.run(encoder, spec.pairs)
            sample.measure("after", encoder)
            sample.save(plan.path)
    tables = _write(spec, result, encoder)
    replace(plan.record, finished=result.steps).write(plan.path)
    _log_best(trainer, plan.path)
    return _announce(spec, result, "trained", tables)


def _train(run: _Run) -> None:
    trainer = run.trainer
    log_settings(trainer.loggers, run.spec.settings.values)
    write_logger_ids(trainer.loggers, run.plan.path)
    try:
        checkpoint = run.plan.checkpoint
        trainer.fit(run.module, datamodule=run.data, ckpt_path=checkpoint, weights_only=True)
    finally:
        with suppress(OSError):  # a full disk: the error that ended the training says so
            close_loggers(trainer.loggers)


def _write(spec: RunSpec, result: TrainResult, encoder: Encoder) -> str:
    """Write all that a run leaves; returns the tables of the probe."""
    settings = spec.settings.values
    tables = before_after_tables(result.records) if result.records else ""
    probe = spec.probe.probe
    embedding = probe.embedding if probe is not None else Embedding()
    # of several layers, a sentence encoder can use one: the last
    layer = embedding.layer if isinstance(embedding.layer, int) else "last"
    card = model_card(
        encoder.name,
        spec.pairs.manifest,
        settings,
        tables,
        seconds=result.seconds,
        steps=result.steps,
        load_note=load_note(encoder, layer, embedding.pooling),
    )
    # whatever the run folder holds under that name is of this run
    export_encoder(
        encoder,
        result.export,
        card,
        overwrite=True,
        recognize=Path.is_dir,
        layer=layer,
        pooling=embedding.pooling,
    )
    training = {"seconds": round(result.seconds, 1), "steps": result.steps}
    more: dict[str, object] = {"training": training}
    if probe is not None:
        more["passed_over"] = probe.passed_over(spec.pairs).as_dict()
    write_results(result.out / RESULTS, result.records, spec.pairs, settings, **more)
    if result.records:
        plot_before_after(result.records, result.out / "before_after.png")
    return tables


def _log_best(trainer: pl.Trainer, out: Path) -> None:
    """Say which checkpoint scored best, and how to export it."""
    kept = trainer.checkpoint_callback
    if not isinstance(kept, RunCheckpoint) or kept.monitor in (None, "step"):
        return
    if not kept.save_top_k:
        return
    if not kept.best_model_path:
        log.warning("no checkpoint was kept by %s: the run ended before the first", kept.monitor)
        return
    log.info(
        "best by %s (%.4f): %s; transliconet export run=%s checkpoint=%s",
        kept.monitor,
        float(kept.best_model_score or 0),
        Path(kept.best_model_path).name,
        out,
        BEST,
    )


def _announce(spec: RunSpec, result: TrainResult, what: str, tables: str) -> TrainResult:
    if spec.output.show:
        if tables:
            print(f"\n{tables}\n")
        seconds = f"{result.steps} steps in {result.seconds:.0f} s"
        print(f"{what} {seconds}; run folder: {result.out}")
    return result
