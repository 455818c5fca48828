"""A small sample of sentences and their vectors, kept beside a run's results for maps and heat
maps.
"""

import zipfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from transliconet.errors import DataError, first_line
from transliconet.language_codes import romanized_tag
from transliconet.model.vectors import normalize
from transliconet.pairs import PairsFolder, id_fraction
from transliconet.storage import atomic_file

if TYPE_CHECKING:
    from transliconet.model.encoder import Encoder

SAMPLE_FILE = "sample.npz"
ROMANIZED_GROUP = "romanized"
"""Name of the group of all romanized sentences. Native sentences have a group a script."""
SAMPLE_SIZE = 300
"""Number of sentences, all languages together. Each is in both views."""
SAMPLE_SEED = 3
MOST_BYTES = 1 << 28
"""A file that is larger when unpacked was not written by this package."""


@dataclass(frozen=True)
class Sample:
    """Sentences in both views, and their vectors at each stage.

    Args:
        languages: tag of each of the N sentences.
        texts: native text of each.
        romanized: romanization of each.
        vectors: stage (``before``, ``after``) → (2, N, D): native, romanized.
    """

    languages: Sequence[str]
    texts: Sequence[str]
    romanized: Sequence[str]
    vectors: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def draw(
        cls, pairs: PairsFolder, languages: Sequence[str] | None = None, split: str = "heldout"
    ) -> Self:
        """Choose sentences: the same number of each language, by a hash of their ids, among those
        that romanization changes.
        """
        rows = pairs.split(split, languages=languages, skip_unchanged=True).to_pylist()
        rows.sort(key=lambda row: (id_fraction(row["id"], SAMPLE_SEED), row["id"]))
        by_language: defaultdict[str, list[dict]] = defaultdict(list)
        for row in rows:
            by_language[row["lang"]].append(row)
        per_language = max(2, SAMPLE_SIZE // max(len(by_language), 1))
        chosen: list[dict] = []
        for _, of_language in sorted(by_language.items()):
            chosen += of_language[:per_language]
        languages_of_rows = [row["lang"] for row in chosen]
        texts = [row["text"] for row in chosen]
        return cls(languages_of_rows, texts, [row["romanized"] for row in chosen])

    def measure(
        self, stage: str, encoder: "Encoder", layer: int | str = "auto", pooling: str = "auto"
    ) -> None:
        """Add the vectors of a stage."""
        # here, since reports read a sample and never embed: they start without torch
        from transliconet.model.embed import embed_tagged

        views = []
        romanized_tags = [romanized_tag(tag) for tag in self.languages]
        for texts, tags in ((self.texts, self.languages), (self.romanized, romanized_tags)):
            views.append(embed_tagged(encoder, texts, tags, layer, pooling=pooling, max_length=128))
        self.vectors[stage] = np.stack(views)  # (2, N, D)

    def save(self, folder: Path) -> None:
        """Write :data:`SAMPLE_FILE` into a run folder."""
        arrays: dict[str, Any] = {
            "languages": np.array(self.languages),
            "texts": np.array(self.texts),
            "romanized": np.array(self.romanized),
        }
        for stage, vectors in self.vectors.items():
            arrays[f"vectors_{stage}"] = vectors.astype(np.float16)
        with atomic_file(folder / SAMPLE_FILE) as partial, partial.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read the sample of a run folder; None if it has none.

        Raises:
            DataError: the file is damaged, or is no sample.
        """
        file = folder / SAMPLE_FILE
        if not file.is_file():
            return None
        try:
            with zipfile.ZipFile(file) as archive:
                size = sum(member.file_size for member in archive.infolist())
            if size > MOST_BYTES:
                raise ValueError(f"{size} bytes unpacked")
            with np.load(file, allow_pickle=False) as arrays:
                return cls._from_arrays(arrays)
        # a damaged file raises errors of zip, zlib and numpy; the user can remove it
        except Exception as error:
            raise DataError(
                file,
                f"not a sample of vectors ({type(error).__name__}: {first_line(error)})",
                "Remove it to write the report without maps",
                code="TLN-DATA-609",
            ) from error

    @classmethod
    def _from_arrays(cls, arrays: Any) -> Self:
        columns: dict[str, list[str]] = {}
        for name in ("languages", "texts", "romanized"):
            columns[name] = arrays[name].tolist()
            if not all(isinstance(text, str) for text in columns[name]):
                raise ValueError(f"{name} are no texts")
            "".join(columns[name]).encode()  # half of a surrogate pair cannot be shown
        number = len(columns["texts"])
        if {len(column) for column in columns.values()} != {number}:
            raise ValueError("columns of different lengths")
        vectors: dict[str, np.ndarray] = {}
        for name in arrays:
            if not name.startswith("vectors_"):
                continue
            values = arrays[name].astype(np.float32)
            if values.ndim != 3 or values.shape[:2] != (2, number) or not values.shape[2]:
                raise ValueError(f"{name} has shape {values.shape}")
            if not np.isfinite(values).all():
                raise ValueError(f"{name} holds NaN or infinite values")
            vectors[name.removeprefix("vectors_")] = values
        return cls(columns["languages"], columns["texts"], columns["romanized"], vectors)

    def by_script(self, stage: str) -> dict[str, np.ndarray]:
        """Script → (n, D) vectors of its native sentences, scripts in alphabetical order; then
        :data:`ROMANIZED_GROUP` → (N, D) those of all romanized sentences.
        """
        native, romanized = self.vectors[stage]
        scripts = np.array([tag.split("_")[-1] for tag in self.languages])
        groups = {}
        for script in sorted(set(scripts.tolist())):
            groups[script] = native[scripts == script]
        return {**groups, ROMANIZED_GROUP: romanized}


def script_similarities(sample: Sample, stage: str) -> tuple[list[str], np.ndarray]:
    """Mean cosines between the sentences of scripts.

    Returns:
        S names (the scripts, and ``romanized``) and (S, S) mean cosines. The diagonal is without
        the cosine of a sentence with itself, and NaN for a script of one sentence.
    """
    groups = {name: normalize(vectors) for name, vectors in sample.by_script(stage).items()}
    names = list(groups)
    means = np.zeros((len(names), len(names)))
    for i, a in enumerate(groups.values()):
        for j, b in enumerate(groups.values()):
            total, number = float((a @ b.T).sum()), len(a) * len(b)
            if i == j:
                total, number = total - len(a), number - len(a)
            means[i, j] = total / number if number else float("nan")
    return names, means
