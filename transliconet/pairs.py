"""The pairs folder: what it holds, how it is opened, and how one appears in a single step.

::

    pairs/
      data/part-00000.arrow   Arrow IPC files with the columns of SCHEMA; pyarrow.dataset reads the folder as it is
      skipped.jsonl           one object per line that was kept out, but for those that sampling passed over
      manifest.json           sources, options, counts per language and reason
      cache/                  made by training: token ids
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from transliconet.errors import ConfigError, DataError, require_choice
from transliconet.outputs import resumable_folder
from transliconet.storage import atomic_file

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
FORMAT = 2
SPLITS = ("train", "heldout", "all")
UNITS_PER_SHARD = 64
KIND = "pairs"
"""What the marker of a pairs folder says."""
MANIFEST_KEYS = {"rows", "sources", "romanizer", "languages"}


def id_fraction(id_: str, seed: int) -> float:
    """A number in [0, 1) that depends on the id and the seed alone."""
    digest = hashlib.blake2b(
        f"{seed}\0{id_}".encode(errors="surrogatepass"), digest_size=8
    ).digest()
    return int.from_bytes(digest, "big") / 2**64


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
            raise DataError(f"pairs={path}", "no such pairs folder", remedy, code="TLN-DATA-200")
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise DataError(
                f"pairs={path}",
                "no manifest.json: not a pairs folder, or half-written",
                remedy,
                code="TLN-DATA-201",
            ) from error
        except ValueError as error:
            raise DataError(
                f"pairs={path}",
                f"manifest.json is not JSON ({error})",
                remedy,
                code="TLN-DATA-202",
            ) from error
        table = _read_parts(folder, remedy)
        if table.num_rows != manifest.get("rows"):
            raise DataError(
                f"pairs={path}",
                f"{table.num_rows} rows where the manifest says {manifest.get('rows')}",
                remedy,
                code="TLN-DATA-203",
            )
        return cls(folder, manifest, table)

    def batches(
        self, split: str, *, skip_unchanged: bool = False, languages: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Rows of one part, some thousands at a time, in the order of the folder.

        Args:
            split: ``train`` (not held out), ``heldout`` or ``all``.
            skip_unchanged: leave out the pairs whose romanization equals the text.
            languages: tags to keep; None keeps all.

        Raises:
            ConfigError: unknown part, or a language that the folder does not have.
        """
        require_choice("split", split, SPLITS)
        for tag in languages or ():
            if tag not in self.manifest["languages"]:
                present = ", ".join(self.manifest["languages"])
                raise ConfigError(
                    f"languages: {tag}",
                    "not in the pairs folder",
                    f"It has {present}",
                    code="TLN-CONFIG-200",
                )
        for batch in self.table.to_batches():
            if split != "all":
                batch = batch.filter(pc.equal(batch["heldout"], split == "heldout"))
            if skip_unchanged:
                batch = batch.filter(pc.invert(batch["identical"]))
            if languages is not None:
                batch = batch.filter(pc.is_in(batch["lang"], pa.array(languages, pa.string())))
            if batch.num_rows:
                yield batch

    def split(
        self, split: str, *, skip_unchanged: bool = False, languages: Sequence[str] | None = None
    ) -> pa.Table:
        """The rows of :meth:`batches` in one table."""
        return pa.Table.from_batches(
            self.batches(split, skip_unchanged=skip_unchanged, languages=languages), SCHEMA
        )

    def texts(self, split: str, languages: Sequence[str] | None = None) -> list[str]:
        """The texts of :meth:`split`, then their romanizations: what a tokenizer of both views is
        trained on.
        """
        rows = self.split(split, languages=languages)
        return [*rows["text"].to_pylist(), *rows["romanized"].to_pylist()]


def _read_parts(folder: Path, remedy: str) -> pa.Table:
    files = sorted((folder / "data").glob("*.arrow"))
    try:
        tables = [pa.ipc.open_file(pa.memory_map(str(f))).read_all() for f in files]
        return pa.concat_tables([SCHEMA.empty_table(), *tables])
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"pairs={folder}",
            f"a data file is damaged ({str(error)[:80]})",
            remedy,
            code="TLN-DATA-204",
        ) from error


def write_part(file: Path, table: pa.Table) -> None:
    """Write one Arrow file, whole or not at all."""
    with atomic_file(file) as partial, pa.ipc.new_file(str(partial), table.schema) as writer:
        writer.write_table(table)


def pack(units: Sequence[Path], folder: Path) -> None:
    """Join the files of ``units``, in order, into shards in ``folder``: fewer files, the same
    rows.
    """
    folder.mkdir()
    for shard, start in enumerate(range(0, len(units), UNITS_PER_SHARD)):
        with pa.ipc.new_file(str(folder / f"part-{shard:05d}.arrow"), SCHEMA) as writer:
            for unit in units[start : start + UNITS_PER_SHARD]:
                writer.write_table(pa.ipc.open_file(pa.memory_map(str(unit))).read_all())


def new_pairs_folder(
    out: str | Path, plan: dict, overwrite: bool = False
) -> AbstractContextManager[Path]:
    """A folder to work in, as of :func:`~transliconet.outputs.resumable_folder`, for one plan."""
    return resumable_folder(out, KIND, {"format": FORMAT, **plan}, overwrite, is_pairs_folder)


def is_pairs_folder(folder: Path) -> bool:
    """Whether a folder without marker has the manifest that ``prepare`` writes."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.keys() >= MANIFEST_KEYS
