"""What a comparison found: tables of effects, as Markdown, HTML of a notebook, and rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from transliconet.probe.significance import Effect
from transliconet.report.changes import interval_points, p_text, points
from transliconet.report.html import table
from transliconet.report.tables import ALL, markdown_table, metric_name, percent


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

    def remarks(self) -> list[str]:
        """What was not compared, what differs, and what the numbers are, as lines of text."""
        lines = [f"{heading}: {'; '.join(of_list)}." for heading, of_list in self._lists()]
        return [*lines, self.note]

    def _lists(self) -> list[tuple[str, list[str]]]:
        lists = []
        if self.not_compared:
            lists.append(("Not compared", self.not_compared))
        if self.warnings:
            heading = "Compared on the queries that both have, although candidates differ"
            lists.append((heading, self.warnings))
        return lists
