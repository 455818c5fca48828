"""The first pass: every line read, mended and spilled to disk in units of fixed size, with what
selection needs.

A unit is a fixed number of consecutive lines. Units make the rest of the work independent of
memory, of the number of
processes and of interruptions: each is romanized alone and written alone.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from transliconet.corpus.cleaning import Cleaning
from transliconet.corpus.dedup import NearDuplicates
from transliconet.corpus.sources.base import Line, Reader, Skip

UNIT_ROWS = 4096
PARTITIONS = 64
"""Records are spread over so many files by key; selection holds one of them in memory at a time."""

UNIT_SCHEMA = pa.schema(
    [
        ("source", pa.dictionary(pa.int32(), pa.string())),
        ("number", pa.int64()),
        ("id", pa.string()),
        ("lang", pa.dictionary(pa.int32(), pa.string())),
        ("text", pa.string()),
        ("romanized", pa.string()),
    ]
)

RECORD = np.dtype([("key", "<u8", 2), ("priority", "<u8"), ("row", "<i8")])
"""One key of one row: rows with the same key are duplicates, and the one of lowest priority
stays.
"""


@dataclass
class Ledger:
    """Counts of lines by language, and of dropped ones by language and reason."""

    read: Counter[str] = field(default_factory=Counter)
    dropped: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def drop(self, lang: str, reason: str, number: int = 1) -> None:
        if number:
            self.dropped[lang][reason] += number


@dataclass(frozen=True)
class Scan:
    """What the first pass left in ``folder``."""

    folder: Path
    rows: int
    languages: list[str]
    ledger: Ledger

    @property
    def units(self) -> int:
        return -(-self.rows // UNIT_ROWS)

    def unit(self, number: int) -> pa.Table:
        """The rows of a unit, memory-mapped."""
        return pa.ipc.open_file(pa.memory_map(str(unit_file(self.folder, number)))).read_all()

    def priorities(self) -> np.ndarray:
        """(rows,) uint64 on disk: the order in which a language's lines are taken."""
        return _array(self.folder / "priorities.bin", np.uint64)

    def language_numbers(self) -> np.ndarray:
        """(rows,) int16 on disk: positions in ``languages``."""
        return _array(self.folder / "languages.bin", np.int16)


def _array(path: Path, dtype: type) -> np.ndarray:
    return np.memmap(path, dtype, "r") if path.stat().st_size else np.zeros(0, dtype)


def unit_file(folder: Path, number: int) -> Path:
    return folder / f"unit-{number:06d}.arrow"


def partition_file(folder: Path, name: str, partition: int) -> Path:
    return folder / f"{name}-{partition:02d}.bin"


def digest(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=size).digest()


class Spill:
    """Writes units and records while the scan goes on."""

    def __init__(
        self, folder: Path, near: NearDuplicates | None, seed: int, same_ids: bool
    ) -> None:
        folder.mkdir(parents=True)
        self.folder, self.near, self.seed, self.same_ids = folder, near, seed, same_ids
        self.rows, self.languages = 0, dict[str, int]()
        self._lines: list[tuple[Line, str]] = []
        self._priorities, self._language_numbers = (
            (folder / f"{n}.bin").open("wb") for n in ("priorities", "languages")
        )
        names = ["exact", "near"] if near else ["exact"]
        self._partitions: dict[str, list[IO[bytes]]] = {
            name: [partition_file(folder, name, p).open("wb") for p in range(PARTITIONS)]
            for name in names
        }

    def add(self, line: Line, text: str) -> None:
        self._lines.append((line, text))
        if len(self._lines) == UNIT_ROWS:
            self._flush()

    def close(self) -> None:
        self._flush()
        for f in (
            self._priorities,
            self._language_numbers,
            *(f for fs in self._partitions.values() for f in fs),
        ):
            f.close()

    def _flush(self) -> None:
        if not self._lines:
            return
        langs = [str(line.lang) for line, _ in self._lines]
        texts = [text for _, text in self._lines]
        digests = [digest(f"{lang}\0{text}", 16) for lang, text in zip(langs, texts, strict=True)]
        keys = np.frombuffer(b"".join(digests), "<u8").reshape(-1, 2)
        priorities = self._priority_of(keys)
        rows = np.arange(self.rows, self.rows + len(texts))
        self._write_records("exact", keys, priorities, rows)
        if self.near:
            bands = self.near.keys(langs, texts)
            repeat = bands.shape[1]
            self._write_records(
                "near", bands.reshape(-1, 2), priorities.repeat(repeat), rows.repeat(repeat)
            )
        numbers = [self.languages.setdefault(g, len(self.languages)) for g in langs]
        self._priorities.write(priorities.tobytes())
        self._language_numbers.write(np.array(numbers, np.int16).tobytes())
        self._write_unit(langs, texts)
        self.rows += len(texts)
        self._lines = []

    def _priority_of(self, keys: np.ndarray) -> np.ndarray:
        """40 bits of a hash of the id, with its language unless ``same_ids``, then 24 of the text's
        against ties.
        """
        of = (line.id if self.same_ids else f"{line.lang}\0{line.id}" for line, _ in self._lines)
        ids = b"".join(digest(f"{self.seed}\0{name}", 8) for name in of)
        low = np.uint64((1 << 24) - 1)
        return (np.frombuffer(ids, "<u8") & ~low) | (keys[:, 1] & low)

    def _write_records(
        self, name: str, keys: np.ndarray, priorities: np.ndarray, rows: np.ndarray
    ) -> None:
        records = np.empty(len(keys), RECORD)
        records["key"], records["priority"], records["row"] = keys, priorities, rows
        partitions = (keys[:, 0] % np.uint64(PARTITIONS)).astype(np.int64)
        order = np.argsort(partitions, kind="stable")
        ends = np.searchsorted(partitions[order], np.arange(1, PARTITIONS))
        for f, part in zip(self._partitions[name], np.split(records[order], ends), strict=True):
            f.write(part.tobytes())

    def _write_unit(self, langs: list[str], texts: list[str]) -> None:
        lines = [line for line, _ in self._lines]
        columns = [
            pa.array([x.source for x in lines]).dictionary_encode(),
            pa.array([x.number for x in lines], pa.int64()),
            pa.array([x.id for x in lines], pa.string()),
            pa.array(langs).dictionary_encode(),
            pa.array(texts, pa.string()),
            pa.array([x.romanized for x in lines], pa.string()),
        ]
        file = unit_file(self.folder, self.rows // UNIT_ROWS)
        with pa.ipc.new_file(
            str(file), UNIT_SCHEMA, options=pa.ipc.IpcWriteOptions(compression="zstd")
        ) as writer:
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=UNIT_SCHEMA))


def scan(
    reader: Reader | Iterable[Line | Skip],
    folder: Path,
    cleaning: Cleaning,
    near: NearDuplicates | None = None,
    seed: int = 0,
    latin: bool = True,
    same_ids: bool = True,
) -> Scan:
    """Read and mend every line; ``folder`` gets the units, the keys and ``skipped.jsonl``.

    Lines in Latin script are kept out as ``latin_script`` where ``latin`` is false. The priority of
    a line, which decides between duplicates and about the sample, is one of its id, or with
    ``same_ids`` false of language and id.
    """
    spill, ledger = Spill(folder, near, seed, same_ids), Ledger()
    with (folder / "skipped.jsonl").open("w", encoding="utf-8") as skipped:
        for line in reader:
            ledger.read[str(line.lang)] += 1
            text, reason, detail = "", None, ""
            if isinstance(line, Skip):
                reason, detail = line.reason, line.detail
            elif not latin and line.lang.script == "Latn":
                reason = "latin_script"
            else:
                text, reason = cleaning(line.text, line.lang)
            if reason is None:
                assert isinstance(line, Line)
                spill.add(line, text)
                continue
            ledger.drop(str(line.lang), reason)
            skipped.write(skipped_entry(line.source, line.number, str(line.lang), reason, detail))
    spill.close()
    return Scan(folder, spill.rows, list(spill.languages), ledger)


def skipped_entry(source: str, number: int, lang: str, reason: str, detail: str = "") -> str:
    """A line of ``skipped.jsonl``."""
    entry = {"source": source, "number": number, "lang": lang, "reason": reason, "detail": detail}
    return json.dumps(entry, ensure_ascii=False).encode(errors="replace").decode() + "\n"
