"""Results files: what was measured, with which settings, versions and data."""

import json
import platform
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any

from transliconet._version import __version__
from transliconet.errors import DataError
from transliconet.pairs import PairsFolder
from transliconet.probe.record import RetrievalRecord
from transliconet.storage import atomic_write

FORMAT = 1
PACKAGES = ("torch", "transformers", "tokenizers", "pytorch-lightning", "faiss-cpu", "numpy")

Records = Mapping[str, Sequence[RetrievalRecord]]
"""Stage (``before``, ``after``, or ``probe`` for a single measurement) → records."""


def versions() -> dict[str, str]:
    """Versions of what decides a number."""
    return {
        "transliconet": __version__,
        "python": platform.python_version(),
        **{p: version(p) for p in PACKAGES},
    }


def write_results(
    path: Path, records: Records, pairs: PairsFolder, config: Mapping, **more: object
) -> None:
    """Write a results file: ``{"config", "versions", "data", "records": [{"stage", …}]}`` and
    ``more``.
    """
    content = {
        "format": FORMAT,
        "config": config,
        "versions": versions(),
        "data": {
            "pairs": str(pairs.path),
            "rows": pairs.manifest["rows"],
            "sources": pairs.manifest["sources"],
        },
        **more,
        "records": [{"stage": stage, **r.as_dict()} for stage, rs in records.items() for r in rs],
    }
    atomic_write(path, json.dumps(content, ensure_ascii=False, indent=1, default=str) + "\n")


def read_results(path: str | Path) -> dict[str, list[RetrievalRecord]]:
    """The records of a results file, by stage.

    Raises:
        DataError: it is not a results file of this format.
    """
    return read_file(path)[1]


def read_file(path: str | Path) -> tuple[dict[str, Any], dict[str, list[RetrievalRecord]]]:
    """:func:`read_results`, and before them all that the file holds."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if (there := int(content.get("format", 0))) > FORMAT:
            raise DataError(
                path,
                f"its format is {there}, later than {FORMAT}",
                "Update transliconet",
                code="TLN-DATA-604",
            )
        stages: dict[str, list[RetrievalRecord]] = {}
        for record in content["records"]:
            stages.setdefault(record["stage"], []).append(RetrievalRecord.from_dict(record))
    except DataError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            path,
            f"not a results file ({error})",
            "Give the results.json of train or probe",
            code="TLN-DATA-605",
        ) from error
    return content, stages


def mean_accuracies(records: Iterable[RetrievalRecord]) -> dict[str, float]:
    """Mean Acc@1 over languages of each task; of several layers ``TASK@LAYER``."""
    records = list(records)
    several = len({record.layer for record in records}) > 1
    by_task: defaultdict[str, list[float]] = defaultdict(list)
    for record in records:
        by_task[task_name(record.task, record.layer, several)].append(record.acc[1])
    return {task: fmean(values) for task, values in by_task.items()}


def task_name(task: str, layer: int, several: bool) -> str:
    """A task's name, where several layers are probed with its layer."""
    return f"{task}@{layer}" if several else task
