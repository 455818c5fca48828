"""The figures of a report and of a sweep, for its page and as files."""

from collections.abc import Sequence
from dataclasses import dataclass

from transliconet.errors import require_range
from transliconet.probe.sample import Sample
from transliconet.report.curves import training_curves
from transliconet.report.figure import Figure
from transliconet.report.heatmap import similarity_maps
from transliconet.report.layer_plot import layer_curves
from transliconet.report.load import ReportColumn
from transliconet.report.parallel_plot import plot_parallel
from transliconet.report.plots import scores_by_script
from transliconet.report.sample_map import script_maps
from transliconet.report.sweep_front import pareto_front
from transliconet.report.sweep_plots import plot_tradeoff
from transliconet.sweep.job import Job

MAP_HEADING = "Scripts in the vector space"
Figures = dict[str, Figure]
"""Heading of a figure on the page → it."""


@dataclass(frozen=True)
class FigureOptions:
    """How figures are drawn.

    Args:
        projection: of the map, see :func:`transliconet.report.projection.project`.
        width, height: of a file, in points of 1/72 inch; None leaves them to the figure.
    """

    projection: str = "pca"
    width: float | None = None
    height: float | None = None

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            if getattr(self, name) is not None:
                require_range(name, getattr(self, name), above=0)


def report_figures(columns: Sequence[ReportColumn], projection: str = "pca") -> Figures:
    """The figures of a report: scores by script, and :func:`run_figures`."""
    by_column = {column.name: column.records for column in columns}
    figures = {}
    if any(by_column.values()):
        figures["By script"] = scores_by_script(by_column)
    return figures | run_figures(columns, projection)


def run_figures(columns: Sequence[ReportColumn], projection: str = "pca") -> Figures:
    """The figures of a report beside its scores: layers, training, and the vectors of a sample.

    Args:
        columns: of the report; curves and sample are those of the first one's run folder.
        projection: of the map, see :func:`transliconet.report.projection.project`.

    Raises:
        DataError: a file of the run folder is damaged.
        ConfigError: the projection needs a package that is not installed.
    """
    by_column = {column.name: column.records for column in columns}
    folder = columns[0].folder
    drawn: dict[str, Figure | None] = {
        "Layers": layer_curves(by_column),
        "Training": training_curves(folder),
    }
    sample = Sample.load(folder)
    if sample is not None and len(sample.texts) > 1 and sample.vectors:
        drawn[MAP_HEADING] = script_maps(sample, projection=projection)
        drawn["Cosines between scripts"] = similarity_maps(sample)
    return {heading: figure for heading, figure in drawn.items() if figure is not None}


def sweep_figures(jobs: Sequence[Job], by: str | None = None) -> Figures:
    """The figures of a sweep.

    Args:
        jobs: of the sweep.
        by: the task that colours the lines of :func:`plot_parallel`.
    """
    figures = {}
    if pareto_front(jobs):
        figures["Trade-off"] = plot_tradeoff(jobs)
    parallel = plot_parallel(jobs, by)
    if parallel is not None:
        figures["Settings"] = parallel
    return figures
