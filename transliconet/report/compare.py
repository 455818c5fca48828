"""Two results side by side, query by query: how large each difference is, and whether it is more
than noise.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from transliconet.errors import DataError, require_choice, require_range
from transliconet.probe.paired_bootstrap import SAMPLES
from transliconet.probe.significance import Effect
from transliconet.report.changes import interval_points, points
from transliconet.report.effects import METRICS, TaskDifference
from transliconet.report.html import table
from transliconet.report.sides import Paths, SharedTask, Side, match_sides
from transliconet.report.tables import (
    ALL,
    GROUPINGS,
    group_records,
    language_of,
    markdown_table,
    metric_name,
    percent,
)
from transliconet.report.transfer_runs import METRICS as OF_TRANSFER

SAMPLES_OF_RUNS = 10_000
"""Number of bootstrap samples where a side has several runs, and of transfer. It bounds their
p-values from below, which are then multiplied by the number of languages.
"""
MOST_LINES = 3
"""Most differences between candidates that an error lists."""


@dataclass(frozen=True)
class TaskComparison:
    """One task.

    Args:
        title: of its table.
        task: its name.
        layers: hidden layer of each side.
        effects: row of the table → effect.
    """

    title: str
    task: str
    layers: tuple[int, int]
    effects: dict[str, Effect]


@dataclass(frozen=True)
class Comparison:
    """What differs between a baseline and another side.

    Printed, it is Markdown; a notebook shows tables. ``tn.frame(comparison)`` is a DataFrame.

    Args:
        baseline, other: names of the sides.
        runs: number of runs of each.
        metric: ``acc@1``, ``acc@5``, ``acc@10`` or ``mrr``.
        tasks: one table each.
        not_compared: what one side lacks.
        warnings: where the sides have other queries or candidates.
    """

    baseline: str
    other: str
    runs: tuple[int, int]
    metric: str
    tasks: list[TaskComparison]
    not_compared: list[str]
    warnings: list[str]

    @property
    def headings(self) -> list[str]:
        """Of every table."""
        names = [self.baseline, self.other]
        run, _, stage = self.baseline.rpartition(": ")
        other = self.other.removeprefix(f"{run}: ")
        if run and other != self.other:
            names = [stage, other]  # before and after of one run
        return ["", "languages", "queries", *names, "change", "95 %", "p", "verdict"]

    @property
    def title(self) -> str:
        """The sides and the metric."""
        metric = f"{metric_name(self.metric)} in percent"
        return f"{self.other} against {self.headings[3]} ({metric}; {self._runs_text})"

    @property
    def _runs_text(self) -> str:
        if self.runs == (1, 1):
            return "one run each"
        return f"{self.runs[1]} and {self.runs[0]} runs"

    def cells(self, effects: Mapping[str, Effect]) -> list[list[str]]:
        """The rows of a table under :attr:`headings`."""
        rows = []
        for name, effect in effects.items():
            row = [name, str(effect.languages), str(effect.queries)]
            row += [percent(effect.baseline), percent(effect.other)]
            row += [points(effect.difference), interval_points(effect.ci95)]
            rows.append([*row, p_text(effect.p_adjusted), effect.verdict])
        return rows

    def tables(self) -> Iterator[tuple[str, list[list[str]]]]:
        """Title and rows of every table; of several tasks, first their means over languages."""
        if len(self.tasks) > 1:
            means = {}
            for task in self.tasks:
                means[task.title] = task.effects[ALL]
            yield "Means over languages", self.cells(means)
        for task in self.tasks:
            yield task.title, self.cells(task.effects)

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row for each row of each table, with numbers in 0 … 1."""
        for task in self.tasks:
            for name, effect in task.effects.items():
                yield {
                    "baseline": self.baseline,
                    "other": self.other,
                    "metric": self.metric,
                    "task": task.task,
                    "baseline_layer": task.layers[0],
                    "other_layer": task.layers[1],
                    "row": name,
                    "languages": effect.languages,
                    "queries": effect.queries,
                    "baseline_score": effect.baseline,
                    "other_score": effect.other,
                    "change": effect.difference,
                    "change_low": effect.ci95[0],
                    "change_high": effect.ci95[1],
                    "p": effect.p,
                    "p_corrected": effect.p_adjusted,
                    "verdict": effect.verdict,
                }

    @property
    def note(self) -> str:
        """What intervals and p-values are of."""
        text = (
            "change: in percentage points, with its paired bootstrap 95 % interval over queries. "
            "p: of a paired test, corrected for the number of rows (Holm), but not in means over "
            "all languages. Within noise: p >= 0.05."
        )
        if self.runs == (1, 1):
            return f"{text} Another training seed may differ by more: compare several runs a side."
        return text.replace("over queries", "over runs and queries")

    def __str__(self) -> str:
        parts = [f"## {self.title}"]
        for title, rows in self.tables():
            parts.append(f"### {title}\n\n{markdown_table(rows, self.headings)}")
        for heading, lines in self._lists():
            parts.append("\n- ".join([f"{heading}:\n", *lines]))
        return "\n\n".join([*parts, self.note])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        parts = [f"<h3>{escape(self.title)}</h3>"]
        for title, rows in self.tables():
            parts.append(f"<h4>{escape(title)}</h4>{table(self.headings, rows)}")
        for heading, lines in self._lists():
            items = "</li><li>".join(map(escape, lines))
            parts.append(f"<p>{heading}:</p><ul><li>{items}</li></ul>")
        return "".join([*parts, f"<p>{escape(self.note)}</p>"])

    def _lists(self) -> list[tuple[str, list[str]]]:
        lists = []
        if self.not_compared:
            lists.append(("Not compared", self.not_compared))
        if self.warnings:
            heading = "Compared on the queries that both have, although candidates differ"
            lists.append((heading, self.warnings))
        return lists


def p_text(p: float) -> str:
    """A p-value as tables show it.

    >>> p_text(0.0004), p_text(0.0321), p_text(1.0)
    ('<0.001', '0.032', '1.000')
    """
    return "<0.001" if p < 0.001 else f"{p:.3f}"


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
    metric = metric or sides[0].usual_metric
    matching = match_sides(*sides)
    both = f"{sides[0].name} and {sides[1].name}"
    if matching.other_candidates and not force:
        found = matching.other_candidates
        more = f" and {len(found) - MOST_LINES} more" if len(found) > MOST_LINES else ""
        raise DataError(
            both,
            f"not of the same sentences: {'; '.join(found[:MOST_LINES])}{more}",
            "Probe both on the same pairs with the same settings, or force=true compares the "
            "queries that both have",
            code="TLN-DATA-907",
        )
    runs = len(sides[0].runs), len(sides[1].runs)
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
        baseline=sides[0].name,
        other=sides[1].name,
        runs=runs,
        metric=metric,
        tasks=tasks,
        not_compared=not_compared,
        warnings=matching.other_candidates,
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
