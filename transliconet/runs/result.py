"""The outcome of a run: files and messages at its end."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytorch_lightning as pl

from transliconet.downstream.outcomes import write_item_outcomes
from transliconet.downstream.transfer import TransferResult
from transliconet.errors import DataError
from transliconet.model.encoder import Encoder
from transliconet.model.trainable import WITH_ADAPTERS
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import pairs_data, read_results_file, write_results
from transliconet.probe.settings import Embedding
from transliconet.report.card import model_card, revision_of
from transliconet.report.documents import side_by_side, without_documents
from transliconet.report.plots import plot_before_after
from transliconet.report.tables import before_after_tables
from transliconet.report.transfer import transfer_markdown
from transliconet.report.typed import plotted_task, romanizer_of
from transliconet.runs.adapter_folder import RunAdapters, export_adapters
from transliconet.runs.folder import RunPlan
from transliconet.runs.hf_folder import export_encoder
from transliconet.runs.sentence_transformer import load_note
from transliconet.runs.spec import RunSpec
from transliconet.runs.transfer import results_content, staged_records
from transliconet.train.checkpoint import BEST, RunCheckpoint

log = logging.getLogger(__name__)

EXPORT, RESULTS = "export", "results.json"
"""Export and results file in a run folder."""
ADAPTER, ADAPTERS = "adapter", "adapters"
"""Adapters in a run folder: one for all texts; those per language or script."""
MEAN_NOTE = (
    "The scores are those of adapters per {per}. This folder has the mean of them in its weights, "
    "for text in any other; the adapters themselves are in `adapters/` of the run."
)


@dataclass(frozen=True)
class TrainResult:
    """The outcome of a run.

    Args:
        out: the run folder.
        export: the Hugging Face folder in it.
        adapter: the folder of adapters in it, one or per language or script; None if none were
            trained, or if they belong to no encoder that can be loaded.
        seconds: duration of the training, without the probes.
        steps: optimizer steps.
        records: retrieval records by stage, ``before`` and ``after`` training.
        transfer: what the task has shown, by stage; empty without a task.
        pairs: language → number of its pairs that were trained on, repetitions included.
    """

    out: Path
    export: Path
    seconds: float
    steps: int
    records: Mapping[str, list[RetrievalRecord]] = field(default_factory=dict)
    adapter: Path | None = None
    transfer: Mapping[str, TransferResult] = field(default_factory=dict)
    pairs: Mapping[str, int] = field(default_factory=dict)


def finished_result(plan: RunPlan) -> TrainResult | None:
    """The result of a run that has finished; None if it has not, or if files are missing."""
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
    return TrainResult(
        out=plan.path,
        export=export,
        seconds=seconds,
        steps=plan.record.finished,
        records=results.records,
        adapter=_adapter_folder(plan.path),
    )


def _adapter_folder(run: Path) -> Path | None:
    folders = [run / name for name in (ADAPTER, ADAPTERS) if (run / name).is_dir()]
    return folders[0] if folders else None


def adapter_name(adapters: RunAdapters) -> str:
    """The name of the folder of adapters in a run folder."""
    return ADAPTER if adapters.per is None else ADAPTERS


def write_result(
    spec: RunSpec, result: TrainResult, encoder: Encoder, adapters: RunAdapters | None = None
) -> str:
    """Write the export, adapters, the results file and the plots.

    Returns:
        The tables of the probe, as Markdown; empty without a probe.
    """
    settings = spec.settings.values
    probe = spec.probe.probe
    data = pairs_data(spec.pairs)
    if probe is not None:
        data.update(probe.data(spec.pairs))
    of_pairs = without_documents(result.records)
    parts = [side_by_side(result.records, romanizer_of(data))]
    if of_pairs:
        parts.append(before_after_tables(of_pairs))
    if result.transfer:
        parts.append(transfer_markdown(results_content(result.transfer)["transfer"]))
    tables = "\n\n".join(part for part in parts if part)
    embedding = probe.embedding if probe is not None else Embedding()
    # a sentence encoder uses one layer: where several were probed, it is the last one
    layer: int | str = "auto"
    if isinstance(embedding.layer, int) or embedding.layer == "last":
        layer = embedding.layer
    card = model_card(
        encoder.name,
        spec.pairs.manifest,
        settings,
        _with_note_of_mean(tables, spec),
        seconds=result.seconds,
        steps=result.steps,
        load_note=load_note(encoder, layer, embedding.pooling),
    )
    # a folder of that name inside the run folder belongs to this run, and may be replaced
    export_encoder(
        encoder,
        result.export,
        card,
        overwrite=True,
        recognize=Path.is_dir,
        layer=layer,
        pooling=embedding.pooling,
    )
    if adapters is not None:
        export_adapters(
            adapters,
            encoder,
            result.out / adapter_name(adapters),
            overwrite=True,
            recognize=Path.is_dir,
            layer=layer,
            pooling=embedding.pooling,
        )
    training: dict[str, object] = {"seconds": round(result.seconds, 1), "steps": result.steps}
    if result.pairs:
        training["pairs"] = dict(result.pairs)
    more: dict[str, object] = {"training": training, "prompt": encoder.prompt}
    if revision := revision_of(encoder.name):
        more["revision"] = revision
    if probe is not None:
        more["passed_over"] = probe.passed_over(spec.pairs).as_dict()
    if result.transfer:
        more.update(results_content(result.transfer))
        staged = staged_records(result.transfer)
        more["transfer_outcomes"] = write_item_outcomes(result.out / RESULTS, staged)
    write_results(result.out / RESULTS, result.records, data, settings, **more)
    if result.records:
        plot = result.out / "before_after.png"
        plot_before_after(result.records, plot, plotted_task(result.records["after"]))
    return tables


def _with_note_of_mean(tables: str, spec: RunSpec) -> str:
    """The tables of a card, after a note of what they are of, where the export has merged adapters
    per language or script.
    """
    per = spec.encoder.lora.per
    if per is None or spec.encoder.trainable not in WITH_ADAPTERS:
        return tables
    return f"{MEAN_NOTE.format(per=per)}\n\n{tables}"


def log_best_checkpoint(trainer: pl.Trainer, out: Path) -> None:
    """Log which checkpoint scored best, and the command that exports it."""
    kept = trainer.checkpoint_callback
    if not isinstance(kept, RunCheckpoint) or kept.monitor in (None, "step"):
        return
    if not kept.save_top_k:
        return
    if not kept.best_model_path:
        log.warning("no checkpoint was kept by %s: the run ended before the first", kept.monitor)
        return
    score, name = float(kept.best_model_score or 0), Path(kept.best_model_path).name
    command = f"transliconet export run={out} checkpoint={BEST}"
    log.info(f"best by {kept.monitor} ({score:.4f}): {name}; {command}")


def announce(spec: RunSpec, result: TrainResult, what: str, tables: str) -> TrainResult:
    """Print the tables and a closing line, if ``spec.output.show`` says so."""
    if spec.output.show:
        if tables:
            print(f"\n{tables}\n")
        seconds = f"{result.steps} steps in {result.seconds:.0f} s"
        print(f"{what} {seconds}; run folder: {result.out}")
    return result
