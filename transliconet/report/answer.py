"""The answer of a report in one sentence, with its interval."""

from collections.abc import Sequence
from itertools import chain

from transliconet.probe.record import RetrievalRecord
from transliconet.probe.significance import Effect
from transliconet.probe.views import HUMAN, NATIVE, ROMANIZED
from transliconet.report.changes import interval_points, points
from transliconet.report.effects import stage_difference
from transliconet.report.intervals import (
    Pairing,
    headline_metric,
    mean_score,
    pairings,
)
from transliconet.report.load import ReportColumn
from transliconet.report.names import languages_text, task_name
from transliconet.report.script_charts import highest_layers
from transliconet.report.tables import ALL, percent, select_task

HEADLINE_TASKS = (
    *(f"{HUMAN}→{NATIVE}", f"{ROMANIZED}→{NATIVE}", f"{NATIVE}→{ROMANIZED}"),
    *(f"{HUMAN}→documents", f"{ROMANIZED}→documents"),
)
"""Tasks that a report is summed up by; the first that was measured."""

TaskLayer = tuple[str, int]


def answer_lines(columns: Sequence[ReportColumn]) -> list[str]:
    """What a report says, in a sentence for each task: the one across scripts that counts most,
    and, where translations were probed, the native text to its translation, which training must
    not harm.

    Args:
        columns: of the report, one or more with records.
    """
    records = list(chain.from_iterable(column.records for column in columns))
    if not records:
        return []
    compared = pairings(columns)
    tasks = headline_tasks(records)
    lines, best = [], ""
    if len(compared) > 1:
        chosen = best_pairing(compared, *tasks[0])
        best = f"Best of {len(compared)} results against {chosen.baseline.name}. "
        compared = [chosen]
    for task, layer in tasks:
        if compared:
            lines.append(_sentence_of_two(compared[0], task, layer))
        else:
            lines.append(_sentence_of_one(columns[-1], task, layer))
    lines = list(filter(None, lines))
    return [best + lines[0], *lines[1:]] if lines else []


def headline_tasks(records: Sequence[RetrievalRecord]) -> list[TaskLayer]:
    """(task, highest layer) of the tasks that the answer is about."""
    layers = dict(highest_layers(records))
    first = next((task for task in HEADLINE_TASKS if task in layers), next(iter(layers)))
    chosen = [first]
    for record in records:
        # within a language nothing is lost; towards a pivot, meaning can be
        to_pivot = record.source_view == NATIVE and record.target not in (record.language, "")
        if to_pivot and record.task == f"{NATIVE}→{record.target}" and record.task not in chosen:
            chosen.append(record.task)
    return [(task, layers[task]) for task in chosen]


def _sentence_of_one(column: ReportColumn, task: str, layer: int) -> str:
    records = select_task(column.records, task, layer)
    if not records:
        return ""
    score = mean_score(records)
    text = f"{task_name(task)}: {percent(score.value)} % {_unit(records)}"
    if score.ci95 is not None:
        low, high = score.ci95
        text += f" (95 % interval {percent(low)} to {percent(high)})"
    else:
        text += " (no interval: the outcome of each query was not kept)"
    return f"{text}, {_mean_over(records)}. A single measurement: nothing to compare it with."


def _sentence_of_two(pairing: Pairing, task: str, layer: int) -> str:
    baseline, other = (select_task(column.records, task, layer) for column in pairing)
    if not baseline or not other:
        return ""
    start = f"{task_name(task)}: "
    if pairing.baseline.content is not pairing.other.content:
        start += f"{pairing.other.name} against {pairing.baseline.name}, "
    before, after = mean_score(baseline).value, mean_score(other).value
    effect = task_effect(baseline, other)
    if effect is not None and effect.languages == len(other):
        before, after = effect.baseline, effect.other  # on the queries that both have
    numbers = f"{percent(before)} → {percent(after)} % {_unit(other)}"
    return f"{start}{numbers}, {_change_text(before, after, effect)}, {_mean_over(other)}."


def best_pairing(compared: Sequence[Pairing], task: str, layer: int) -> Pairing:
    """The pairing whose other column has the highest score."""
    scores = []
    for pairing in compared:
        records = select_task(pairing.other.records, task, layer)
        scores.append(mean_score(records).value if records else -1.0)
    return compared[scores.index(max(scores))]


def task_effect(
    baseline: Sequence[RetrievalRecord], other: Sequence[RetrievalRecord]
) -> Effect | None:
    """The difference of the mean over the languages that both have, in the headline metric; None
    where the outcomes were not kept, or queries and candidates differ.
    """
    difference = stage_difference(baseline, other, headline_metric(other))
    if difference is None:
        return None
    return difference.effects({ALL: list(difference.scores)})[ALL]


def _change_text(before: float, after: float, effect: Effect | None) -> str:
    if effect is None:
        text = f"{points(after - before)} points (no interval: no outcomes of the same queries)"
        return f"{text}, worse than before" if after < before else text
    change = f"{points(effect.difference)} points (95 % interval {interval_points(effect.ci95)})"
    if effect.verdict == "better":
        return change
    return f"{change}, {effect.verdict}"


def _unit(records: Sequence[RetrievalRecord]) -> str:
    return "found first" if headline_metric(records) == "acc@1" else "nDCG@10"


def _mean_over(records: Sequence[RetrievalRecord]) -> str:
    text = languages_text([record.language for record in records])
    return f"mean over {text}" if len(records) > 1 else text
