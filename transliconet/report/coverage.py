"""What each language was measured on, and what was left out and why."""

from collections import defaultdict
from collections.abc import Sequence

from transliconet.probe.passed_over import REASONS
from transliconet.report.load import ReportColumn
from transliconet.report.names import language_name, script_name

COVERAGE_HEADINGS = ["code", "language", "script", "queries", "tasks", "left out"]
COVERAGE_STYLES = {"language": "name", "script": "name", "left out": "text"}
REMEDY = (
    "To measure languages with too few candidates, give more sentences (rules.heldout), or lower "
    "candidates.min."
)


def coverage_rows(columns: Sequence[ReportColumn]) -> list[list[str]]:
    """A row under :data:`COVERAGE_HEADINGS` for each language that was measured or left out: its
    queries (the range, where tasks differ), how many of the tasks it has, and what was left out.
    """
    queries: defaultdict[str, set[int]] = defaultdict(set)
    tasks: defaultdict[str, set[str]] = defaultdict(set)
    for column in columns:
        for record in column.records:
            queries[record.language].add(record.n)
            tasks[record.language].add(record.task)
    number = len(set().union(*tasks.values()))
    left_out = reasons(columns)
    rows = []
    for tag in sorted({*tasks, *left_out}):
        code, _, script = tag.partition("_")
        row = [tag, language_name(code), script_name(script) if script else ""]
        row += [_range(queries[tag]), f"{len(tasks[tag])} of {number}"]
        rows.append([*row, "; ".join(left_out.get(tag, ()))])
    return rows


def _range(numbers: set[int]) -> str:
    if len(numbers) < 2:
        return "".join(map(str, numbers))
    return f"{min(numbers)} to {max(numbers)}"


def reasons(columns: Sequence[ReportColumn]) -> dict[str, list[str]]:
    """Language → why something of it was left out, without repetitions, in any of the columns."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for column in columns:
        passed_over = column.passed_over
        for few in passed_over.too_few:
            text = f"no {few.kind} task: {few.candidates} candidates, {few.needed} needed"
            found[few.language][text] = None
        for tag, number in passed_over.duplicate_ids.items():
            found[tag][f"{_rows(number)} repeating an id"] = None
        for tag, by_reason in passed_over.left_out.items():
            for reason, number in by_reason.items():
                of_tasks, why = REASONS.get(reason, ("", reason))
                found[tag][f"{_rows(number)}{of_tasks}: {why}"] = None
    return {tag: list(lines) for tag, lines in found.items()}


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"
