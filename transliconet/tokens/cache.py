"""Token ids of a pairs folder, made once and memory-mapped by every later run with the same
tokenizer.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
from transformers import PreTrainedTokenizerBase

from transliconet.pairs import PairsFolder
from transliconet.storage import atomic_folder, cached
from transliconet.tokens.tokenize import Ragged, TokenizedPairs, tokenize

VIEWS = {"native": "text", "romanized": "romanized"}
LAYOUT = 2
"""Changed whenever a cache's files do, so that an older one is not read."""


def cached_token_ids(
    folder: PairsFolder,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    languages: Sequence[str] | None = None,
    skip_unchanged: bool = True,
) -> TokenizedPairs:
    """Token ids of the training part, from ``folder/cache`` where they are there, else made and
    left there.

    The cache is keyed by the manifest, the tokenizer and the arguments, so a change of any makes
    another one. Where the folder cannot be written, it is made in a temporary folder, for this run
    alone.
    """
    place = (
        folder.path
        / "cache"
        / f"tokens-{_key(folder, tokenizer, max_length, languages, skip_unchanged)}"
    )

    def rows() -> Iterator[pa.RecordBatch]:
        return folder.batches("train", skip_unchanged=skip_unchanged, languages=languages)

    def make(new: Path) -> None:
        _make(new, rows(), list(folder.manifest["languages"]), tokenizer, max_length)

    return _open(cached(place, make))


def _key(
    folder: PairsFolder,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    languages: Sequence[str] | None,
    skip_unchanged: bool,
) -> str:
    manifest = (folder.path / "manifest.json").read_bytes()
    chosen = json.dumps(
        [
            LAYOUT,
            max_length,
            sorted(languages) if languages is not None else None,
            not skip_unchanged,
        ]
    )
    parts = (manifest, tokenizer.backend_tokenizer.to_str().encode(), chosen.encode())
    return hashlib.sha256(b"\0".join(hashlib.sha256(p).digest() for p in parts)).hexdigest()[:20]


def _make(
    place: Path,
    batches: Iterator[pa.RecordBatch],
    tags: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
) -> None:
    with atomic_folder(place) as partial:
        truncated = 0
        writers = {view: _RaggedWriter(partial, view) for view in VIEWS}
        number = {tag: i for i, tag in enumerate(tags)}
        languages: list[np.ndarray] = []
        for batch in batches:
            languages.append(np.array([number[tag] for tag in batch["lang"].to_pylist()], np.int16))
            for view, column in VIEWS.items():
                rows, cut = tokenize(tokenizer, batch[column].to_pylist(), max_length)
                writers[view].append(rows)
                truncated += cut
        for writer in writers.values():
            writer.close()
        np.save(partial / "languages.npy", np.concatenate([np.zeros(0, np.int16), *languages]))
        (partial / "meta.json").write_text(json.dumps({"truncated": truncated}), encoding="utf-8")


class _RaggedWriter:
    def __init__(self, folder: Path, view: str) -> None:
        self.values: IO[bytes] = (folder / f"{view}.values").open("wb")
        self.offsets: IO[bytes] = (folder / f"{view}.offsets").open("wb")
        self.end = 0
        self.offsets.write(np.zeros(1, np.int64).tobytes())

    def append(self, rows: Ragged) -> None:
        self.values.write(rows.values.tobytes())
        self.offsets.write((rows.offsets[1:] + self.end).tobytes())
        self.end += int(rows.offsets[-1])

    def close(self) -> None:
        self.values.close()
        self.offsets.close()


def _open(place: Path) -> TokenizedPairs:
    def ragged(view: str) -> Ragged:
        values = place / f"{view}.values"
        mapped = (
            np.memmap(values, np.int32, "r") if values.stat().st_size else np.zeros(0, np.int32)
        )
        return Ragged(mapped, np.memmap(place / f"{view}.offsets", np.int64, "r"))

    truncated = json.loads((place / "meta.json").read_text(encoding="utf-8"))["truncated"]
    languages = np.load(place / "languages.npy")
    return TokenizedPairs(ragged("native"), ragged("romanized"), truncated, languages, place)
