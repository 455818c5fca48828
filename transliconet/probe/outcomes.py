"""The outcome of every query, in a Parquet file beside a results file.

``results.json`` has ``results.outcomes.parquet`` beside it, and names it with its SHA-256. A row is
a query: ``stage``, ``task``, ``language``, ``layer``, ``id`` and ``rank`` of the right candidate;
where there are documents, also ``ndcg@10`` and ``recall@100``.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from transliconet.errors import first_line
from transliconet.output_file import output_file
from transliconet.probe.record import QUERY_SCORES, Outcomes, RetrievalRecord
from transliconet.storage import atomic_file

ENDING = ".outcomes.parquet"
PARQUET = "PAR1"
"""What every Parquet file begins with."""
NAMES = ("stage", "task", "language")
"""Columns with few distinct values."""
WORD = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [*((name, WORD) for name in NAMES), ("layer", pa.int16()), ("id", WORD), ("rank", pa.int32())]
)

Staged = Sequence[tuple[str, RetrievalRecord]]
"""Stage and record, in the order of the results file."""


def digest_of_sentences(ids: Iterable[str], queries: Iterable[str], answers: Iterable[str]) -> str:
    """A digest of the text of a task, whatever the order of its sentences.

    Args:
        ids: (N,).
        queries, answers: (N,) texts.
    """
    return digest_of_rows(zip(ids, queries, answers, strict=True))[:16]


def digest_of_rows(rows: Iterable[tuple[str, ...]]) -> str:
    """The SHA-256 of rows of texts, whatever the order of the rows."""
    digest = hashlib.sha256()
    for row in sorted(rows):
        for text in row:
            raw = text.encode(errors="surrogatepass")
            digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()


def outcomes_path(results: Path, ending: str = ENDING) -> Path:
    """Where the outcomes of a results file are kept. Only a Parquet file is replaced there.

    >>> outcomes_path(Path("runs/first/results.json")).name
    'results.outcomes.parquet'

    Raises:
        ConfigError: something else has the name of the file.
    """
    path = results.with_name(f"{results.stem}{ending}")
    return output_file(path, "file of outcomes", PARQUET, overwrite=True)


def write_outcomes(results: Path, staged: Staged) -> dict[str, str]:
    """Write the outcomes of all records beside a results file.

    Args:
        results: the results file.
        staged: its records.

    Returns:
        Name and SHA-256 of the file, for the results file; empty where a record has no outcomes.

    Raises:
        ConfigError: something else has the name of the file.
    """
    path = outcomes_path(results)
    known = [(stage, record, record.outcomes) for stage, record in staged if record.outcomes]
    if not staged or len(known) < len(staged):
        path.unlink(missing_ok=True)  # it was of the results that are replaced
        return {}
    schema = SCHEMA
    if any(outcomes.scores for _, _, outcomes in known):
        for name in QUERY_SCORES:
            schema = schema.append(pa.field(name, pa.float64()))
    tables = []
    for stage, record, outcomes in known:
        columns: list[Any] = []
        for name in (stage, record.task, record.language):
            columns.append(pa.repeat(name, record.n).dictionary_encode())
        columns.append(pa.repeat(pa.scalar(record.layer, pa.int16()), record.n))
        columns.append(pa.array(list(outcomes.ids), pa.string()).dictionary_encode())
        columns.append(pa.array(outcomes.ranks, pa.int32()))
        for name in schema.names[len(SCHEMA) :]:
            scores = outcomes.scores.get(name, [None] * record.n)
            columns.append(pa.array(scores, pa.float64()))
        tables.append(pa.Table.from_arrays(columns, schema=schema))
    return write_tables(path, tables)


def write_tables(path: Path, tables: Sequence[pa.Table]) -> dict[str, str]:
    """Write tables of one schema to a file. Returns its name and SHA-256, for the results file."""
    table = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    with atomic_file(path) as partial:
        pq.write_table(table, partial, compression="zstd")
    return {"file": path.name, "sha256": _sha256(path)}


def read_outcomes(
    results: Path, entry: object, records: Sequence[RetrievalRecord]
) -> tuple[Sequence[RetrievalRecord], str]:
    """The records of a results file with their outcomes.

    Args:
        results: the results file.
        entry: what it says about its outcomes.
        records: of the file, in its order.

    Returns:
        The records, and why their outcomes are missing; empty where they are there.
    """
    path, problem = checked_path(results, entry)
    if path is None:
        return records, problem
    try:
        return _with_outcomes(path, records), ""
    # pyarrow's errors are of many kinds; the user can write the results again
    except Exception as error:
        return records, unreadable(path, error)


def checked_path(results: Path, entry: object, ending: str = ENDING) -> tuple[Path | None, str]:
    """The file of outcomes that a results file names, if it is as it was written.

    Args:
        results: the results file.
        entry: what it says about its outcomes.
        ending: of the file's name.

    Returns:
        The file, and an empty string; or None, and what is wrong.
    """
    if not isinstance(entry, Mapping) or not entry:
        return None, "it keeps no outcome of each query"
    name, digest = entry.get("file"), entry.get("sha256")
    if not isinstance(name, str) or Path(name).name != name or not name.endswith(ending):
        return None, "the file of its outcomes has no name"
    path = results.parent / name
    try:
        if not path.is_file():
            return None, f"{name} is not beside it"
        if _sha256(path) != digest:
            return None, f"{name} is damaged, or of other results"
    except OSError as error:
        return None, unreadable(path, error)
    return path, ""


def unreadable(path: Path, error: Exception) -> str:
    """Says that a file of outcomes cannot be read."""
    return f"{path.name} cannot be read ({type(error).__name__}: {first_line(error)})"


def _with_outcomes(path: Path, records: Sequence[RetrievalRecord]) -> list[RetrievalRecord]:
    expected = sum(record.n for record in records)
    if pq.read_metadata(path).num_rows != expected:
        raise ValueError(f"not {expected} rows")
    present = [name for name in QUERY_SCORES if name in pq.read_schema(path).names]
    table = pq.read_table(path, columns=["id", "rank", *present]).combine_chunks()
    ids = table["id"].combine_chunks().cast(WORD)
    texts = np.array(ids.dictionary.to_pylist(), dtype=object)  # one text for many rows
    id_of_row = texts[ids.indices.to_numpy()]
    ranks = table["rank"].to_numpy()
    complete, start = [], 0
    for record in records:
        rows = slice(start, start + record.n)
        scores = {}
        if record.documents is not None:
            scores = {name: table[name].to_numpy()[rows] for name in present}
        outcomes = Outcomes(id_of_row[rows].tolist(), ranks[rows], scores)
        complete.append(replace(record, outcomes=outcomes))
        start += record.n
    return complete


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
