"""Token ids of a pairs folder, made once and memory-mapped by every later run with the same
tokenizer.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
from transformers import PreTrainedTokenizerBase

from transliconet.pairs import PairsFolder, checksum
from transliconet.storage import atomic_folder, cached
from transliconet.tokens.ragged import RaggedArray
from transliconet.tokens.tokenize import TokenizedPairs, tokenize

VIEWS = {"native": "text", "romanized": "romanized"}
"""Column of the pairs folder that each view is in."""
META, LANGUAGES = "meta.json", "languages.npy"
LAYOUT = 2
"""Number of the files' layout. Raise it when that changes, so that older caches are not read."""


def cached_token_ids(
    folder: PairsFolder,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    *,
    languages: Sequence[str] | None = None,
    skip_unchanged: bool = True,
    prompt: str = "",
) -> TokenizedPairs:
    """Token ids of the training pairs, read from ``folder/cache`` if they are there.

    The name of the cache depends on the manifest, the tokenizer and the arguments: a change of any
    makes another cache. Where the folder cannot be written, the ids go to a temporary folder, for
    this run alone.

    Args:
        folder: the pairs.
        tokenizer: the encoder's.
        max_length: longest row in tokens; longer ones are truncated and counted.
        languages: tags to take; None takes all.
        skip_unchanged: leave out pairs whose romanization equals the text.
        prompt: put before each text.

    Returns:
        The ids of both views, memory-mapped.

    Raises:
        ConfigError: a language that the folder does not have.
    """
    chosen = [LAYOUT, max_length, sorted(languages) if languages is not None else None]
    key = _key(folder, tokenizer, json.dumps([*chosen, not skip_unchanged, prompt]))

    def make(new: Path) -> None:
        batches = folder.batches("train", skip_unchanged=skip_unchanged, languages=languages)
        tags = list(folder.manifest["languages"])

        def of_texts(texts: list[str]) -> tuple[RaggedArray, int]:
            return tokenize(tokenizer, texts, max_length, prompt)

        _write(new, batches, tags, of_texts)

    there = cached(folder.path / "cache" / f"tokens-{key}", make, _is_intact)
    return _open(there, list(folder.manifest["languages"]))


def _key(folder: PairsFolder, tokenizer: PreTrainedTokenizerBase, chosen: str) -> str:
    """A name for the cache: a hash of everything that decides the ids."""
    manifest = (folder.path / "manifest.json").read_bytes()
    vocabulary = tokenizer.backend_tokenizer.to_str().encode()
    digests = [hashlib.sha256(part).digest() for part in (manifest, vocabulary, chosen.encode())]
    return hashlib.sha256(b"\0".join(digests)).hexdigest()[:20]


def _write(
    folder: Path,
    batches: Iterator[pa.RecordBatch],
    tags: Sequence[str],
    token_ids: Callable[[list[str]], tuple[RaggedArray, int]],
) -> None:
    """Tokenize pairs batch by batch into the files of a new cache."""
    numbers = {tag: number for number, tag in enumerate(tags)}
    languages = [np.zeros(0, np.int16)]
    truncated = 0
    with atomic_folder(folder) as partial:
        writers = {view: _RaggedWriter(partial, view) for view in VIEWS}
        for batch in batches:
            of_batch = [numbers[tag] for tag in batch["lang"].to_pylist()]
            languages.append(np.array(of_batch, np.int16))
            for view, column in VIEWS.items():
                rows, too_long = token_ids(batch[column].to_pylist())
                writers[view].append(rows)
                truncated += too_long
        for writer in writers.values():
            writer.close()
        np.save(partial / LANGUAGES, np.concatenate(languages))
        checksums = {file.name: checksum(file) for file in sorted(partial.iterdir())}
        meta = json.dumps({"truncated": truncated, "files": checksums})
        (partial / META).write_text(meta, encoding="utf-8")


class _RaggedWriter:
    """Writes a :class:`RaggedArray` in parts: its values and its offsets, a file each."""

    def __init__(self, folder: Path, view: str) -> None:
        self.values: IO[bytes] = (folder / f"{view}.values").open("wb")
        self.offsets: IO[bytes] = (folder / f"{view}.offsets").open("wb")
        self.end = 0
        self.offsets.write(np.zeros(1, np.int64).tobytes())

    def append(self, rows: RaggedArray) -> None:
        self.values.write(rows.values.tobytes())
        self.offsets.write((rows.offsets[1:] + self.end).tobytes())
        self.end += int(rows.offsets[-1])

    def close(self) -> None:
        self.values.close()
        self.offsets.close()


def _is_intact(folder: Path) -> bool:
    """Whether the files of a cache are as they were written."""
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        checksums = meta["files"]
        names = {f"{view}.{part}" for view in VIEWS for part in ("values", "offsets")}
        if checksums.keys() != {LANGUAGES, *names} or not isinstance(meta["truncated"], int):
            return False
        return all(checksum(folder / name) == found for name, found in checksums.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def _open(folder: Path, tags: Sequence[str]) -> TokenizedPairs:
    meta = json.loads((folder / META).read_text(encoding="utf-8"))
    return TokenizedPairs(
        native=_memory_map(folder, "native"),
        romanized=_memory_map(folder, "romanized"),
        truncated=meta["truncated"],
        languages=np.load(folder / LANGUAGES),
        folder=folder,
        tags=tags,
    )


def _memory_map(folder: Path, view: str) -> RaggedArray:
    file = folder / f"{view}.values"
    values = np.zeros(0, np.int32)
    if file.stat().st_size:  # an empty file cannot be mapped
        values = np.memmap(file, np.int32, "r")
    return RaggedArray(values, np.memmap(folder / f"{view}.offsets", np.int64, "r"))
