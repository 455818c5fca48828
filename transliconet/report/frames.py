"""Results as rows with a column for each value, for pandas and CSV."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transliconet.errors import ConfigError, DataError
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import read_results_file
from transliconet.report.comparison import Comparison
from transliconet.report.load import ReportColumn, load_results
from transliconet.report.sides import RESULTS
from transliconet.report.sweep_front import pareto_front
from transliconet.report.tables import script_of
from transliconet.report.transfer import load_transfer, transfer_rows
from transliconet.sweep.job import JOB_FILE, Job, read_sweep

if TYPE_CHECKING:
    from pandas import DataFrame

Row = dict[str, Any]


def frame(results: Any) -> "DataFrame":
    """Any result as a pandas DataFrame (extra ``frames``).

    - Records have a row for each task, language and layer. Scores and intervals are in 0 … 1, and
      each metric of paired vectors is a column.
    - Transfer has a row for each language, view and seed; a run with both has its rows last.
    - MTEB has a row for each task, subset, split and view.
    - A comparison has a row for each row of its tables, with change, interval and p-values.
    - A sweep has a row for each job, with its settings and accuracies.

    Args:
        results: a run folder, a results file, the folder of a sweep, or several of the first two;
            or what Python returned: records, records by stage, the result of ``tn.fit`` or of
            ``tn.transfer``, the jobs of a sweep, a comparison.

    Raises:
        ConfigError: pandas is not installed.
        DataError: a file cannot be read, or it is something else.

    Example::

        frame = tn.frame("runs/first")
        after = frame[(frame.stage == "after") & (frame.task == "native→romanized")]
        print(after.groupby("script")["acc@1"].mean())
    """
    try:
        from pandas import DataFrame
    except ImportError as error:
        raise ConfigError(
            "tn.frame",
            "the package pandas is not installed",
            "pip install -e '.[frames]' in a checkout",
            code="TLN-CONFIG-909",
        ) from error
    return DataFrame(list(rows_of(results)))


def rows_of(results: Any) -> Iterator[Row]:
    """The rows of :func:`frame`, which says what ``results`` may be."""
    if isinstance(results, Comparison):
        return results.rows()
    if isinstance(results, str | Path):
        return _file_rows(Path(results).expanduser())
    by_stage = getattr(results, "records", results)  # of a run, or already the records
    if isinstance(by_stage, Mapping):
        return _staged_rows(by_stage)
    if isinstance(by_stage, Sequence):
        if all(isinstance(item, RetrievalRecord) for item in by_stage):
            return map(record_row, by_stage)
        if all(isinstance(item, Job) for item in by_stage):
            return job_rows(by_stage)
        if all(isinstance(item, str | Path) for item in by_stage):
            contents, others = load_transfer(by_stage)
            found = column_rows(load_results(others, force=True)) if others else ()
            return chain(found, transfer_rows(contents))
        if all(hasattr(item, "as_dict") for item in by_stage):
            return transfer_rows([item.as_dict() for item in by_stage])
    raise DataError(
        type(results).__name__,
        "neither results nor a path to them",
        "Give a run folder, a results file, records, the jobs of a sweep or a comparison",
        code="TLN-DATA-910",
    )


def _file_rows(path: Path) -> Iterator[Row]:
    """The rows of a run folder, a results file or the folder of a sweep."""
    file = path / RESULTS if path.is_dir() else path
    if not file.exists() and any(path.glob(f"*/{JOB_FILE}")):
        return job_rows(read_sweep(path))
    scores = read_results_file(file).content.get("mteb")
    if isinstance(scores, list) and scores and all(isinstance(entry, Mapping) for entry in scores):
        return map(_mteb_row, scores)
    contents, others = load_transfer([path])
    return chain(column_rows(load_results(others)) if others else (), transfer_rows(contents))


def _mteb_row(entry: Mapping[str, Any]) -> Row:
    return {**entry, "languages": ",".join(map(str, entry.get("languages") or ()))}


def column_rows(columns: Iterable[ReportColumn]) -> Iterator[Row]:
    """The records of a report's columns, each with the name of its results and its stage."""
    for column in columns:
        for record in column.records:
            yield {"results": column.title, "stage": column.stage, **record_row(record)}


def _staged_rows(by_stage: Mapping[str, Sequence[RetrievalRecord]]) -> Iterator[Row]:
    for stage, records in by_stage.items():
        for record in records:
            yield {"stage": stage, **record_row(record)}


def record_row(record: RetrievalRecord) -> Row:
    """The values of a record, the ends of intervals and the metrics as columns of their own."""
    low, high = record.ci95
    mrr_low, mrr_high = record.mrr_ci95 or (None, None)
    chance = record.chance
    return {
        "language": record.language,
        "script": script_of(record),
        "task": record.task,
        "layer": record.layer,
        "source": record.source,
        "source_view": record.source_view,
        "target": record.target,
        "target_view": record.target_view,
        "pooling": record.pooling,
        "similarity": record.similarity,
        "queries": record.n,
        "candidates": record.candidates,
        "acc@1": record.acc[1],
        "acc@5": record.acc[5],
        "acc@10": record.acc[10],
        "acc@1_low": low,
        "acc@1_high": high,
        "chance_acc@1": chance["acc@1"],
        "mrr": record.mrr,
        "mrr_low": mrr_low,
        "mrr_high": mrr_high,
        "chance_mrr": chance["mrr"],
        **record.metrics,
    }


def job_rows(jobs: Sequence[Job]) -> Iterator[Row]:
    """The jobs of a sweep: state, settings, Acc@1 of each task after training, and seconds."""
    front = {job.name for job in pareto_front(jobs)}
    for job in jobs:
        yield {
            "job": job.name,
            "state": job.state,
            "on_pareto_front": job.name in front,
            **job.settings,
            **job.accuracies,
            "seconds": job.seconds,
            "error": job.error,
        }
