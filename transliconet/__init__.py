"""transliconet: bring a sentence and its romanisation to the same place in a multilingual encoder.

The names below are the interface for notebooks; they are imported when they are first used, since torch takes seconds.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

try:
    __version__ = version("transliconet")
except PackageNotFoundError:  # a source tree on sys.path that was never installed
    __version__ = "0+unknown"

if TYPE_CHECKING:
    from transliconet.api import Neighbours, load, nearest, prepare_cldr, romanize, save
    from transliconet.corpus.pairs import PairsFolder
    from transliconet.model.tiny import tiny_encoder
    from transliconet.probe.embed import embed
    from transliconet.probe.retrieval import RetrievalProbe
    from transliconet.probe.sentences import SentenceIndex
    from transliconet.report.display import Table
    from transliconet.report.maps import plot_map, plot_maps
    from transliconet.report.records import read_results
    from transliconet.report.sweep import plot_tradeoff
    from transliconet.sweep.job import Job, read_sweep
    from transliconet.train.fit import fit

_HOMES = {
    "Neighbours": "api",
    "load": "api",
    "nearest": "api",
    "prepare_cldr": "api",
    "romanize": "api",
    "save": "api",
    "PairsFolder": "corpus.pairs",
    "tiny_encoder": "model.tiny",
    "embed": "probe.embed",
    "RetrievalProbe": "probe.retrieval",
    "SentenceIndex": "probe.sentences",
    "Table": "report.display",
    "plot_map": "report.maps",
    "plot_maps": "report.maps",
    "read_results": "report.records",
    "plot_tradeoff": "report.sweep",
    "Job": "sweep.job",
    "read_sweep": "sweep.job",
    "fit": "train.fit",
}

__all__ = [
    "Job",
    "Neighbours",
    "PairsFolder",
    "RetrievalProbe",
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
