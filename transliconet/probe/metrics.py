"""Metrics of paired vectors that a retrieval record holds beside its ranks.

A metric of your own is a function of two arrays::

    def median_cosine(queries, answers):  # (N, D), (N, D): row i of both is the same sentence
        return float(np.median((normalize(queries) * normalize(answers)).sum(1)))

    tn.RetrievalProbe(metrics=["standard", median_cosine])

On the command line it is named by its path: ``'probe.metrics=[standard,mymodule.median_cosine]'``.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Protocol

import numpy as np

from transliconet.errors import ConfigError, Option, first_line
from transliconet.probe.alignment import (
    alignment,
    hubness,
    mexa,
    paired_similarity,
    script_probe,
    uniformity,
)
from transliconet.probe.views import NATIVE, Side

STANDARD = "standard"
"""Name of :func:`standard_metrics` in a probe's list of metrics."""
SCRIPT_FOLDS = 5
STANDARD_NAMES = (
    *("mexa", "hubness", "matched", "random", "gap", "alignment", "script_probe"),
    *("uniformity_native", "uniformity_romanized", "uniformity_noisy", "uniformity_human"),
    *("identical", "recall"),
)
"""Metrics of a record that are not the user's own."""


class PairedMetric(Protocol):
    """A function of paired vectors; its ``__name__`` is the metric's name in the record."""

    __name__: str

    def __call__(self, queries: np.ndarray, answers: np.ndarray, /) -> float | Mapping[str, float]:
        """One number, or several by name, which are recorded as ``NAME_KEY``.

        Args:
            queries: (N, D) float32.
            answers: (N, D) float32; row i is the counterpart of query i.
        """
        ...


def standard_metrics(
    queries: np.ndarray, answers: np.ndarray, source: Side, target: Side
) -> dict[str, float]:
    """The functions of :mod:`transliconet.probe.alignment`, by name.

    Every task has ``mexa``, ``hubness`` (skewness of how often each answer is retrieved),
    ``matched`` and ``random`` (mean cosine of pairs and of non-pairs) and their ``gap``. From
    native to romanized text of one language there are also ``alignment``, ``uniformity_native``,
    ``uniformity_romanized`` and ``script_probe``. Between two languages, the tasks from native and
    from romanized text together give the four similarities of arXiv 2409.17326.

    Args:
        queries: (N, D).
        answers: (N, D); row i is the counterpart of query i.
        source: language and view of the queries.
        target: language and view of the answers.
    """
    similarity = paired_similarity(queries, answers)
    metrics = {
        "mexa": mexa(queries, answers),
        "hubness": hubness(queries, answers).skewness,
        "matched": similarity.matched,
        "random": similarity.random,
        "gap": similarity.gap,
    }
    if source.lang == target.lang and source.view == NATIVE:
        metrics["alignment"] = alignment(queries, answers)
        metrics["uniformity_native"] = uniformity(queries)
        metrics[f"uniformity_{target.view}"] = uniformity(answers)
        if len(queries) >= SCRIPT_FOLDS:
            metrics["script_probe"] = script_probe(queries, answers, SCRIPT_FOLDS)
    return metrics


def custom_metrics(
    metrics: Sequence[PairedMetric | str], queries: np.ndarray, answers: np.ndarray
) -> dict[str, float]:
    """The values of the user's own metrics, by name; :data:`STANDARD` is skipped.

    Raises:
        ConfigError: a path leads to no function, or the function fails or gives no number.
    """
    values: dict[str, float] = {}
    for metric in metrics:
        if metric == STANDARD:
            continue
        function = metric_function(metric)
        try:
            result = function(queries, answers)
            if isinstance(result, Mapping):
                for key, value in result.items():
                    values[f"{function.__name__}_{key}"] = float(value)
            else:
                values[function.__name__] = float(result)
        # the user's own code may raise anything: it becomes one message
        except Exception as error:
            raise ConfigError(
                Option("metrics", metric_path(metric)),
                f"fails on {queries.shape} arrays ({first_line(error)})",
                "Return a number, or a mapping of names to numbers",
                code="TLN-CONFIG-605",
            ) from error
    return values


def metric_function(metric: PairedMetric | str) -> Callable:
    """A metric that is given as a function or by its path, ``package.module.function``.

    Raises:
        ConfigError: the path leads to no function.
    """
    if not isinstance(metric, str):
        return metric
    module, _, name = metric.rpartition(".")
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            Option("metrics", metric),
            f"no such function ({first_line(error)})",
            f"Give {STANDARD!r} or the path of a function of (N, D) queries and answers",
            code="TLN-CONFIG-606",
        ) from error
    if not callable(function):
        raise ConfigError(
            Option("metrics", metric),
            "not a function",
            "Give the path of a function of (N, D) queries and answers",
            code="TLN-CONFIG-607",
        )
    return function


def metric_path(metric: PairedMetric | str) -> str:
    """The path of a metric, as settings record it."""
    if isinstance(metric, str):
        return metric
    return f"{getattr(metric, '__module__', '')}.{getattr(metric, '__name__', metric)}"
