"""The pairs folder: what it holds, how it is opened, and how one is written in a single step.

::

    pairs/
      data/part-00000.arrow   Arrow IPC files with the columns of SCHEMA; pyarrow.dataset reads the folder as it is
      skipped.jsonl           one object per line that a reader or the romaniser could not use
      manifest.json           sources, options, counts per language and reason; written last
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from transliconet.errors import ConfigError, DataError, require_choice

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("lang", pa.string()),
        ("text", pa.string()),
        ("romanized", pa.string()),
        ("identical", pa.bool_()),
        ("heldout", pa.bool_()),
    ]
)
FORMAT = 1
PARTS = ("train", "heldout", "all")


@dataclass(frozen=True)
class PairsFolder:
    """An opened pairs folder: the manifest and the memory-mapped table."""

    path: Path
    manifest: dict
    table: pa.Table

    @classmethod
    def open(cls, path: str | Path | None) -> "PairsFolder":
        """Open a folder that ``transliconet prepare`` wrote.

        Raises:
            DataError: it is not there, was left half-written, or was changed since.
        """
        remedy = "Write one with: transliconet prepare corpus=… out=FOLDER"
        folder = Path(path).expanduser() if path else None
        if folder is None or not folder.is_dir():
            raise DataError(f"pairs={path}", "no such pairs folder", remedy)
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise DataError(f"pairs={path}", "no manifest.json: not a pairs folder, or half-written", remedy) from error
        except ValueError as error:
            raise DataError(f"pairs={path}", f"manifest.json is not JSON ({error})", remedy) from error
        table = _read_parts(folder, remedy)
        if table.num_rows != manifest.get("rows"):
            raise DataError(
                f"pairs={path}", f"{table.num_rows} rows where the manifest says {manifest.get('rows')}", remedy
            )
        return cls(folder, manifest, table)

    def part(self, part: str, *, identical: bool = True, languages: Sequence[str] | None = None) -> pa.Table:
        """Rows of one part.

        Args:
            part: ``train`` (not held out), ``heldout`` or ``all``.
            identical: keep the pairs whose romanisation equals the text.
            languages: tags to keep; None keeps all.

        Raises:
            ConfigError: unknown part, or a language that the folder does not have.
        """
        require_choice("part", part, PARTS)
        keep = np.ones(self.table.num_rows, dtype=bool)
        if part != "all":
            keep &= self.table["heldout"].to_numpy() == (part == "heldout")
        if not identical:
            keep &= ~self.table["identical"].to_numpy()
        if languages is not None:
            present = set(self.table["lang"].unique().to_pylist())
            for tag in languages:
                if tag not in present:
                    raise ConfigError(
                        f"languages: {tag}", "not in the pairs folder", f"It has {', '.join(sorted(present))}"
                    )
            keep &= np.isin(self.table["lang"].to_numpy().astype(str), list(languages))
        return self.table.take(pa.array(np.flatnonzero(keep)))


def _read_parts(folder: Path, remedy: str) -> pa.Table:
    files = sorted((folder / "data").glob("*.arrow"))
    try:
        tables = [pa.ipc.open_file(pa.memory_map(str(f))).read_all() for f in files]
        table = pa.concat_tables([SCHEMA.empty_table(), *tables])
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"pairs={folder}", f"a data file is damaged ({str(error)[:80]})", remedy) from error
    return table


class PairsWriter:
    """Writes one pairs folder; made by :func:`new_pairs_folder`."""

    ROWS_PER_BATCH = 8192

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = 0
        (folder / "data").mkdir(parents=True)
        self._arrow = pa.ipc.new_file(str(folder / "data" / "part-00000.arrow"), SCHEMA)
        self._skipped = (folder / "skipped.jsonl").open("w", encoding="utf-8")
        self._pending: list[dict] = []

    def row(self, **values: object) -> None:
        """Add one pair, with a value for each column of :data:`SCHEMA`."""
        self._pending.append(values)
        self.rows += 1
        if len(self._pending) >= self.ROWS_PER_BATCH:
            self._flush()

    def skipped(self, **values: object) -> None:
        """Add one line to ``skipped.jsonl``."""
        self._skipped.write(json.dumps(values, ensure_ascii=False, default=str) + "\n")

    def _flush(self) -> None:
        if self._pending:
            self._arrow.write_batch(pa.RecordBatch.from_pylist(self._pending, schema=SCHEMA))
            self._pending = []

    def close(self) -> None:
        self._flush()
        self._arrow.close()
        self._skipped.close()

    def manifest(self, manifest: dict) -> None:
        text = json.dumps({"format": FORMAT, "rows": self.rows, **manifest}, ensure_ascii=False, indent=1)
        (self.folder / "manifest.json").write_text(text + "\n", encoding="utf-8")


@contextmanager
def new_pairs_folder(out: str | Path, overwrite: bool = False) -> Iterator[PairsWriter]:
    """A writer for ``out``, which appears (or is replaced) only when the block ends without an error.

    Raises:
        ConfigError: ``out`` exists and ``overwrite`` is false.
    """
    out = Path(out).expanduser()
    if out.exists() and not overwrite:
        raise ConfigError(f"out={out}", "already there", "Choose another folder, or overwrite=true")
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    writer = PairsWriter(partial)
    try:
        try:
            yield writer
        finally:
            writer.close()
        if out.exists():
            shutil.rmtree(out)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
