"""The map of a sample: each sentence and its romanization, joined by a line."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from transliconet.model.vectors import normalize
from transliconet.probe.sample import ROMANIZED_GROUP, Sample
from transliconet.report.colours import FAINT, by_group
from transliconet.report.figure import Figure, Row, Spec
from transliconet.report.maps import DECIMALS, MAP_LAYOUT, hidden_axes
from transliconet.report.names import language_name, script_name
from transliconet.report.projection import project

if TYPE_CHECKING:
    import altair as alt

HOVERED, CHOSEN = "hovered", "chosen"
SELECTIONS: tuple[Spec, ...] = (
    {
        "name": HOVERED,
        "select": {"type": "point", "fields": ["id"], "on": "pointerover", "clear": "pointerout"},
    },
    {"name": CHOSEN, "select": {"type": "point", "fields": ["script"]}, "bind": "legend"},
)
"""The pair under the pointer, and the script that was clicked in the legend."""
MOST_CHARACTERS = 120
"""Of a sentence under the pointer."""


def script_maps(
    sample: Sample, stages: Sequence[str] | None = None, projection: str = "pca"
) -> Figure:
    """Sentences in two dimensions at each stage: a colour and a shape for each script, the
    romanized ones in grey, and a line between both views of a sentence.

    Under the pointer are the sentence, its romanization and their cosine; the pair stands out at
    every stage. A click on the legend leaves one script.

    Args:
        sample: with vectors.
        stages: of the sample; None takes all.
        projection: see :func:`transliconet.report.projection.project`; of each stage by itself.

    Raises:
        DataError: fewer than two sentences.
        ConfigError: the projection needs a package that is not installed.
    """
    shown = list(stages or sample.vectors)
    rows = _sentence_rows(sample)
    for number, stage in enumerate(shown):
        _add_positions(rows, sample.vectors[stage], str(number), projection)
    scripts = sorted({str(row["script"]) for row in rows})
    panels = [_panel(stage, str(number), scripts) for number, stage in enumerate(shown)]
    gap = _cosines_in_words(sample, shown)
    description = (
        f"Map of {len(rows)} sentences in {len(scripts)} scripts, each joined with its "
        f"romanization. {gap}"
    )
    datasets = {"sentences": rows}
    return Figure("map", description, panels, datasets, layout=MAP_LAYOUT, params=SELECTIONS)


def _sentence_rows(sample: Sample) -> list[Row]:
    rows: list[Row] = []
    texts = zip(sample.languages, sample.texts, sample.romanized, strict=True)
    for number, (tag, text, romanized) in enumerate(texts):
        rows.append(
            {
                "id": number,
                "script": script_name(tag.split("_")[-1]),
                "language": language_name(tag.partition("_")[0]),
                "text": _short(text),
                "romanized": _short(romanized),
            }
        )
    return rows


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


def _add_positions(rows: Sequence[Row], vectors: np.ndarray, suffix: str, projection: str) -> None:
    """Add the positions of both views, and their cosine, at a stage.

    Args:
        rows: of N sentences; they are changed.
        vectors: (2, N, D).
        suffix: of the stage's columns.
        projection: of all 2 N vectors together.
    """
    number = len(rows)
    points = project(vectors.reshape(2 * number, -1), projection)  # (2 N, 2)
    points = points.round(DECIMALS)
    native, romanized = points[:number].tolist(), points[number:].tolist()
    cosines = pair_cosines(vectors).round(3).tolist()  # (N,)
    for row, (x, y), (x2, y2), cosine in zip(rows, native, romanized, cosines, strict=True):
        row[f"x{suffix}"], row[f"y{suffix}"] = x, y
        row[f"u{suffix}"], row[f"v{suffix}"] = x2, y2
        row[f"cosine{suffix}"] = cosine


def pair_cosines(vectors: np.ndarray) -> np.ndarray:
    """(2, N, D) vectors of both views → (N,) their cosines."""
    native, romanized = normalize(vectors[0]), normalize(vectors[1])
    return np.asarray((native * romanized).sum(1))


def _cosines_in_words(sample: Sample, stages: Sequence[str]) -> str:
    means = []
    for stage in stages:
        cosine = float(pair_cosines(sample.vectors[stage]).mean())
        means.append(f"{cosine:.2f} {stage}")
    return f"Mean cosine of the two: {', '.join(means)}."


def _panel(stage: str, suffix: str, scripts: Sequence[str]) -> "alt.LayerChart":
    import altair as alt

    hovered = alt.selection_point(HOVERED, empty=False)
    chosen = alt.selection_point(CHOSEN)
    tooltip = [
        alt.Tooltip("script:N"),
        alt.Tooltip("language:N"),
        alt.Tooltip("text:N", title="sentence"),
        alt.Tooltip("romanized:N"),
        alt.Tooltip(f"cosine{suffix}:Q", title="cosine of the two"),
    ]
    base = alt.Chart(alt.NamedData("sentences")).encode(tooltip=tooltip)
    x, y = hidden_axes(f"x{suffix}", f"y{suffix}")
    x2, y2 = hidden_axes(f"u{suffix}", f"v{suffix}")
    looks = by_group("script", scripts, ROMANIZED_GROUP)
    opacity = alt.when(chosen).then(alt.value(0.9)).otherwise(alt.value(0.05))
    of_line = alt.when(hovered).then(alt.value(1)).when(chosen).then(alt.value(0.4))
    lines = base.mark_rule(color=FAINT, aria=False).encode(
        x=x,
        y=y,
        x2=f"u{suffix}:Q",
        y2=f"v{suffix}:Q",
        strokeWidth=alt.when(hovered).then(alt.value(3)).otherwise(alt.value(0.7)),
        opacity=of_line.otherwise(alt.value(0.03)),
    )
    grey = {channel: alt.datum(ROMANIZED_GROUP) for channel in looks}
    romanized = base.mark_point(filled=True, size=22, aria=False).encode(
        x=x2, y=y2, opacity=opacity, **grey
    )
    native = base.mark_point(filled=True, aria=False).encode(
        x=x,
        y=y,
        size=alt.when(hovered).then(alt.value(170)).otherwise(alt.value(38)),
        opacity=opacity,
        **looks,
    )
    layers = alt.layer(lines, romanized, native)
    return layers.properties(title=stage, width=300, height=300)
