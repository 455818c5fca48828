"""What a report is of: encoder, recipe, data, date and versions, from a results file."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import PurePath
from typing import Any

from transliconet.report.intervals import files_of
from transliconet.report.load import ReportColumn
from transliconet.report.tables import script_of

OBJECTIVES = {
    "mlm": "masked language model",
    "tcm": "transliteration contrast",
    "tlm": "transliteration language model",
    "word_alignment": "word alignment",
    "anchor": "anchored contrast",
}
"""Section of the configuration → the objective in words."""
SHOWN_VERSIONS = ("transliconet", "torch", "transformers")
MOST_SOURCES = 3
"""More sources than this are counted."""
SHORT_REVISION = 10
"""Number of characters of a commit that are shown."""


def facts_table(columns: Sequence[ReportColumn]) -> str:
    """The facts of each results file as a table, a column for each file."""
    files = [stages[0] for stages in files_of(columns)]
    of_files = [facts(column.content, column.records) for column in files]
    rows = []
    if len(files) > 1:
        heads = "".join(f'<th scope="col">{escape(column.title)}</th>' for column in files)
        rows.append(f"<tr><td></td>{heads}</tr>")
    found: dict[str, str] = {}
    for of_file in of_files:
        found |= of_file
    for name in found:
        values = [of_file.get(name, "") for of_file in of_files]
        span = ""
        if len(values) > 1 and len(set(values)) == 1:  # all files have it
            values, span = values[:1], f' colspan="{len(files)}"'
        cells = "".join(f'<td class="text"{span}>{escape(value)}</td>' for value in values)
        rows.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
    return f'<div class="wide" tabindex="0"><table class="facts">{"".join(rows)}</table></div>'


def facts(content: Mapping[str, Any], records: Sequence[Any] = ()) -> dict[str, str]:
    """Name → value, of what the results file has; whatever stands in it.

    Args:
        content: of a results file.
        records: of one stage.
    """
    found = {
        "Encoder": _encoder(content),
        "Recipe": _recipe(content),
        "Data": _data(content),
        "Measured": _measured(records),
        "Date": _text(content, "date").replace("T", " ").replace("+00:00", " UTC"),
        "Versions": _versions(content),
    }
    return {name: value for name, value in found.items() if value}


def _entry(content: Any, *keys: str) -> Any:
    """A value inside mappings; None where there is none."""
    for key in keys:
        content = content.get(key) if isinstance(content, Mapping) else None
    return content


def _text(content: Any, *keys: str) -> str:
    value = _entry(content, *keys)
    return str(value) if isinstance(value, str | int | float) else ""


def _encoder(content: Mapping[str, Any]) -> str:
    encoder = _text(content, "config", "encoder", "path")
    if not encoder:
        made_by = _text(content, "config", "encoder", "_target_").rpartition(".")[2]
        encoder = made_by.replace("_", " ")
    layers = _text(content, "config", "encoder", "layers")
    if encoder and layers:
        encoder += f", {layers} layers"
    if revision := _text(content, "revision"):
        encoder += f", revision {revision[:SHORT_REVISION]}"
    return encoder


def _recipe(content: Mapping[str, Any]) -> str:
    """The recipe's name, and what it does in words; empty of a measurement without training."""
    config = _entry(content, "config")
    objectives = _entry(config, "objective")
    parts = []
    if isinstance(objectives, Mapping):
        method = _text(config, "method", "_target_").rpartition(".")[2]
        if method:
            parts.append(f"{method} vocabulary")
        for name in objectives:
            weight = _entry(objectives, name, "weight")
            if weight not in (0, None):
                parts.append(OBJECTIVES.get(name, str(name).replace("_", " ")))
    trainable = _text(config, "trainable")
    if parts and trainable:
        parts.append(f"trains {trainable.replace('_', ' ')}")
    if steps := _text(content, "training", "steps"):
        batch = _text(config, "data", "batch_size")
        parts.append(f"{steps} steps of {batch} pairs" if batch else f"{steps} steps")
    if rate := _text(config, "optim", "optimizer", "lr"):
        parts.append(f"learning rate {rate}")
    if parts and (seed := _text(config, "seed")):
        parts.append(f"seed {seed}")
    name = _text(config, "recipe")
    text = ", ".join(parts)
    return f"{name}: {text}" if name and text else name or text


def _data(content: Mapping[str, Any]) -> str:
    data = _entry(content, "data")
    parts = []
    for place in (data, _entry(data, "probe")):
        name = _text(place, "pairs") or _text(place, "path")
        rows = _entry(place, "rows")
        if isinstance(rows, int) and not isinstance(rows, bool):
            name += f", {rows:,} rows"
        if name:
            parts.append(name + _sources(_entry(place, "sources")))
    return "; probed on ".join(parts)


def _sources(sources: Any) -> str:
    names = []
    for source in sources if isinstance(sources, list) else ():
        for key in ("path", "dataset", "package"):
            if name := _text(source, key):
                names.append(PurePath(name).name)
                break
    shown = names[:MOST_SOURCES]
    if len(names) > len(shown):
        shown.append(f"{len(names) - MOST_SOURCES} more")
    return f" ({', '.join(shown)})" if shown else ""


def _measured(records: Sequence[Any]) -> str:
    if not records:
        return ""
    languages = len({record.language for record in records})
    scripts = len({script_of(record) for record in records})
    layers = sorted({record.layer for record in records})
    span = f"layer {layers[0]}" if len(layers) == 1 else f"layers {layers[0]} to {layers[-1]}"
    of_languages = "1 language" if languages == 1 else f"{languages} languages in {scripts} scripts"
    return f"{of_languages}, {span}, {records[0].pooling} pooling, {records[0].similarity}"


def _versions(content: Mapping[str, Any]) -> str:
    parts = []
    for package in SHOWN_VERSIONS:
        if number := _text(content, "versions", package):
            parts.append(f"{package} {number}")
    return ", ".join(parts)
