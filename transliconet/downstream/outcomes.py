"""The outcome of every tested text or sentence, in a Parquet file beside a results file.

``results.json`` has ``results.transfer.parquet`` beside it, and names it with its SHA-256. A row is
an item in one language, view and seed: how many of its labels are right, of how many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from transliconet.downstream.record import ItemOutcomes, TransferRecord
from transliconet.probe.outcomes import checked_path, outcomes_path, unreadable, write_tables

ENDING = ".transfer.parquet"
WORD = pa.dictionary(pa.int32(), pa.string())
NAMES = ("stage", "task", "language", "view")
SCHEMA = pa.schema(
    [
        *((name, WORD) for name in NAMES),
        ("seed", pa.int64()),
        ("id", WORD),
        *((name, pa.int32()) for name in ("right", "total", "entities_right", "entities_total")),
    ]
)
PAIRS = ("ci95", "entity_f1_ci95", "train_languages")
"""Entries of a record that JSON turns into lists."""

Staged = Sequence[tuple[str, TransferRecord]]
"""Stage (empty for a single measurement) and record, in the order of the results file."""


def write_item_outcomes(results: Path, staged: Staged) -> dict[str, str]:
    """Write the outcomes of all records beside a results file.

    Returns:
        Name and SHA-256 of the file, for the results file; empty where there is no outcome.

    Raises:
        ConfigError: something else has the name of the file.
    """
    path = outcomes_path(results, ENDING)
    tables = [_table(stage, record) for stage, record in staged if record.outcomes is not None]
    if not staged or len(tables) < len(staged):
        path.unlink(missing_ok=True)  # it was of the results that are replaced
        return {}
    return write_tables(path, tables)


def _table(stage: str, record: TransferRecord) -> pa.Table:
    outcomes = record.outcomes
    assert outcomes is not None
    columns: list[Any] = []
    for name in (stage, record.task, record.language, record.view):
        columns.append(pa.repeat(name, record.n).dictionary_encode())
    columns.append(pa.repeat(pa.scalar(record.seed, pa.int64()), record.n))
    columns.append(pa.array(list(outcomes.ids), pa.string()).dictionary_encode())
    for values in (outcomes.right, outcomes.total):
        columns.append(pa.array(values, pa.int32()))
    if outcomes.entities is None:
        columns += [pa.nulls(record.n, pa.int32())] * 2
    else:
        columns += [pa.array(values, pa.int32()) for values in outcomes.entities.T]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def read_transfer(
    results: Path, content: Mapping[str, Any]
) -> tuple[list[tuple[str, TransferRecord]], str]:
    """The records of transfer in a results file, with their outcomes.

    Args:
        results: the results file.
        content: what it holds.

    Returns:
        Stage and record, and why outcomes are missing; empty where they are there.

    Raises:
        KeyError, TypeError, ValueError: an entry is damaged.
    """
    staged = []
    for entry in content.get("transfer") or []:
        staged.append((str(entry.get("stage", "")), record_from_dict(entry)))
    path, problem = checked_path(results, content.get("transfer_outcomes"), ENDING)
    if path is None:
        return staged, problem
    try:
        return _with_outcomes(path, staged), ""
    # pyarrow's errors are of many kinds; the user can write the results again
    except Exception as error:
        return staged, unreadable(path, error)


def record_from_dict(content: Mapping[str, Any]) -> TransferRecord:
    """A record of a results file.

    Raises:
        KeyError, TypeError, ValueError: an entry is missing or of another type.
    """
    arguments: dict[str, Any] = {}
    for entry in fields(TransferRecord):
        if entry.name in content:
            value = content[entry.name]
            arguments[entry.name] = tuple(value) if entry.name in PAIRS and value else value
    record = TransferRecord(**arguments)
    if not isinstance(record.n, int) or not 0 <= float(record.accuracy) <= 1:
        raise ValueError("not a record of transfer")
    return record


def _with_outcomes(path: Path, staged: Staged) -> list[tuple[str, TransferRecord]]:
    expected = sum(record.n for _, record in staged)
    table = pq.read_table(path)
    if len(table) != expected:
        raise ValueError(f"not {expected} rows")
    complete, start = [], 0
    for stage, record in staged:
        rows = table.slice(start, record.n)
        entities = None
        if record.entity_f1 is not None:
            pair = [rows[name].to_numpy() for name in ("entities_right", "entities_total")]
            entities = np.stack(pair, axis=1)  # (N, 2)
        outcomes = ItemOutcomes(
            rows["id"].to_pylist(),
            rows["right"].to_numpy(),
            rows["total"].to_numpy(),
            entities,
        )
        complete.append((stage, replace(record, outcomes=outcomes)))
        start += record.n
    return complete
