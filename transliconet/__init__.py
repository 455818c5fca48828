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
    from transliconet.api import Neighbours, load, nearest, romanize
    from transliconet.corpus.pairs import PairsFolder
    from transliconet.probe.embed import embed
    from transliconet.probe.retrieval import RetrievalProbe
    from transliconet.report.maps import plot_map
    from transliconet.report.records import read_results

_HOMES = {
    "Neighbours": "api",
    "load": "api",
    "nearest": "api",
    "romanize": "api",
    "PairsFolder": "corpus.pairs",
    "embed": "probe.embed",
    "RetrievalProbe": "probe.retrieval",
    "plot_map": "report.maps",
    "read_results": "report.records",
}

__all__ = [
    "Neighbours",
    "PairsFolder",
    "RetrievalProbe",
    "__version__",
    "embed",
    "load",
    "nearest",
    "plot_map",
    "read_results",
    "romanize",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'transliconet' has no attribute {name!r}")
    return getattr(import_module(f"transliconet.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
