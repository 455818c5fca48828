"""The change from one measurement to another as cells of a table: its size, its interval, and
whether it is within noise.
"""

from collections.abc import Mapping, Sequence

from transliconet.probe.record import RetrievalRecord
from transliconet.probe.significance import Effect
from transliconet.report.effects import TaskDifference

CHANGE_HEADINGS = ["Acc@1 change", "95 %", "verdict"]
CHANGE_NOTE = (
    "Change of Acc@1 in percentage points, with the bootstrap 95 % interval over queries. Within "
    "noise: p >= 0.05 in a paired test, corrected for the number of rows (Holm). Another training "
    "seed may differ by more."
)

Groups = Mapping[str, Sequence[RetrievalRecord]]
"""Rows of a table → the records of each."""


def group_changes(
    before: Groups, after: Groups, difference: TaskDifference | None
) -> dict[str, Effect]:
    """The effect in each group that has the same languages before and after.

    Args:
        before, after: groups of the records of a task.
        difference: both sides of the task; None where there are no outcomes.
    """
    if difference is None:
        return {}
    groups: dict[str, list[str]] = {}
    for name, records in after.items():
        languages = list(map(_language, records))
        if set(languages) == set(map(_language, before.get(name, []))):
            groups[name] = languages
    return difference.effects(groups)


def _language(record: RetrievalRecord) -> str:
    return record.language


def change_cells(effect: Effect | None) -> list[str]:
    """Cells under :data:`CHANGE_HEADINGS`; empty where there is no effect."""
    if effect is None:
        return [""] * len(CHANGE_HEADINGS)
    return [points(effect.difference), interval_points(effect.ci95), effect.verdict]


def interval_points(interval: tuple[float, float]) -> str:
    """An interval of differences in percentage points."""
    low, high = interval
    return f"{points(low)} to {points(high)}"


def points(difference: float) -> str:
    """A difference of shares in percentage points, with its sign.

    >>> points(0.0384), points(-0.2), points(-0.0001)
    ('+3.8', '-20.0', '0.0')
    """
    text = f"{100 * difference:+.1f}"
    return "0.0" if text in ("-0.0", "+0.0") else text


def p_text(p: float) -> str:
    """A p-value as tables show it.

    >>> p_text(0.0004), p_text(0.0321), p_text(1.0)
    ('<0.001', '0.032', '1.000')
    """
    return "<0.001" if p < 0.001 else f"{p:.3f}"
