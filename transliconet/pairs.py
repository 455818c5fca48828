"""The pairs folder: what it holds, how it is opened, and how one appears in a single step.

::

    pairs/
      data/part-00000.arrow   Arrow IPC files with the columns of SCHEMA; pyarrow.dataset reads the folder as it is
      skipped.jsonl           one object per line that was kept out, but for those that sampling passed over
      manifest.json           sources, options, counts per language and reason
      cache/                  made by training: token ids
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from transliconet.errors import ConfigError, DataError, TransliconetError, require_choice

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
FINISHED = "pairs"
"""Folder within the working folder that becomes the pairs folder."""


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
    """Write one Arrow file in a single step."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    with pa.ipc.new_file(str(partial), table.schema) as writer:
        writer.write_table(table)
    partial.replace(file)


def pack(units: Sequence[Path], folder: Path) -> None:
    """Join the files of ``units``, in order, into shards in ``folder``: fewer files, the same
    rows.
    """
    folder.mkdir()
    for shard, start in enumerate(range(0, len(units), UNITS_PER_SHARD)):
        with pa.ipc.new_file(str(folder / f"part-{shard:05d}.arrow"), SCHEMA) as writer:
            for unit in units[start : start + UNITS_PER_SHARD]:
                writer.write_table(pa.ipc.open_file(pa.memory_map(str(unit))).read_all())


@contextmanager
def new_pairs_folder(out: str | Path, plan: dict, overwrite: bool = False) -> Iterator[Path]:
    """A folder to work in; what the block leaves in its folder :data:`FINISHED` becomes ``out``.

    Where the block is interrupted, the folder stays, hidden beside ``out``, and the next call with
    the same ``plan`` gets it back as it was left. It is removed where the input or the options were
    at fault.

    Raises:
        ConfigError: ``out`` exists and ``overwrite`` is false, or another process is writing it.
        TransliconetError: the disk is full.
    """
    out = Path(out).expanduser()
    if out.exists() and not overwrite:
        raise ConfigError(
            f"out={out}",
            "already there",
            "Choose another folder, or overwrite=true",
            code="TLN-CONFIG-201",
        )
    work = out.with_name(f".{out.name}.partial")
    try:
        work.mkdir(parents=True, exist_ok=True)
        with _locked(work, out):
            _start_from(work, {"format": FORMAT, **plan})
            yield work
            _replace_folder(work / FINISHED, out)
            shutil.rmtree(work)
    except (ConfigError, DataError):
        shutil.rmtree(work, ignore_errors=True)
        raise
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise TransliconetError(
            f"out={out}",
            "the disk is full",
            f"Make room and run the same command again, or remove {work}",
            code="TLN-RUN-200",
        ) from error


@contextmanager
def _locked(work: Path, out: Path) -> Iterator[None]:
    handle = os.open(work, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise TransliconetError(
            f"out={out}",
            "another process is writing it",
            "Wait for it, or stop it",
            code="TLN-RUN-201",
        ) from error
    finally:
        os.close(handle)


def _start_from(work: Path, plan: dict) -> None:
    """Empty ``work`` unless it was left by a run of the same plan."""
    text = json.dumps(plan, ensure_ascii=False, sort_keys=True)
    file = work / "plan.json"
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return
    for path in work.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    file.write_text(text, encoding="utf-8")


def _replace_folder(made: Path, out: Path) -> None:
    replaced = out.with_name(f".{out.name}.replaced")
    shutil.rmtree(replaced, ignore_errors=True)
    if out.exists():
        out.rename(replaced)
    made.rename(out)
    shutil.rmtree(replaced, ignore_errors=True)
