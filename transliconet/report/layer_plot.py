"""Scores by hidden layer."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from transliconet.probe.record import RetrievalRecord
from transliconet.report.colours import DASHES, shape_and_colour
from transliconet.report.figure import Figure, Layout, Row
from transliconet.report.names import task_name
from transliconet.report.tables import mean_metric, mean_of_metric, task_layers

if TYPE_CHECKING:
    import altair as alt

PANELS = {"accuracy": "Acc@1", "mexa": "MEXA"}
"""Field of the rows → title of its panel."""


def layer_curves(columns: Mapping[str, Sequence[RetrievalRecord]]) -> Figure | None:
    """Acc@1 and MEXA by hidden layer, means over languages: a colour for each task and a dash for
    each column of the report.

    Args:
        columns: name → records.

    Returns:
        None if only one layer was probed.
    """
    every = [record for records in columns.values() for record in records]
    layers = {record.layer for record in every}
    if len(layers) < 2:
        return None
    tasks = list(dict.fromkeys(task_name(task) for task, _ in task_layers(every)))
    rows = []
    for name, records in columns.items():
        rows += _column_rows(name, records)
    present = {field for row in rows for field in row}
    drawn = [field for field in PANELS if field in present]
    panels = [_panel(field, tasks, list(columns)) for field in drawn]
    description = (
        f"{' and '.join(PANELS[field] for field in drawn)} by hidden layer, {min(layers)} to "
        f"{max(layers)}, means over languages. Tasks: {', '.join(tasks)}."
    )
    return Figure("layers", description, panels, {"layers": rows}, layout=Layout(entry=200))


def _column_rows(name: str, records: Sequence[RetrievalRecord]) -> list[Row]:
    """A row for each task and layer of a column."""
    at: defaultdict[tuple[str, int], list[RetrievalRecord]] = defaultdict(list)
    for record in records:
        at[record.task, record.layer].append(record)
    rows = []
    for (task, layer), of_task in sorted(at.items()):
        accuracy = round(mean_metric(of_task, "acc@1"), 4)
        row: Row = {"column": name, "task": task_name(task), "layer": layer, "accuracy": accuracy}
        if any("mexa" in record.metrics for record in of_task):
            row["mexa"] = round(mean_of_metric(of_task, "mexa"), 4)
        rows.append(row)
    return rows


def _panel(field: str, tasks: Sequence[str], columns: Sequence[str]) -> "alt.LayerChart":
    import altair as alt

    looks = [shape_and_colour(number) for number in range(len(tasks))]
    colours = alt.Scale(domain=list(tasks), range=[colour for _, colour in looks])
    dashes = alt.Scale(
        domain=list(columns), range=[DASHES[n % len(DASHES)] for n in reversed(range(len(columns)))]
    )
    axis = alt.Axis(format="d", tickMinStep=1)
    x = alt.X("layer:Q", title="hidden layer", axis=axis, scale=alt.Scale(nice=False))
    y = alt.Y(f"{field}:Q", title=None, axis=alt.Axis(format=".0%"), scale=alt.Scale(domain=[0, 1]))
    legend = alt.Legend(title=None, orient="bottom", symbolLimit=0, labelLimit=260)
    stages = legend.copy()
    stages.symbolType = "stroke"
    base = alt.Chart(alt.NamedData("layers")).encode(
        x=x,
        y=y,
        color=alt.Color("task:N", scale=colours, legend=legend),
        detail="column:N",
        tooltip=[
            alt.Tooltip("column:N"),
            alt.Tooltip("task:N"),
            alt.Tooltip("layer:Q", title="hidden layer"),
            alt.Tooltip(f"{field}:Q", title=PANELS[field], format=".1%"),
        ],
    )
    lines = base.mark_line(strokeWidth=2, aria=False).encode(
        strokeDash=alt.StrokeDash("column:N", scale=dashes, legend=stages)
    )
    points = base.mark_point(filled=True, size=30, opacity=1, aria=False)
    title = f"{PANELS[field]}, mean over languages"
    return alt.layer(lines, points).properties(title=title, width=300, height=220)
