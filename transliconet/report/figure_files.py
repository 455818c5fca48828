"""Figures as files for papers: ``OUT_NAME.pdf`` and ``OUT_NAME.svg``."""

from collections.abc import Sequence
from pathlib import Path

from transliconet.errors import DataError, Option
from transliconet.output_file import output_file
from transliconet.report.figures import FigureOptions, Figures
from transliconet.storage import atomic_write

FIGURE_BEGINNINGS = {"pdf": "%PDF-", "svg": "<svg "}
"""Format of figures → what its files begin with."""
NAMES = ("scripts", "layers", "training", "map", "cosines", "tradeoff", "settings")
"""Names of all figures that there can be."""


def figure_file(out: str, name: str, file_format: str) -> Path:
    """The file of a figure: ``out_name.pdf``.

    Raises:
        ConfigError: there is something of another format at its place.
        StorageError: its folder cannot be written.
    """
    beginning = FIGURE_BEGINNINGS[file_format]
    return output_file(f"{out}_{name}.{file_format}", "figure", beginning, overwrite=True)


def require_replaceable(out: str, file_format: str) -> None:
    """Raise what :func:`figure_file` raises for any figure, before one is drawn."""
    for name in NAMES:
        figure_file(out, name, file_format)


def write_figures(
    figures: Figures, out: str, formats: Sequence[str], options: FigureOptions
) -> list[Path]:
    """Write each figure in each format.

    Args:
        figures: to write.
        out: the files without ``_NAME.pdf``.
        formats: ``pdf`` and ``svg``.
        options: with their size.

    Returns:
        The files.

    Raises:
        DataError: there is no figure.
    """
    if not figures:
        raise DataError(
            Option("format", ",".join(formats)),
            "there is nothing to draw: no probe before or after, and no job of a sweep",
            "Use format=html, csv or latex",
            code="TLN-DATA-923",
        )
    files = []
    for file_format in formats:
        for figure in figures.values():
            file = figure_file(out, figure.name, file_format)
            atomic_write(file, figure.content(file_format, options.width, options.height))
            files.append(file)
    return files
