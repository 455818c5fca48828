"""Records as Markdown tables, which read well in a terminal too."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean

import numpy as np
from tabulate import tabulate

from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import Records

BESIDE = {"identical pairs": "identical", "index recall": "recall"}
"""Measures that stand beside the accuracies: column → name."""
METRICS = ("acc@1", "acc@5", "acc@10", "mrr")


def script_of(record: RetrievalRecord) -> str:
    return record.language.split("_")[-1]


def language_of(record: RetrievalRecord) -> str:
    return record.language


def mean_of(records: Sequence[RetrievalRecord], metric: str) -> float:
    """Mean of a metric over records, each language counting the same."""
    return float(np.mean([r.as_dict()[metric] for r in records])) if records else float("nan")


def group(
    records: Iterable[RetrievalRecord], by: Callable[[RetrievalRecord], str]
) -> dict[str, list[RetrievalRecord]]:
    """Records by key, keys in alphabetical order, then ``all`` of them under one key."""
    groups: defaultdict[str, list[RetrievalRecord]] = defaultdict(list)
    for record in records:
        groups[by(record)].append(record)
    return {**dict(sorted(groups.items())), "all": [r for rs in groups.values() for r in rs]}


def tasks_of(records: Iterable[RetrievalRecord]) -> list[tuple[str, int]]:
    """(task, layer) of every table."""
    return list(dict.fromkeys((r.task, r.layer) for r in records))


def of_task(records: Iterable[RetrievalRecord], task: str, layer: int) -> list[RetrievalRecord]:
    return [r for r in records if (r.task, r.layer) == (task, layer)]


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def candidates_of(records: Sequence[RetrievalRecord]) -> int:
    """Mean number of candidates."""
    return round(float(np.mean([r.n for r in records])))


def chance_of(records: Sequence[RetrievalRecord]) -> str:
    """Mean chance level of Acc@1."""
    return percent(float(np.mean([r.chance["acc@1"] for r in records])))


def _interval(ends: tuple[float, float] | None) -> str:
    return "–".join(map(percent, ends)) if ends else ""


def _heading(task: str, records: Sequence[RetrievalRecord]) -> str:
    first = records[0]
    return f"### {task} (layer {first.layer}, {first.pooling}, {first.similarity}; percent)"


def probe_tables(
    records: Sequence[RetrievalRecord], by: Callable[[RetrievalRecord], str] = language_of
) -> str:
    """One table a task: Acc@1/5/10, MRR, their intervals and the chance level of each group; over
    layers, MEXA.

    Where records have them, also the share of pairs that romanization leaves as they are, and an
    index's recall.
    """
    blocks = []
    for task, layer in tasks_of(records):
        chosen = of_task(records, task, layer)
        more = {
            head: name for head, name in BESIDE.items() if any(name in r.measures for r in chosen)
        }
        rows = [
            [
                key,
                len(rs),
                candidates_of(rs),
                *(percent(mean_of(rs, m)) for m in METRICS),
                *(_interval(of) if len(rs) == 1 else "" for of in (rs[0].ci95, rs[0].mrr_ci95)),
                chance_of(rs),
                *(
                    percent(fmean(r.measures[name] for r in rs if name in r.measures))
                    for name in more.values()
                ),
            ]
            for key, rs in group(chosen, by).items()
        ]
        headers = [
            "",
            "languages",
            "candidates",
            "Acc@1",
            "Acc@5",
            "Acc@10",
            "MRR",
            "Acc@1 95 %",
            "MRR 95 %",
        ]
        blocks.append(
            f"{_heading(task, chosen)}\n\n{markdown_table(rows, [*headers, 'chance Acc@1', *more])}"
        )
    for task, scores in mexa_over_layers(records).items():
        blocks.append(
            f"### {task}, over layers (percent)\n\n{markdown_table(mexa_rows(scores), MEXA_HEADS)}"
        )
    return "\n\n".join(blocks)


def mexa_over_layers(
    records: Sequence[RetrievalRecord],
) -> dict[str, dict[str, tuple[float, float, int]]]:
    """MEXA over layers (arXiv 2410.05873, section 3.3): task → language → mean, maximum, and the
    layer that has it.

    Empty unless there are several layers.
    """
    by_layer: defaultdict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for record in records:
        if "mexa" in record.measures:
            by_layer[record.task, record.language][record.layer] = record.measures["mexa"]
    found: defaultdict[str, dict[str, tuple[float, float, int]]] = defaultdict(dict)
    for (task, language), scores in by_layer.items():
        if len(scores) > 1:
            best = max(scores, key=scores.__getitem__)
            found[task][language] = (float(np.mean(list(scores.values()))), scores[best], best)
    return dict(found)


def mexa_rows(found: dict[str, tuple[float, float, int]]) -> list[list[str]]:
    """Language, mean and maximum over layers in percent, and the layer that has it; then the mean
    over languages.
    """
    rows = [
        [language, percent(mean), percent(most), str(layer)]
        for language, (mean, most, layer) in found.items()
    ]
    if len(rows) > 1:
        rows.append(
            [
                "all",
                *(
                    percent(float(np.mean([scores[i] for scores in found.values()])))
                    for i in (0, 1)
                ),
                "",
            ]
        )
    return rows


MEXA_HEADS = ["", "MEXA, mean over layers", "max over layers", "at layer"]


def before_after_tables(records: Records, by: Callable[[RetrievalRecord], str] = script_of) -> str:
    """One table a task: Acc@1 and MRR before and after, by group, with the chance level."""
    before, after = list(records["before"]), list(records["after"])
    blocks = []
    for task, layer in tasks_of(after):
        old, new = (of_task(rs, task, layer) for rs in (before, after))
        groups = group(old, by)
        rows = [
            [
                key,
                len(rs),
                candidates_of(rs),
                percent(mean_of(groups[key], "acc@1")),
                percent(mean_of(rs, "acc@1")),
                percent(mean_of(groups[key], "mrr")),
                percent(mean_of(rs, "mrr")),
                chance_of(rs),
            ]
            for key, rs in group(new, by).items()
        ]
        headers = [
            "",
            "languages",
            "candidates",
            "Acc@1 before",
            "after",
            "MRR before",
            "after",
            "chance Acc@1",
        ]
        blocks.append(f"{_heading(task, new)}\n\n{markdown_table(rows, headers)}")
    return "\n\n".join(blocks)


def markdown_table(rows: Sequence[Sequence], headers: Sequence[str]) -> str:
    """A Markdown table, the first column to the left, cells as they are given."""
    align = ["left"] + ["right"] * (len(headers) - 1)
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True, colalign=align)
