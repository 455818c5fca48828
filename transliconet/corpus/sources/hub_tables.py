"""Hugging Face datasets with labels, as tables: a Parquet file for each configuration and split.

Readers of labelled tables then need to know nothing of the hub.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transliconet.corpus.sources.hub import HubDataset, ask_datasets
from transliconet.corpus.sources.saved import saved_configurations
from transliconet.storage import scratch_folder

PREFIX = "hub:"
LANG, SPLIT = "lang", "split"
"""Columns that are added where a dataset does not have them: its configuration, and the split."""


def hub_tables(path: str, tags: Mapping[str, str] | str | None = None) -> str:
    """Write the tables of a dataset into a temporary folder; any other path stays as it is.

    Numbers of classes become their names.

    Args:
        path: ``hub:NAME`` or ``hub:NAME:CONFIGURATION``, where NAME is a name on the hub or a local
            folder. Without a configuration, all that are named by a language.
        tags: what the dataset's names of languages mean, see
            :class:`transliconet.language_tag.LanguageNames`.

    Returns:
        A pattern of Parquet files, or ``path``.

    Raises:
        ConfigError: the package ``datasets`` is not installed.
        DataError: the dataset cannot be read, or no configuration is named by a language.
    """
    if not path.startswith(PREFIX):
        return path
    name, _, config = path.removeprefix(PREFIX).partition(":")
    configs = [config] if config else HubDataset(name, tags=tags).configs
    digest = hashlib.sha256(path.encode()).hexdigest()[:12]
    folder = scratch_folder() / f"tables-{digest}"
    for each in configs:
        for split, rows in _splits(name, each):
            file = folder / each / f"{split}.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(_table(rows, each, split), file)
    return f"{folder}/*/*.parquet"


def _splits(name: str, config: str) -> Iterator[tuple[str, Any]]:
    """The splits of a configuration with their rows."""

    def load(datasets: Any) -> Any:
        saved = saved_configurations(name).get(config)
        if saved is None:
            return datasets.load_dataset(name, config)
        return datasets.load_from_disk(str(saved))

    yield from ask_datasets(name, load).items()


def _table(rows: Any, config: str, split: str) -> pa.Table:
    """One split as a table, with the names of its classes."""
    table: pa.Table = rows.with_format("arrow")[:]
    for column, feature in rows.features.items():
        in_lists = hasattr(feature, "feature")
        names = getattr(feature.feature if in_lists else feature, "names", None)
        if names:
            at = table.column_names.index(column)
            numbers = table[column].combine_chunks()
            table = table.set_column(at, column, _named(numbers, names, in_lists))
    for column, value in ((LANG, config), (SPLIT, split)):
        if column not in table.column_names:
            table = table.append_column(column, pa.repeat(pa.scalar(value), len(table)))
    return table


def _named(numbers: pa.Array, names: list[str], in_lists: bool) -> pa.Array:
    """Numbers of classes → their names; null where a number stands for no class, such as -1."""
    flat = numbers.flatten() if in_lists else numbers
    known = pc.if_else(pc.and_(pc.greater_equal(flat, 0), pc.less(flat, len(names))), flat, None)
    named = pa.array(names).take(known)
    if not in_lists:
        return named
    lengths = pc.fill_null(pc.list_value_length(numbers), 0)
    offsets = pa.array([0, *pc.cumulative_sum(lengths).to_pylist()], pa.int32())
    return pa.ListArray.from_arrays(offsets, named)
