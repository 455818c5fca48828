"""The pairs folder: what it holds, how it is opened and checked, and how it is written.

::

    pairs/
      data/part-00000.arrow   Arrow IPC files with the columns of SCHEMA, for pyarrow.dataset
      skipped.jsonl           one object per line that was kept out, except by sampling
      manifest.json           sources, options, counts per language and reason, checksums
      cache/                  made by training: token ids
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from transliconet.errors import ConfigError, DataError, Option, first_line, require_choice
from transliconet.outputs import resumable_folder
from transliconet.storage import atomic_file, atomic_write

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
FORMAT = 3
SPLITS = ("train", "heldout", "all")
PARTS_PER_SHARD = 64
MIN_CANDIDATES = 20
"""By default, the retrieval probe leaves out languages with fewer held-out pairs than this."""
KIND = "pairs"
"""The kind of folder that the marker file of a pairs folder names."""
MANIFEST = "manifest.json"
MANIFEST_DEFAULTS: dict[str, Any] = {
    "format": 2,  # the last one that didn't say so
    "sources": [],
    "rules": {},
    "romanizer": {"name": "none", "version": ""},
    "files": {},
}
MANIFEST_TYPES = {
    "format": int,
    "rows": int,
    "languages": dict,
    "sources": list,
    "rules": dict,
    "romanizer": dict,
    "files": dict,
}
REMEDY = "Write one with: transliconet prepare corpus=… out=FOLDER"


def id_fraction(id_: str, seed: int) -> float:
    """A number in [0, 1) that depends on nothing but the id and the seed."""
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

        Args:
            path: of the folder.

        Returns:
            The folder, checked.

        Raises:
            DataError: it is not there, was left half-written, or was changed since.
        """
        folder = Path(path).expanduser() if path else None
        if folder is None or not folder.is_dir():
            raise DataError(
                Option("pairs", path), "no such pairs folder", REMEDY, code="TLN-DATA-200"
            )
        manifest = read_manifest(folder)
        files = sorted((folder / "data").glob("*.arrow"))
        table = _read_parts(folder, files)
        if table.num_rows != manifest["rows"]:
            problem = f"{table.num_rows} rows where the manifest says {manifest['rows']}"
            raise DataError(Option("pairs", path), problem, REMEDY, code="TLN-DATA-203")
        _check_content(folder, manifest, files, table)
        return cls(folder, manifest, table)

    def batches(
        self, split: str, *, skip_unchanged: bool = False, languages: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Read rows of a split, some thousands at a time, in the order of the folder.

        Args:
            split: ``train`` (not held out), ``heldout`` or ``all``.
            skip_unchanged: leave out the pairs whose romanization equals the text.
            languages: tags to keep; None keeps all.

        Returns:
            An iterator over record batches of :data:`SCHEMA`.

        Raises:
            ConfigError: no such split, or a language that the folder does not have.
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
        """The rows of a split in one table.

        Args:
            split, skip_unchanged, languages: see :meth:`batches`.

        Returns:
            A table with the columns of :data:`SCHEMA`.
        """
        return pa.Table.from_batches(
            self.batches(split, skip_unchanged=skip_unchanged, languages=languages), SCHEMA
        )

    def texts(self, split: str, languages: Sequence[str] | None = None) -> list[str]:
        """Texts of a split, to train a tokenizer on.

        Args:
            split, languages: see :meth:`batches`.

        Returns:
            The native texts, then their romanizations.
        """
        rows = self.split(split, languages=languages)
        return [*rows["text"].to_pylist(), *rows["romanized"].to_pylist()]


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of ``folder``, and check the types that other code relies on.

    Raises:
        DataError: there is none, it is damaged, or of a later format.
    """
    given = Option("pairs", folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        problem = f"no {MANIFEST}: not a pairs folder, or half-written"
        raise DataError(given, problem, REMEDY, code="TLN-DATA-201") from error
    except (OSError, ValueError, RecursionError) as error:
        problem = f"{MANIFEST} is not JSON ({first_line(error)})"
        raise DataError(given, problem, REMEDY, code="TLN-DATA-202") from error
    if not isinstance(manifest, dict):
        raise DataError(given, f"{MANIFEST} is not an object", REMEDY, code="TLN-DATA-205")
    manifest = {**MANIFEST_DEFAULTS, **manifest}
    for name, type_ in MANIFEST_TYPES.items():
        if type(manifest.get(name)) is not type_:
            problem = f"{MANIFEST} has no {name!r} of type {type_.__name__}"
            raise DataError(given, problem, REMEDY, code="TLN-DATA-206")
    entries = [*manifest["languages"].values(), *manifest["sources"]]
    if not all(isinstance(entry, dict) for entry in entries):
        problem = f"{MANIFEST}: 'languages' or 'sources' don't hold objects"
        raise DataError(given, problem, REMEDY, code="TLN-DATA-207")
    if manifest["format"] > FORMAT:
        problem = f"its format is {manifest['format']}, later than {FORMAT}"
        raise DataError(given, problem, "Update transliconet", code="TLN-DATA-208")
    return manifest


def _read_parts(folder: Path, files: Sequence[Path]) -> pa.Table:
    try:
        tables = [pa.ipc.open_file(pa.memory_map(str(file))).read_all() for file in files]
        table = pa.concat_tables([SCHEMA.empty_table(), *tables])
        table.validate(full=True)  # UTF-8 among others: a flipped bit may make a file unreadable
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(folder, first_line(error)[:80], "TLN-DATA-204") from error
    return table


def _check_content(
    folder: Path, manifest: Mapping[str, Any], files: Sequence[Path], table: pa.Table
) -> None:
    """Compare the data with the manifest: checksums, languages, missing values."""
    checksums = manifest["files"]
    for file in files:
        # a folder of an earlier format has no checksums
        if checksums and checksums.get(file.name) != checksum(file):
            raise _damaged(folder, f"{file.name} was changed since", "TLN-DATA-209")
    unknown = set(pc.unique(table["lang"]).to_pylist()) - manifest["languages"].keys()
    if unknown:
        problem = f"a language that is not in the manifest: {sorted(map(str, unknown))[0]!r}"
        raise _damaged(folder, problem, "TLN-DATA-210")
    if any(column.null_count for column in table.columns):
        raise _damaged(folder, "a value is missing", "TLN-DATA-211")


def _damaged(folder: Path, detail: str, code: str) -> DataError:
    problem = f"a data file is damaged ({detail})"
    return DataError(Option("pairs", folder), problem, REMEDY, code=code)


def checksum(file: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def write_part(file: Path, table: pa.Table) -> None:
    """Write ``table`` as one Arrow file, whole or not at all."""
    with atomic_file(file) as partial, pa.ipc.new_file(str(partial), table.schema) as writer:
        writer.write_table(table)


def join_parts(parts: Sequence[Path], folder: Path) -> None:
    """Join Arrow files, in order, into fewer ones in the new ``folder``, with the same rows."""
    folder.mkdir()
    for shard, start in enumerate(range(0, len(parts), PARTS_PER_SHARD)):
        file = folder / f"part-{shard:05d}.arrow"
        with pa.ipc.new_file(str(file), SCHEMA) as writer:
            for part in parts[start : start + PARTS_PER_SHARD]:
                writer.write_table(pa.ipc.open_file(pa.memory_map(str(part))).read_all())


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest of a pairs folder, with the checksums of its data files."""
    files = sorted((folder / "data").glob("*.arrow"))
    checksums = {file.name: checksum(file) for file in files}
    content = {"format": FORMAT, **manifest, "files": checksums}
    text = json.dumps(content, ensure_ascii=False, indent=1)
    # a source's name may hold bytes that are no UTF-8
    atomic_write(folder / MANIFEST, text.encode(errors="backslashreplace") + b"\n")


def new_pairs_folder(
    out: str | Path, plan: dict, overwrite: bool = False
) -> AbstractContextManager[Path]:
    """A folder to write pairs in, see :func:`~transliconet.outputs.resumable_folder`.

    Args:
        out: the pairs folder that it becomes.
        plan: everything that decides which pairs come out.
        overwrite: replace a pairs folder that is at ``out``.

    Returns:
        A context manager that gives the folder to work in.
    """
    plan = {"format": FORMAT, **plan}
    return resumable_folder(out, KIND, plan, overwrite=overwrite, recognize=is_pairs_folder)


def is_pairs_folder(folder: Path) -> bool:
    """Whether ``folder``, which has no marker, has a manifest as ``prepare`` writes it."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and manifest.keys() >= {
        "rows",
        "languages",
        "sources",
        "romanizer",
    }
