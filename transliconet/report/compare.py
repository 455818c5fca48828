"""Two results side by side, query by query: how large each difference is, and whether it is more
than noise.
"""

from collections.abc import Sequence
from typing import Any

from transliconet.errors import DataError, require_choice, require_range
from transliconet.probe.paired_bootstrap import SAMPLES
from transliconet.report.comparison import Comparison, TaskComparison
from transliconet.report.effects import METRICS, TaskDifference
from transliconet.report.sides import Paths, SharedTask, Side, match_sides
from transliconet.report.tables import GROUPINGS, group_records, language_of
from transliconet.report.transfer_runs import METRICS as OF_TRANSFER

SAMPLES_OF_RUNS = 10_000
"""Number of bootstrap samples where a side has several runs, and of transfer. It bounds their
p-values from below, which are then multiplied by the number of languages.
"""
MOST_LINES = 3
"""Most differences between candidates that an error lists."""


def compare(
    baseline: Paths,
    other: Paths | None = None,
    *,
    metric: str | None = None,
    by: str = "language",
    stage: str | None = None,
    samples: int | None = None,
    seed: int = 0,
    force: bool = False,
) -> Comparison:
    """Compare two results query by query, with intervals and tests.

    Args:
        baseline: a run folder or results file, or several: runs of one recipe with several seeds.
        other: the same of the other side; None compares before and after training in ``baseline``.
        metric: ``acc@1``, ``acc@5``, ``acc@10`` or ``mrr``; of documents also ``ndcg@10`` and
            ``recall@100``; of transfer ``accuracy`` or
            ``entity_f1``. None: Acc@1, or of transfer the F1 of entities or the accuracy.
        by: rows of the tables, ``language`` or ``script``.
        stage: ``before``, ``after`` or ``probe``; None takes the last one of each file.
        samples: of the bootstrap; None: 2,000, or 10,000 with several runs a side.
        seed: of the bootstrap and the permutation tests.
        force: compare results with other queries or candidates on those that both have.

    Raises:
        DataError: a file holds no outcomes of queries, the sides have nothing in common, or their
            candidates differ and ``force`` is not given.
        ConfigError: an option has a value that cannot be used.

    Example::

        print(tn.compare("runs/untouched", ["runs/seed0", "runs/seed1", "runs/seed2"]))
    """
    if metric is not None:
        require_choice("metric", metric, (*METRICS, *OF_TRANSFER))
    require_choice("by", by, GROUPINGS)
    if samples is not None:
        require_range("samples", samples, least=100)
    if other is None:
        sides = Side.read(baseline, "before", metric), Side.read(baseline, "after", metric)
    else:
        sides = Side.read(baseline, stage, metric), Side.read(other, stage, metric)
    return compare_sides(*sides, metric=metric, by=by, samples=samples, seed=seed, force=force)


def compare_sides(
    baseline: Side,
    other: Side,
    *,
    metric: str | None = None,
    by: str = "language",
    samples: int | None = None,
    seed: int = 0,
    force: bool = False,
) -> Comparison:
    """:func:`compare` of sides that have been read.

    Raises:
        DataError: the sides have nothing in common, or their candidates differ and ``force`` is not
            given.
    """
    metric = metric or baseline.usual_metric
    matching = match_sides(baseline, other)
    both = f"{baseline.name} and {other.name}"
    if matching.other_candidates and not force:
        raise _not_the_same_sentences(both, matching.other_candidates)
    runs = len(baseline.runs), len(other.runs)
    if samples is None:
        by_bootstrap = runs != (1, 1) or metric in OF_TRANSFER
        samples = SAMPLES_OF_RUNS if by_bootstrap else SAMPLES
    tasks = []
    not_compared = list(matching.not_compared)
    for shared in matching.tasks:
        difference = TaskDifference.from_records(
            shared.baseline, shared.other, metric, samples=samples, seed=seed
        )
        alone = set(shared.baseline)
        if difference is not None:
            tasks.append(_task_comparison(shared, difference, by))
            alone -= set(difference.scores)
        if alone:
            not_compared.append(f"{shared.name}: no query in common: {', '.join(sorted(alone))}")
    if not tasks:
        raise DataError(
            both,
            "no query of the same task and language in common",
            "Probe both with the same settings",
            code="TLN-DATA-908",
        )
    return Comparison(
        baseline=baseline.name,
        other=other.name,
        runs=runs,
        metric=metric,
        tasks=tasks,
        not_compared=not_compared,
        warnings=matching.other_candidates,
    )


def _not_the_same_sentences(both: str, found: Sequence[str]) -> DataError:
    more = f" and {len(found) - MOST_LINES} more" if len(found) > MOST_LINES else ""
    return DataError(
        both,
        f"not of the same sentences: {'; '.join(found[:MOST_LINES])}{more}",
        "Probe both on the same pairs with the same settings, or force=true compares the "
        "queries that both have",
        code="TLN-DATA-907",
    )


def _task_comparison(shared: SharedTask, difference: TaskDifference, by: str) -> TaskComparison:
    records: list[Any] = [shared.other[language][0] for language in difference.scores]
    groups = {}
    for name, of_group in group_records(records, GROUPINGS[by]).items():
        groups[name] = list(map(language_of, of_group))
    one, other = next(iter(shared.baseline.values()))[0], records[0]
    layer = _both(*shared.layers)
    pooling = _both(one.pooling, other.pooling)
    similarity = _both(one.similarity, other.similarity)
    title = f"{shared.name} (layer {layer}, {pooling}, {similarity})"
    return TaskComparison(title, shared.name, shared.layers, difference.effects(groups))


def _both(one: object, other: object) -> str:
    """The value of both sides, or the two of them."""
    return str(one) if one == other else f"{one} and {other}"
