"""transliconet: bring a sentence and its romanization to the same place in a multilingual encoder.

The names below are the interface for notebooks; they are imported when they are first used, since
torch takes seconds.
"""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from transliconet._version import __version__
from transliconet.third_party import NO_WIDGETS

if TYPE_CHECKING:
    from transliconet.api import (
        Neighbours,
        embed,
        load,
        nearest,
        prepare_cldr,
        push,
        romanize,
        save,
    )
    from transliconet.documents.probe import DocumentProbe
    from transliconet.downstream.cldr_kinds import CldrKinds
    from transliconet.downstream.finetune import FineTuning
    from transliconet.downstream.linear import LinearHead
    from transliconet.downstream.tables import LabelColumns, LabelledTables
    from transliconet.downstream.tagged import TagColumns, TaggedSentences
    from transliconet.downstream.transfer import TransferSettings, transfer
    from transliconet.downstream.tuning_module import TunedWeights
    from transliconet.model.lora import LoraSettings
    from transliconet.model.merge_adapters import merge_adapters
    from transliconet.model.tiny import tiny_encoder
    from transliconet.objectives.tcm import TransliterationContrast
    from transliconet.pairs import PairsFolder
    from transliconet.probe.pairs_index import PairsIndex, SentenceMatch
    from transliconet.probe.results import mean_accuracies, read_results
    from transliconet.probe.retrieval import RetrievalProbe
    from transliconet.probe.sample import Sample
    from transliconet.probe.sentences import Hit, SentenceIndex
    from transliconet.probe.settings import Candidates, Embedding, Search
    from transliconet.probe.typed import TypedProbe
    from transliconet.probe.typed_text import TypedColumns
    from transliconet.progress import progress_shown
    from transliconet.report.compare import compare
    from transliconet.report.comparison import Comparison
    from transliconet.report.curves import training_curves
    from transliconet.report.figure import Figure
    from transliconet.report.frames import frame
    from transliconet.report.heatmap import similarity_maps
    from transliconet.report.maps import plot_map, plot_maps
    from transliconet.report.parallel_plot import plot_parallel
    from transliconet.report.plots import plot_before_after
    from transliconet.report.sample_map import script_maps
    from transliconet.report.script_stats import plot_fertility, script_stats, shared_romanizations
    from transliconet.report.sweep import sweep_rows
    from transliconet.report.sweep_front import pareto_front, tradeoff_tasks
    from transliconet.report.sweep_plots import plot_tradeoff
    from transliconet.report.sweep_ranking import Ranking
    from transliconet.report.table import Table
    from transliconet.romanizers.registry import romanizer
    from transliconet.runs.fit import FitOptions, fit
    from transliconet.runs.spec import CheckpointSpec, EarlyStoppingSpec
    from transliconet.sweep.job import Job, read_sweep
    from transliconet.vocab.apply import changed_share
    from transliconet.vocab.base import VocabularyInputs
    from transliconet.vocab.merge import MERGES
    from transliconet.vocab.provenance import count_by_script, subword_provenance
    from transliconet.vocab.transmi import TransMI

_HOMES = {
    "Neighbours": "api",
    "load": "api",
    "nearest": "api",
    "prepare_cldr": "api",
    "push": "api",
    "romanize": "api",
    "save": "api",
    "embed": "api",
    "DocumentProbe": "documents.probe",
    "CldrKinds": "downstream.cldr_kinds",
    "LabelColumns": "downstream.tables",
    "LabelledTables": "downstream.tables",
    "TaggedSentences": "downstream.tagged",
    "TagColumns": "downstream.tagged",
    "LinearHead": "downstream.linear",
    "FineTuning": "downstream.finetune",
    "TunedWeights": "downstream.tuning_module",
    "TransferSettings": "downstream.transfer",
    "transfer": "downstream.transfer",
    "tiny_encoder": "model.tiny",
    "TransliterationContrast": "objectives.tcm",
    "PairsFolder": "pairs",
    "progress_shown": "progress",
    "PairsIndex": "probe.pairs_index",
    "SentenceMatch": "probe.pairs_index",
    "mean_accuracies": "probe.results",
    "read_results": "probe.results",
    "RetrievalProbe": "probe.retrieval",
    "Sample": "probe.sample",
    "Hit": "probe.sentences",
    "SentenceIndex": "probe.sentences",
    "Candidates": "probe.settings",
    "Embedding": "probe.settings",
    "Search": "probe.settings",
    "TypedProbe": "probe.typed",
    "TypedColumns": "probe.typed_text",
    "Comparison": "report.comparison",
    "compare": "report.compare",
    "frame": "report.frames",
    "Figure": "report.figure",
    "script_maps": "report.sample_map",
    "similarity_maps": "report.heatmap",
    "training_curves": "report.curves",
    "plot_map": "report.maps",
    "plot_maps": "report.maps",
    "plot_before_after": "report.plots",
    "plot_fertility": "report.script_stats",
    "script_stats": "report.script_stats",
    "shared_romanizations": "report.script_stats",
    "Ranking": "report.sweep_ranking",
    "pareto_front": "report.sweep_front",
    "plot_parallel": "report.parallel_plot",
    "plot_tradeoff": "report.sweep_plots",
    "sweep_rows": "report.sweep",
    "tradeoff_tasks": "report.sweep_front",
    "Table": "report.table",
    "romanizer": "romanizers.registry",
    "FitOptions": "runs.fit",
    "fit": "runs.fit",
    "LoraSettings": "model.lora",
    "merge_adapters": "model.merge_adapters",
    "CheckpointSpec": "runs.spec",
    "EarlyStoppingSpec": "runs.spec",
    "Job": "sweep.job",
    "read_sweep": "sweep.job",
    "changed_share": "vocab.apply",
    "VocabularyInputs": "vocab.base",
    "MERGES": "vocab.merge",
    "count_by_script": "vocab.provenance",
    "subword_provenance": "vocab.provenance",
    "TransMI": "vocab.transmi",
}

__all__ = [
    "MERGES",
    "Candidates",
    "CheckpointSpec",
    "CldrKinds",
    "Comparison",
    "DocumentProbe",
    "EarlyStoppingSpec",
    "Embedding",
    "Figure",
    "FineTuning",
    "FitOptions",
    "Hit",
    "Job",
    "LabelColumns",
    "LabelledTables",
    "LinearHead",
    "LoraSettings",
    "Neighbours",
    "PairsFolder",
    "PairsIndex",
    "Ranking",
    "RetrievalProbe",
    "Sample",
    "Search",
    "SentenceIndex",
    "SentenceMatch",
    "Table",
    "TagColumns",
    "TaggedSentences",
    "TransMI",
    "TransferSettings",
    "TransliterationContrast",
    "TunedWeights",
    "TypedColumns",
    "TypedProbe",
    "VocabularyInputs",
    "__version__",
    "changed_share",
    "compare",
    "count_by_script",
    "embed",
    "fit",
    "frame",
    "load",
    "mean_accuracies",
    "merge_adapters",
    "nearest",
    "pareto_front",
    "plot_before_after",
    "plot_fertility",
    "plot_map",
    "plot_maps",
    "plot_parallel",
    "plot_tradeoff",
    "prepare_cldr",
    "progress_shown",
    "push",
    "read_results",
    "read_sweep",
    "romanize",
    "romanizer",
    "save",
    "script_maps",
    "script_stats",
    "shared_romanizations",
    "similarity_maps",
    "subword_provenance",
    "sweep_rows",
    "tiny_encoder",
    "tradeoff_tasks",
    "training_curves",
    "transfer",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'transliconet' has no attribute {name!r}")
    warnings.filterwarnings("ignore", message=NO_WIDGETS)  # of tqdm, when it is first imported
    return getattr(import_module(f"transliconet.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
