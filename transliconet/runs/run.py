"""A run from start to finish: probe, train, export, probe again, write what was found."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.strategies import FSDPStrategy

from transliconet.errors import section
from transliconet.model.encoder import Encoder
from transliconet.model.rows import restore_table
from transliconet.pairs import PairsFolder
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import write_results
from transliconet.probe.retrieval import RetrievalProbe
from transliconet.probe.sample import Sample
from transliconet.report.card import model_card
from transliconet.report.plots import plot_before_after
from transliconet.report.tables import before_after_tables
from transliconet.runs.export import (
    encoder_from_checkpoint,
    export_encoder,
    fitting_state,
    save_skeleton,
)
from transliconet.train.loggers import close, log_settings
from transliconet.train.module import PairModule

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainResult:
    """What a run made. ``records`` maps ``before`` and ``after`` to retrieval records."""

    out: Path
    export: Path
    seconds: float
    steps: int
    records: Mapping[str, list[RetrievalRecord]] = field(default_factory=dict)


def run_training(
    module: PairModule,
    data: pl.LightningDataModule,
    trainer: pl.Trainer,
    pairs: PairsFolder,
    out: str | Path,
    probe: RetrievalProbe | None = None,
    resume: str | Path | None = None,
    config: Mapping | None = None,
    finish: Callable[[Encoder], Encoder] | None = None,
    show: bool = True,
) -> TrainResult:
    """Train ``module`` and leave a run folder.

    Args:
        module, data, trainer: as Lightning has them.
        pairs: the folder that ``data`` reads; its held-out part is what the probe looks at.
        out: gets ``checkpoints/``, ``export/``, ``results.json`` and ``before_after.png``.
        probe: run before and after training; None leaves it out.
        resume: checkpoint to go on from.
        config: plain settings, for ``results.json`` and the model card.
        finish: what is done to the encoder before it is probed, before and after training, and
            exported, such as grafting (:class:`transliconet.vocab.graft.Graft`); None: nothing.
        show: print the tables of the probe and where the results are.

    Raises:
        CheckpointError: ``resume`` is not there, is damaged, or is of another encoder.
    """
    out = Path(out)
    encoder = module.encoder
    if resume is not None:
        # before the first probe; Lightning would fail deep inside
        fitting_state(resume, encoder.masked_lm)
    records: dict[str, list[RetrievalRecord]] = {}
    if trainer.is_global_zero:
        save_skeleton(encoder, out)
        if probe:
            log.info("probe before training")
            start = finish(encoder) if finish else encoder
            with section("probe"):
                records["before"] = probe.run(start, pairs)
            sample = Sample.draw(pairs, probe.languages, probe.split)
            sample.measure("before", start)
    log_settings(trainer.loggers, config or {})
    started = time.monotonic()
    try:
        trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=True)
    finally:
        close(trainer.loggers)
    seconds = time.monotonic() - started
    result = TrainResult(out, out / "export", seconds, trainer.global_step, records)
    if isinstance(trainer.strategy, FSDPStrategy):
        # each process has a part of the weights
        trainer.save_checkpoint(out / "checkpoints" / "last.ckpt")
    if not trainer.is_global_zero:
        return result
    if isinstance(trainer.strategy, FSDPStrategy):
        encoder = encoder_from_checkpoint(out)
    _say_what_was_chosen(trainer, out)
    encoder.to("cpu")
    restore_table(encoder)
    encoder = finish(encoder) if finish else encoder
    if probe:
        log.info("probe after training")
        with section("probe"):
            records["after"] = probe.run(encoder, pairs)
        sample.measure("after", encoder)
        sample.save(out)
    tables = _write(result, encoder, pairs, config or {}, probe)
    if show:
        if tables:
            print(f"\n{tables}\n")
        print(f"trained {result.steps} steps in {seconds:.0f} s; run folder: {out}")
    return result


def _say_what_was_chosen(trainer: pl.Trainer, out: Path) -> None:
    chosen = trainer.checkpoint_callback
    if (
        not isinstance(chosen, ModelCheckpoint)
        or chosen.monitor in (None, "step")
        or not chosen.save_top_k
    ):
        return
    if not chosen.best_model_path:
        log.warning("no checkpoint was kept by %s: the run ended before the first", chosen.monitor)
        return
    score, name = float(chosen.best_model_score or 0), Path(chosen.best_model_path).name
    log.info(
        "best by %s (%.4f): %s; transliconet export run=%s checkpoint=best",
        chosen.monitor,
        score,
        name,
        out,
    )


def _write(
    result: TrainResult,
    encoder: Encoder,
    pairs: PairsFolder,
    config: Mapping,
    probe: RetrievalProbe | None,
) -> str:
    """Write all that a run leaves; returns the tables of the probe."""
    tables = before_after_tables(result.records) if result.records else ""
    card = model_card(encoder.name, pairs.manifest, config, tables, result.seconds, result.steps)
    # whatever the run folder holds under that name is of this run
    export_encoder(encoder, result.export, card, overwrite=True, recognize=Path.is_dir)
    more: dict[str, object] = {
        "training": {"seconds": round(result.seconds, 1), "steps": result.steps}
    }
    if probe:
        more["passed_over"] = probe.passed_over(pairs).as_dict()
    write_results(result.out / "results.json", result.records, pairs, config, **more)
    if result.records:
        plot_before_after(result.records, result.out / "before_after.png")
    return tables
