"""transliconet: bring a sentence and its romanization to the same place in a multilingual encoder.

The names below are the interface for notebooks; they are imported when they are first used, since
torch takes seconds.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from transliconet._version import __version__

if TYPE_CHECKING:
    from transliconet.api import Neighbours, load, nearest, prepare_cldr, romanize, save
    from transliconet.model.embed import embed
    from transliconet.model.tiny import tiny_encoder
    from transliconet.pairs import PairsFolder
    from transliconet.probe.results import read_results
    from transliconet.probe.retrieval import RetrievalProbe
    from transliconet.probe.sentences import SentenceIndex
    from transliconet.probe.settings import Candidates, Embedding, Search
    from transliconet.report.maps import plot_map, plot_maps
    from transliconet.report.sweep import plot_tradeoff
    from transliconet.report.table import Table
    from transliconet.runs.fit import FitOptions, fit
    from transliconet.runs.spec import CheckpointSpec, EarlyStoppingSpec
    from transliconet.sweep.job import Job, read_sweep

_HOMES = {
    "Neighbours": "api",
    "load": "api",
    "nearest": "api",
    "prepare_cldr": "api",
    "romanize": "api",
    "save": "api",
    "PairsFolder": "pairs",
    "tiny_encoder": "model.tiny",
    "embed": "model.embed",
    "RetrievalProbe": "probe.retrieval",
    "Candidates": "probe.settings",
    "Embedding": "probe.settings",
    "Search": "probe.settings",
    "SentenceIndex": "probe.sentences",
    "Table": "report.table",
    "plot_map": "report.maps",
    "plot_maps": "report.maps",
    "read_results": "probe.results",
    "plot_tradeoff": "report.sweep",
    "Job": "sweep.job",
    "read_sweep": "sweep.job",
    "fit": "runs.fit",
    "FitOptions": "runs.fit",
    "CheckpointSpec": "runs.spec",
    "EarlyStoppingSpec": "runs.spec",
}

__all__ = [
    "Candidates",
    "CheckpointSpec",
    "EarlyStoppingSpec",
    "Embedding",
    "FitOptions",
    "Job",
    "Neighbours",
    "PairsFolder",
    "RetrievalProbe",
    "Search",
    "SentenceIndex",
    "Table",
    "__version__",
    "embed",
    "fit",
    "load",
    "nearest",
    "plot_map",
    "plot_maps",
    "plot_tradeoff",
    "prepare_cldr",
    "read_results",
    "read_sweep",
    "romanize",
    "save",
    "tiny_encoder",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'transliconet' has no attribute {name!r}")
    return getattr(import_module(f"transliconet.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
