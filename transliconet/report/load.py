"""Results files for a report: of one run before and after training, or of several measurements
beside each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transliconet.errors import DataError
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import read_file

DECISIVE = (
    "split",
    "languages",
    "pivots",
    "max_candidates",
    "min_candidates",
    "unchanged",
    "depth",
    "seed",
)
"""Settings of a probe that decide which sentences are compared: two results must share them."""


@dataclass(frozen=True)
class Measured:
    """One column of a report.

    Args:
        name: of the column.
        records: what was measured.
        content: the whole results file.
        folder: where it lies; a run folder has curves and a sample of vectors beside it.
    """

    name: str
    records: Sequence[RetrievalRecord]
    content: dict[str, Any]
    folder: Path


def load_results(paths: Sequence[str | Path], force: bool = False) -> list[Measured]:
    """Columns of a report, in order: a run's ``before`` and ``after``, a measurement's ``probe``.

    Args:
        paths: results files, or folders with a ``results.json``.
        force: also put results of different data beside each other.

    Raises:
        DataError: a file is no results file, is of a later format, or two are of different
            sentences.
    """
    columns: list[Measured] = []
    for path in map(Path, paths):
        file = path / "results.json" if path.is_dir() else path
        content, stages = read_file(file)
        several = len(paths) > 1
        for stage, records in stages.items():
            name = f"{path.stem if path.is_file() else path.name}: {stage}" if several else stage
            columns.append(Measured(name, records, content, file.parent))
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


def _require_same_sentences(one: Measured, other: Measured) -> None:
    for what, first, second in (
        ("sources", _digests(one), _digests(other)),
        ("number of rows", _data(one).get("rows"), _data(other).get("rows")),
        *((f"probe.{key}", _probe(one).get(key), _probe(other).get(key)) for key in DECISIVE),
    ):
        if first != second:
            raise DataError(
                f"{one.name} and {other.name}",
                f"not of the same sentences: {what} is {_short(first)} there, {_short(second)} here",
                "Probe both on the same pairs with the same settings, or force=true",
                code="TLN-DATA-901",
            )


def _digests(column: Measured) -> list[str]:
    return sorted(str(s.get("sha256", s)) for s in _data(column).get("sources", []))


def _data(column: Measured) -> dict[str, Any]:
    return dict(column.content.get("data") or {})


def _probe(column: Measured) -> dict[str, Any]:
    return dict(column.content.get("config", {}).get("probe") or {})


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"
