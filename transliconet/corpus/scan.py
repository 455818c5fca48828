"""The first pass over a source: every line is read, cleaned and written to disk in chunks, with
keys by which duplicates are found.

A chunk is a fixed number of consecutive lines. Each is romanized and written by itself later, so
that memory is bounded, and the result depends on neither the number of processes nor interruptions.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from transliconet.corpus.counts import LineCounts
from transliconet.corpus.dedup import NearDuplicates
from transliconet.corpus.recipe import Recipe
from transliconet.corpus.skipped import skipped_entry
from transliconet.corpus.sources.base import Line, Reader, Skip
from transliconet.storage import atomic_write

CHUNK_ROWS = 4096
PARTITIONS = 64
"""Keys are spread over this many files; selection holds one of them in memory at a time."""
BY_TEXT, BY_ID, NEAR = "text", "id", "near"
"""Kinds of keys. Rows of a language with the same key have the same text, the same id, or nearly
the same text.
"""

CHUNK_SCHEMA = pa.schema(
    [
        ("source", pa.dictionary(pa.int32(), pa.string())),
        ("number", pa.int64()),
        ("id", pa.string()),
        ("lang", pa.dictionary(pa.int32(), pa.string())),
        ("text", pa.string()),
        ("romanized", pa.string()),
    ]
)

KEY_RECORD = np.dtype([("key", "<u8", 2), ("priority", "<u8"), ("row", "<i8")])
"""One key of one row: of the rows with the same key, the one of lowest priority is kept."""


@dataclass(frozen=True)
class Scan:
    """The result of the first pass, in ``folder``.

    Args:
        folder: holds the chunks, the keys and ``skipped.jsonl``.
        rows: number of lines that were kept so far.
        languages: their tags. A row's language is stored as a position in this list.
        counts: of all lines that were read.
    """

    folder: Path
    rows: int
    languages: list[str]
    counts: LineCounts

    @property
    def chunks(self) -> int:
        """Number of chunks; the last one may be shorter than the others."""
        return -(-self.rows // CHUNK_ROWS)

    def chunk(self, number: int) -> pa.Table:
        """The rows of the chunk of that number, memory-mapped, as :data:`CHUNK_SCHEMA` has them."""
        return pa.ipc.open_file(pa.memory_map(str(chunk_file(self.folder, number)))).read_all()

    def priorities(self) -> np.ndarray:
        """(rows,) uint64, memory-mapped: the order in which a language's lines are taken."""
        return _array_on_disk(self.folder / "priorities.bin", np.uint64)

    def language_numbers(self) -> np.ndarray:
        """(rows,) int16, memory-mapped: positions in ``languages``."""
        return _array_on_disk(self.folder / "languages.bin", np.int16)

    def save(self) -> None:
        """Mark the first pass as complete."""
        content = {
            "rows": self.rows,
            "languages": self.languages,
            "read": self.counts.read,
            "dropped": self.counts.dropped,
        }
        atomic_write(self.folder / "scan.json", json.dumps(content))

    @classmethod
    def load(cls, folder: Path) -> "Scan | None":
        """The complete first pass in ``folder``, or None."""
        file = folder / "scan.json"
        if not file.is_file():
            return None
        raw = json.loads(file.read_text(encoding="utf-8"))
        counts = LineCounts(Counter(raw["read"]))
        for lang, reasons in raw["dropped"].items():
            counts.dropped[lang].update(reasons)
        return cls(folder, raw["rows"], raw["languages"], counts)


def _array_on_disk(path: Path, dtype: type) -> np.ndarray:
    # an empty file cannot be mapped
    return np.memmap(path, dtype, "r") if path.stat().st_size else np.zeros(0, dtype)


def chunk_file(folder: Path, number: int) -> Path:
    """The file of a chunk of scanned rows."""
    return folder / f"chunk-{number:06d}.arrow"


def key_file(folder: Path, kind: str, partition: int) -> Path:
    """The file with one partition of the keys of a kind."""
    return folder / f"{kind}-{partition:02d}.bin"


def digest(text: str, size: int) -> bytes:
    """``size`` bytes of a hash of the text."""
    return hashlib.blake2b(text.encode(), digest_size=size).digest()


class ScanWriter:
    """Writes chunks and keys while the scan goes on.

    Args:
        folder: is created.
        near: finds near-duplicates; None switches this off.
        seed: of the priorities.
        same_ids: give an id the same priority in every language.
    """

    def __init__(
        self, folder: Path, near: NearDuplicates | None, seed: int, same_ids: bool
    ) -> None:
        folder.mkdir(parents=True)
        self.folder, self.near, self.seed, self.same_ids = folder, near, seed, same_ids
        self.rows = 0
        self.languages: dict[str, int] = {}
        self._waiting: list[tuple[Line, str]] = []  # lines of the next chunk, and cleaned texts
        self._priorities = (folder / "priorities.bin").open("wb")
        self._language_numbers = (folder / "languages.bin").open("wb")
        self._key_files: dict[str, list[IO[bytes]]] = {}
        for kind in (BY_TEXT, BY_ID, NEAR) if near else (BY_TEXT, BY_ID):
            files = [key_file(folder, kind, partition) for partition in range(PARTITIONS)]
            self._key_files[kind] = [file.open("wb") for file in files]

    def add(self, line: Line, text: str) -> None:
        """Add a line, with its cleaned text."""
        self._waiting.append((line, text))
        if len(self._waiting) == CHUNK_ROWS:
            self._write_waiting()

    def close(self) -> None:
        """Write the last chunk and close the files."""
        self._write_waiting()
        self._priorities.close()
        self._language_numbers.close()
        for files in self._key_files.values():
            for file in files:
                file.close()

    def _write_waiting(self) -> None:
        if not self._waiting:
            return
        lines = [line for line, _ in self._waiting]
        texts = [text for _, text in self._waiting]
        langs = [str(line.lang) for line in lines]
        rows = np.arange(self.rows, self.rows + len(texts))

        text_keys = _keys(langs, texts)  # (N, 2)
        id_keys = _keys(langs, [line.id for line in lines])  # (N, 2)
        priorities = self._priority_of(lines, langs, text_keys)  # (N,)
        self._write_keys(BY_TEXT, text_keys, priorities, rows)
        self._write_keys(BY_ID, id_keys, priorities, rows)
        if self.near:
            band_keys = self.near.keys(langs, texts)  # (N, bands, 2)
            bands = band_keys.shape[1]
            flat = band_keys.reshape(-1, 2)
            self._write_keys(NEAR, flat, priorities.repeat(bands), rows.repeat(bands))

        numbers = [self.languages.setdefault(lang, len(self.languages)) for lang in langs]
        self._priorities.write(priorities.tobytes())
        self._language_numbers.write(np.array(numbers, np.int16).tobytes())
        self._write_chunk(lines, langs, texts)
        self.rows += len(texts)
        self._waiting = []

    def _priority_of(
        self, lines: list[Line], langs: list[str], text_keys: np.ndarray
    ) -> np.ndarray:
        """(N,) uint64: a random order of lines that does not depend on the order of files.

        The upper 40 bits are a hash of the id, and of the language unless ``same_ids``. The lower
        24 bits come from the text's key, (N, 2), against ties.
        """
        names = [line.id for line in lines]
        if not self.same_ids:
            names = [f"{lang}\0{name}" for lang, name in zip(langs, names, strict=True)]
        hashes = b"".join(digest(f"{self.seed}\0{name}", 8) for name in names)
        low_bits = np.uint64((1 << 24) - 1)
        return (np.frombuffer(hashes, "<u8") & ~low_bits) | (text_keys[:, 1] & low_bits)

    def _write_keys(
        self, kind: str, keys: np.ndarray, priorities: np.ndarray, rows: np.ndarray
    ) -> None:
        records = np.empty(len(keys), KEY_RECORD)
        records["key"], records["priority"], records["row"] = keys, priorities, rows
        partitions = (keys[:, 0] % np.uint64(PARTITIONS)).astype(np.int64)
        order = np.argsort(partitions, kind="stable")
        ends = np.searchsorted(partitions[order], np.arange(1, PARTITIONS))
        parts = np.split(records[order], ends)
        for file, part in zip(self._key_files[kind], parts, strict=True):
            file.write(part.tobytes())

    def _write_chunk(self, lines: list[Line], langs: list[str], texts: list[str]) -> None:
        columns = [
            pa.array([line.source for line in lines]).dictionary_encode(),
            pa.array([line.number for line in lines], pa.int64()),
            pa.array([line.id for line in lines], pa.string()),
            pa.array(langs).dictionary_encode(),
            pa.array(texts, pa.string()),
            pa.array([line.romanized for line in lines], pa.string()),
        ]
        batch = pa.RecordBatch.from_arrays(columns, schema=CHUNK_SCHEMA)
        file = chunk_file(self.folder, self.rows // CHUNK_ROWS)
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_file(str(file), CHUNK_SCHEMA, options=options) as writer:
            writer.write_batch(batch)


def _keys(langs: list[str], values: list[str]) -> np.ndarray:
    """(N, 2) uint64: 128 bits of a hash of language and value."""
    hashes = [digest(f"{lang}\0{value}", 16) for lang, value in zip(langs, values, strict=True)]
    return np.frombuffer(b"".join(hashes), "<u8").reshape(-1, 2)


def scan(reader: Reader | Iterable[Line | Skip], folder: Path, recipe: Recipe) -> Scan:
    """Read and clean every line.

    Args:
        reader: the source of the lines.
        folder: is replaced; gets the chunks, the keys and ``skipped.jsonl``.
        recipe: how lines are cleaned. Where ``sampling.latin`` is false, lines in Latin script are
            dropped as ``latin_script``.

    Returns:
        The first pass, saved.
    """
    shutil.rmtree(folder, ignore_errors=True)
    near = recipe.rules.near_duplicate_keys()
    writer = ScanWriter(folder, near, recipe.sampling.seed, recipe.sampling.same_ids)
    counts = LineCounts()
    with (folder / "skipped.jsonl").open("w", encoding="utf-8") as skipped:
        for line in reader:
            lang = str(line.lang)
            place = (line.source, line.number)
            counts.read[lang] += 1
            if isinstance(line, Skip):
                counts.drop(lang, line.reason)
                skipped.write(skipped_entry(place, lang, line.reason, detail=line.detail))
                continue
            text, reason = _cleaned(line, recipe)
            if reason is None:
                writer.add(line, text)
            else:
                counts.drop(lang, reason)
                skipped.write(skipped_entry(place, lang, reason, text=line.text))
    writer.close()
    scanned = Scan(folder, writer.rows, list(writer.languages), counts)
    scanned.save()
    return scanned


def _cleaned(line: Line, recipe: Recipe) -> tuple[str, str | None]:
    """The cleaned text, and the reason to drop the line, or None."""
    if line.lang.script == "Latn" and not recipe.sampling.latin:
        return line.text, "latin_script"
    return recipe.cleaning(line.text, line.lang)
