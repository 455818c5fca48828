"""Several results against the first: a chart of the differences, and the tables of
:func:`transliconet.report.compare.compare_sides`.
"""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from transliconet.errors import DataError
from transliconet.probe.significance import Effect
from transliconet.report.changes import interval_points, p_text
from transliconet.report.compare import compare_sides
from transliconet.report.comparison import Comparison
from transliconet.report.html import chart, table
from transliconet.report.intervals import Pairing
from transliconet.report.names import task_name
from transliconet.report.script_charts import COLOURS
from transliconet.report.sides import Side
from transliconet.report.tables import ALL

if TYPE_CHECKING:
    from altair import LayerChart

DIFFERENCE_NOTE = (
    "Dots: change of Acc@1 in percentage points, mean over languages. Lines: paired bootstrap 95 % "
    "intervals over queries."
)
NO_OUTCOMES = "the outcome of each query was not kept; probe again"

Row = dict[str, Any]


def against_first(compared: Sequence[Pairing]) -> str:
    """Each result against the first, with intervals and paired tests.

    Args:
        compared: pairings of the same baseline.
    """
    comparisons, problems = {}, []
    for pairing in compared:
        found = _comparison(pairing)
        if isinstance(found, Comparison):
            comparisons[pairing.other.name] = found
        else:
            problems.append(f"{pairing.other.name}: {found}")
    parts = []
    if comparisons:
        name = f"change of Acc@1 against {compared[0].baseline.name}"
        rows = difference_rows(comparisons)
        parts.append(chart(name, difference_chart(rows, list(comparisons)), DIFFERENCE_NOTE))
        for other, comparison in comparisons.items():
            parts.append(_folded(other, comparison))
    if problems:
        items = "</li><li>".join(map(escape, problems))
        parts.append(f"<p>Not compared:</p><ul><li>{items}</li></ul>")
    return "\n".join(parts)


def _comparison(pairing: Pairing) -> Comparison | str:
    """The comparison of two columns, or why there is none."""
    sides = []
    for column in pairing:
        records = [record for record in column.records if record.outcomes is not None]
        if not records:
            return NO_OUTCOMES
        sides.append(Side(column.name, [records]))
    try:
        # results of other sentences are here only where the user forced it
        return compare_sides(*sides, metric="acc@1", force=True)
    except DataError as error:
        return f"{error.problem}"


def _folded(name: str, comparison: Comparison) -> str:
    tables = []
    for title, rows in comparison.tables():
        tables.append(f"<h4>{escape(title)}</h4>{table(comparison.headings, rows)}")
    tables += [f"<p>{escape(line)}</p>" for line in comparison.remarks()]
    summary = f"{escape(name)}: by task and language, with paired tests"
    return f"<details><summary>{summary}</summary>{''.join(tables)}</details>"


def difference_rows(comparisons: dict[str, Comparison]) -> list[Row]:
    """A dot for each task and result.

    Args:
        comparisons: name of a result → its comparison with the first.
    """
    rows = []
    for name, comparison in comparisons.items():
        for task in comparison.tasks:
            label = task_name(task.task)
            if len({of.layers for of in comparison.tasks}) > 1:
                label += f", layer {task.layers[1]}"
            rows.append(_row(label, name, task.effects[ALL]))
    return rows


def _row(label: str, column: str, effect: Effect) -> Row:
    low, high = effect.ci95
    return {
        "row": label,
        "column": column,
        "change": round(100 * effect.difference, 2),
        "low": round(100 * low, 2),
        "high": round(100 * high, 2),
        "interval": interval_points(effect.ci95),
        "p": p_text(effect.p),
        "verdict": effect.verdict,
    }


def difference_chart(rows: Sequence[Row], columns: Sequence[str]) -> "LayerChart":
    """Differences with their intervals, and a line at zero.

    Args:
        rows: of :func:`difference_rows`.
        columns: names of the results, in the order of their colours.
    """
    import altair as alt

    order = list(dict.fromkeys(row["row"] for row in rows))
    colours = [COLOURS[(number + 1) % len(COLOURS)] for number in range(len(columns))]
    whole = alt.Chart(alt.Data(values=list(rows)))
    by_column = whole.encode(
        y=alt.Y("row:N", sort=order, title=None, axis=alt.Axis(domain=False, ticks=False)),
        yOffset=alt.YOffset("column:N", sort=list(columns)),
        color=alt.Color(
            "column:N",
            scale=alt.Scale(domain=list(columns), range=colours),
            legend=alt.Legend(title=None, orient="top", columns=2),
        ),
        tooltip=[
            alt.Tooltip("row:N", title="task"),
            alt.Tooltip("column:N", title="results"),
            alt.Tooltip("change:Q", title="points", format="+.1f"),
            alt.Tooltip("interval:N", title="95 % interval"),
            alt.Tooltip("p:N", title="p"),
            alt.Tooltip("verdict:N", title="verdict"),
        ],
    )
    zero = alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color="var(--quiet)")
    lines = by_column.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q")
    dots = by_column.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("change:Q", title="change of Acc@1 (percentage points)", axis=alt.Axis(tickCount=5))
    )
    height = len(order) * (16 + 10 * len(columns))
    return (zero.encode(x="zero:Q") + lines + dots).properties(height=height)
