"""Results files: retrieval records with the settings, versions and data that they depend on."""

import json
import platform
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any

from transliconet._version import __version__
from transliconet.errors import DataError, first_line
from transliconet.pairs import PairsFolder
from transliconet.probe.outcomes import read_outcomes, write_outcomes
from transliconet.probe.passed_over import PassedOver
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.shareable import path_name, shareable, without_paths
from transliconet.storage import atomic_write

FORMAT = 2
BEGINNING = '{\n "format": '
"""What every results file begins with."""
PACKAGES = ("torch", "transformers", "tokenizers", "pytorch-lightning", "faiss-cpu", "numpy")

Records = Mapping[str, Sequence[RetrievalRecord]]
"""Stage (``before``, ``after``, or ``probe`` for a single measurement) → records."""


def versions() -> dict[str, str]:
    """Versions of the packages that results depend on."""
    packages = {package: version(package) for package in PACKAGES}
    return {"transliconet": __version__, "python": platform.python_version(), **packages}


def pairs_data(pairs: PairsFolder) -> dict[str, object]:
    """What results files say about a pairs folder: its name, number of rows and sources."""
    return {
        "pairs": path_name(str(pairs.path)),
        "rows": pairs.manifest["rows"],
        "sources": without_paths(pairs.manifest["sources"]),
    }


def write_results(
    path: Path, records: Records, data: Mapping, config: Mapping, **more: object
) -> None:
    """Write a results file, and the outcome of each query beside it
    (:mod:`transliconet.probe.outcomes`).

    It holds ``date`` (UTC), ``config``, ``versions``, ``data``, ``outcomes`` (the name of the other
    file), ``records`` (a list, each with its ``stage``) and ``more``. Paths outside the working
    folder are reduced to their last part, so that the file can be shared.

    Args:
        path: the file.
        records: by stage.
        data: what was probed (:meth:`transliconet.probe.base.Probe.data`).
        config: settings, as plain values.
        more: further entries, as plain values.
    """
    staged = []
    for stage, of_stage in records.items():
        staged += [(stage, record) for record in of_stage]
    entries = [{"stage": stage, **record.as_dict()} for stage, record in staged]
    content = {
        "format": FORMAT,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "config": shareable(config),
        "versions": versions(),
        "data": dict(data),
        **more,
        "outcomes": write_outcomes(Path(path), staged),
        "records": entries,
    }
    text = json.dumps(content, ensure_ascii=False, indent=1, default=str)
    atomic_write(path, text + "\n")


@dataclass(frozen=True)
class ResultsFile:
    """The content of a results file.

    Args:
        content: the whole file.
        records: by stage.
        passed_over: what the probe did not measure.
        without_outcomes: why the records have no outcome of each query; empty where they have.
    """

    content: dict[str, Any]
    records: dict[str, list[RetrievalRecord]]
    passed_over: PassedOver
    without_outcomes: str = ""


def read_results(path: str | Path) -> dict[str, list[RetrievalRecord]]:
    """The records of a results file, by stage.

    Raises:
        DataError: it is no results file, is of another format, or is damaged.
    """
    return read_results_file(path).records


def read_results_file(path: str | Path) -> ResultsFile:
    """Read a results file with everything that it holds."""
    file = Path(path).expanduser()
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        json.dumps(content, ensure_ascii=False).encode()  # half of a surrogate pair cannot be shown
        if not isinstance(content["records"], list):
            raise TypeError("records is not a list")
        format_ = int(content.get("format", FORMAT))
        if format_ == FORMAT:
            return _from_content(content, file)
    except (*JSON_ERRORS, OSError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            path,
            f"not a results file ({type(error).__name__}: {first_line(error)})",
            "Give the results.json of train or probe",
            code="TLN-DATA-605",
        ) from error
    raise DataError(
        path,
        f"its format is {format_}, not {FORMAT}",
        "Run train or probe again" if format_ < FORMAT else "Update transliconet",
        code="TLN-DATA-604",
    )


JSON_ERRORS = (ValueError, OverflowError, RecursionError)
"""Exceptions from reading a file of arbitrary JSON."""


def _from_content(content: dict[str, Any], file: Path) -> ResultsFile:
    """Check the parts that a report reads, and add the outcomes."""
    for section in ("config", "versions", "data"):
        if not isinstance(content.get(section, {}), dict):
            raise TypeError(f"{section} is not a mapping")
    stages = [entry["stage"] for entry in content["records"]]
    if not all(isinstance(stage, str) for stage in stages):
        raise TypeError("a stage is no text")
    read = [RetrievalRecord.from_dict(entry) for entry in content["records"]]
    complete, problem = read_outcomes(file, content.get("outcomes"), read)
    records: dict[str, list[RetrievalRecord]] = {}
    for stage, record in zip(stages, complete, strict=True):
        records.setdefault(stage, []).append(record)
    passed_over = PassedOver.from_dict(content.get("passed_over", {}))
    return ResultsFile(content, records, passed_over, problem)


def mean_accuracies(records: Iterable[RetrievalRecord]) -> dict[str, float]:
    """Task → Acc@1 (of documents nDCG@10), the mean over languages. Where several layers are
    probed, a task is named ``TASK@LAYER``.
    """
    records = list(records)
    several = len({record.layer for record in records}) > 1
    by_task: defaultdict[str, list[float]] = defaultdict(list)
    for record in records:
        by_task[task_name(record.task, record.layer, several)].append(record.headline)
    return {task: fmean(values) for task, values in by_task.items()}


def task_name(task: str, layer: int, several: bool) -> str:
    """A task's name, followed by its layer where several layers are probed."""
    return f"{task}@{layer}" if several else task
