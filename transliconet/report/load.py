"""Results files for a report: one run before and after training, or several measurements side by
side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transliconet.errors import DataError
from transliconet.probe.passed_over import PassedOver
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import read_results_file

SAMPLE_SETTINGS = (
    *("split", "languages", "pivots", "candidates", "search", "seed"),
    *("columns", "lang", "tags", "pivot", "romanizer", "min_words"),
)
"""Settings of a probe that decide which sentences are compared: two results must share them."""


@dataclass(frozen=True)
class ReportColumn:
    """One column of a report.

    Args:
        name: of the column.
        records: of the probe.
        content: the whole results file.
        folder: where the file lies; a run folder also has curves and a sample of vectors.
        passed_over: what the probe did not measure.
        title: of the results file: the name of its run folder, or its own.
        stage: of the records.
    """

    name: str
    records: Sequence[RetrievalRecord]
    content: dict[str, Any]
    folder: Path
    passed_over: PassedOver
    title: str = ""
    stage: str = ""


def load_results(paths: Sequence[str | Path], force: bool = False) -> list[ReportColumn]:
    """Columns of a report, in order: ``before`` and ``after`` of a run, ``probe`` of a measurement.

    Args:
        paths: results files, or folders with a ``results.json``.
        force: also compare results on different sentences.

    Raises:
        DataError: a file is no results file or has another format, or two results are of different
            sentences.
    """
    columns: list[ReportColumn] = []
    for path in (Path(path).expanduser() for path in paths):
        columns += _columns_of_file(path, several=len(paths) > 1)
    if not columns:
        raise DataError(
            ", ".join(map(str, paths)),
            "no records",
            "Give the results.json of train or probe",
            code="TLN-DATA-900",
        )
    if not force:
        for other in columns[1:]:
            _require_same_sentences(columns[0], other)
    return columns


def _columns_of_file(path: Path, several: bool) -> list[ReportColumn]:
    file = path / "results.json" if path.is_dir() else path
    results = read_results_file(file)
    title = path.name if path.is_dir() else path.stem
    columns = []
    for stage, records in results.records.items():
        name = f"{title}: {stage}" if several else stage
        columns.append(
            ReportColumn(
                name=name,
                records=records,
                content=results.content,
                folder=file.parent,
                passed_over=results.passed_over,
                title=title,
                stage=stage,
            )
        )
    return columns


def _require_same_sentences(one: ReportColumn, other: ReportColumn) -> None:
    compared: list[tuple[str, object, object]] = [
        ("sources", _source_digests(one), _source_digests(other)),
        ("number of rows", _data(one).get("rows"), _data(other).get("rows")),
    ]
    settings, other_settings = _sample_settings(one), _sample_settings(other)
    for name in dict.fromkeys([*settings, *other_settings]):
        compared.append((f"probe.{name}", settings.get(name), other_settings.get(name)))
    for what, first, second in compared:
        if first != second:
            raise DataError(
                f"{one.name} and {other.name}",
                f"not of the same sentences: {what} is {_short(first)} there, "
                f"{_short(second)} here",
                "Probe both on the same pairs with the same settings, or force=true",
                code="TLN-DATA-901",
            )


def _sample_settings(column: ReportColumn) -> dict[str, object]:
    """The deciding settings, ``candidates.max`` and the like by their full names."""
    probe = column.content.get("config", {}).get("probe")
    settings: dict[str, object] = {}
    for name in SAMPLE_SETTINGS:
        value = probe.get(name) if isinstance(probe, dict) else None
        if isinstance(value, dict):
            settings.update({f"{name}.{key}": inner for key, inner in value.items()})
        else:
            settings[name] = value
    for name in (
        "search.similarity",
        "search.index",
        "candidates._target_",
        "search._target_",
        "columns._target_",
    ):
        settings.pop(name, None)  # of the ranking, not of the sentences
    return settings


def _source_digests(column: ReportColumn) -> list[str]:
    sources = _data(column).get("sources", [])
    digests = []
    for source in sources if isinstance(sources, list) else [sources]:
        digest = source.get("sha256", source) if isinstance(source, dict) else source
        digests.append(str(digest))
    return sorted(digests)


def _data(column: ReportColumn) -> dict[str, Any]:
    """What was probed: a file of typed text, otherwise the pairs folder."""
    data = dict(column.content.get("data") or {})
    probed = data.get("probe")
    return probed if isinstance(probed, dict) else data


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"
