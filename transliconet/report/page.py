"""The page of a report: before and after, or several measurements beside each other."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from html import escape
from statistics import fmean

from transliconet.probe.record import RetrievalRecord
from transliconet.probe.sample import Sample
from transliconet.report import figures
from transliconet.report.html import document, drawing, section, table
from transliconet.report.load import Measured
from transliconet.report.tables import (
    candidates_of,
    chance_of,
    group,
    language_of,
    mean_of,
    mexa_over_layers,
    mexa_rows,
    of_task,
    percent,
    script_of,
    tasks_of,
)


def page(columns: Sequence[Measured], title: str) -> str:
    """The HTML of a report."""
    folder = columns[0].folder
    sample = Sample.load(folder)
    sections = [_summary(columns)]
    for heading, by in (("By script", script_of), ("By language", language_of)):
        sections.append(section(heading, _tables(columns, by)))
    named = {column.name: column.records for column in columns}
    if layers := _layers(columns):
        sections.append(section("MEXA over layers", layers))
    sections.append(section("Measures", _measures(columns)))
    drawings = [
        ("Layers", figures.layer_curves(named)),
        ("Training", figures.training_curves(folder)),
    ]
    sections += [
        section(name, drawing(name, figures.svg_of(f))) for name, f in drawings if f is not None
    ]
    if sample is not None and sample.texts:
        sections.append(section("Where the scripts lie", _sample_figures(sample)))
        sections.append(section("Sentences of the map", _sentences(sample)))
    sections.append(section("Settings and versions", "".join(map(_settings, _distinct(columns)))))
    return document(title, sections)


def _summary(columns: Sequence[Measured]) -> str:
    """Mean over languages of each task, one column each."""
    rows: defaultdict[int, list[list[str]]] = defaultdict(list)
    for task, layer in tasks_of(r for column in columns for r in column.records):
        values = [of_task(column.records, task, layer) for column in columns]
        cells = [percent(mean_of(records, "acc@1")) if records else "" for records in values]
        rows[layer].append([f"{task}, layer {layer}", *cells, str(max(map(len, values)))])
    heads = [
        "Acc@1 in percent, mean over languages",
        *(column.name for column in columns),
        "languages",
    ]
    return _highest_open({layer: table(heads, of_layer) for layer, of_layer in rows.items()})


def _highest_open(by_layer: Mapping[int, str]) -> str:
    """What belongs to the highest layer, and the other layers to be unfolded."""
    if len(by_layer) < 2:
        return "".join(by_layer.values())
    last = max(by_layer)
    others = "\n".join(by_layer[layer] for layer in sorted(by_layer) if layer != last)
    return f"{by_layer[last]}\n<details><summary>{len(by_layer) - 1} more layers</summary>{others}</details>"


def _tables(columns: Sequence[Measured], by: Callable[[RetrievalRecord], str]) -> str:
    """One table a task and layer."""
    parts: defaultdict[int, list[str]] = defaultdict(list)
    for task, layer in tasks_of(r for column in columns for r in column.records):
        groups = [group(of_task(column.records, task, layer), by) for column in columns]
        keys = sorted({key for g in groups for key in g} - {"all"})
        several = len(keys) > 1
        rows = []
        for key in [*keys, *(["all"] if several else [])]:
            there = next(g[key] for g in groups if g.get(key))
            found = [g.get(key, []) for g in groups]
            cells = [
                percent(mean_of(rs, m)) if rs else "" for m in ("acc@1", "mrr") for rs in found
            ]
            rows.append([key, *cells, chance_of(there), str(len(there)), str(candidates_of(there))])
        heads = ["", *(f"{what} {column.name}" for what in ("Acc@1", "MRR") for column in columns)]
        body = table([*heads, "chance Acc@1", "languages", "candidates"], rows)
        parts[layer].append(f"<h3>{escape(task)}, layer {layer}</h3>{body}")
    return _highest_open({layer: "\n".join(tables) for layer, tables in parts.items()})


def _layers(columns: Sequence[Measured]) -> str:
    """Mean and maximum of MEXA over layers, one table a task; nothing for one layer."""
    rows: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for number, column in enumerate(columns):
        for task, scores in mexa_over_layers(column.records).items():
            for key, *cells in mexa_rows(scores):
                row = rows[task][key]
                row += [""] * (len(cells) * number - len(row)) + cells
    heads = [
        "",
        *(f"{what} {column.name}" for column in columns for what in ("mean", "max", "at layer")),
    ]
    return "\n".join(
        f"<h3>{escape(task)}</h3>{table(heads, [[key, *cells] for key, cells in by_key.items()])}"
        for task, by_key in rows.items()
    )


def _measures(columns: Sequence[Measured]) -> str:
    """Every measure of every task, mean over languages, one column each."""
    rows = []
    for task, layer in tasks_of(r for column in columns for r in column.records):
        values = [of_task(column.records, task, layer) for column in columns]
        for name in dict.fromkeys(
            name for records in values for r in records for name in r.measures
        ):
            cells = [
                [r.measures[name] for r in records if name in r.measures] for records in values
            ]
            shown = [f"{fmean(cell):.3f}" if cell else "" for cell in cells]
            rows.append([f"{task}, layer {layer}", name.replace("_", " "), *shown])
    heads = ["", "mean over languages", *(column.name for column in columns)]
    return f"<details><summary>{len(rows)} numbers</summary>{table(heads, rows)}</details>"


def _sample_figures(sample: Sample) -> str:
    parts = [
        "<p>Principal components of sentences in both views, and mean cosines between scripts. The map is drawn anew "
        "for each stage: directions mean nothing, distances between groups do.</p>"
    ]
    for stage in sample.vectors:
        parts.append(
            drawing(f"map of scripts, {stage}", figures.svg_of(figures.script_map(sample, stage)))
        )
        parts.append(
            drawing(
                f"cosines between scripts, {stage}",
                figures.svg_of(figures.similarity_map(sample, stage)),
            )
        )
    return "\n".join(parts)


def _sentences(sample: Sample) -> str:
    """One sentence a language, in its own direction and script."""
    seen: dict[str, tuple[str, str]] = {}
    for tag, text, romanized in zip(sample.languages, sample.texts, sample.romanized, strict=True):
        seen.setdefault(tag, (text, romanized))
    rows = "".join(
        f'<tr><td>{escape(tag)}</td><td class="text" lang="{escape(tag.replace("_", "-"))}" dir="auto">'
        f"{escape(text)}</td>"
        f'<td class="text" lang="{escape(tag.split("_")[0])}-Latn">{escape(romanized)}</td></tr>'
        for tag, (text, romanized) in sorted(seen.items())
    )
    heads = "".join(f'<th scope="col">{h}</th>' for h in ("language", "sentence", "romanized"))
    return f'<div class="wide" tabindex="0"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _distinct(columns: Sequence[Measured]) -> list[Measured]:
    """One column a results file."""
    return list({json.dumps(c.content, default=str): c for c in columns}.values())


def _settings(column: Measured) -> str:
    def block(name: str, value: Mapping) -> str:
        text = escape(json.dumps(value, indent=1, ensure_ascii=False, default=str))
        return f"<details><summary>{escape(name)}</summary><pre>{text}</pre></details>"

    content = column.content
    return (
        f"<h3>{escape(column.folder.name)}</h3>"
        + block("configuration", content.get("config", {}))
        + block("versions", content.get("versions", {}))
        + block("data", content.get("data", {}))
    )
