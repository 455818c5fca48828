"""Anchors: the vectors that the encoder gives to native text before training. They are computed
once and cached beside the tokenized pairs.
"""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from transliconet.batch import register_field
from transliconet.model.adapters import state_without_adapters, without_adapters
from transliconet.model.embed import embed_rows, state_digest
from transliconet.model.encoder import Encoder
from transliconet.pairs import checksum
from transliconet.progress import Progress
from transliconet.storage import atomic_file, cached
from transliconet.tokens.fields import BatchField, BatchRows, MakeField, TrainingTokens
from transliconet.tokens.ragged import ConcatenatedRows, RaggedArray
from transliconet.tokens.tokenize import TokenizedPairs

log = logging.getLogger(__name__)

ANCHOR = register_field(
    "anchor", "(B, H) float32: pooled native states of the model before training.", "pair"
)
NEGATIVES = register_field(
    "negatives", "(K, H) float32: anchors of K other training pairs, drawn for the batch.", "batch"
)
PIVOT_ANCHOR = register_field(
    "pivot_anchor",
    "(B, H) float32: pooled states of the model before training of each pair's translation, or of "
    "its native text where it has none.",
    "pair",
)
PIVOT_NEGATIVES = register_field(
    "pivot_negatives",
    "(K, H) float32: the same of the pairs that NEGATIVES are the anchors of.",
    "batch",
)
NATIVE, PIVOT = "native", "pivot"
TARGETS = {NATIVE: (NATIVE,), PIVOT: (PIVOT,), "both": (NATIVE, PIVOT)}
"""Choice → the texts whose anchors are trained towards."""
FIELDS_OF = {NATIVE: (ANCHOR, NEGATIVES), PIVOT: (PIVOT_ANCHOR, PIVOT_NEGATIVES)}
"""Text → the fields of its anchors."""
SHA256_BYTES = 32
LAYOUT = 2
"""Number of a cache file's layout: a NumPy file, then its SHA-256."""


def weights_digest(model: nn.Module) -> str:
    """A hash of every weight of ``model`` but those of adapters, without which anchors are made."""
    return state_digest(state_without_adapters(model))


@dataclass(frozen=True)
class Teacher:
    """Computes anchors. It must be called before training starts: weights are not copied, so a
    trained encoder would give other anchors.

    Args:
        encoder: the starting model.
        layer, pooling: of the anchors.
        autocast: data type of the matrix products; None: float32.
    """

    encoder: Encoder
    layer: int | str = "auto"
    pooling: str = "auto"
    autocast: torch.dtype | None = None

    def __call__(self, pairs: TokenizedPairs, rows: np.ndarray | None = None) -> np.ndarray:
        """Compute the anchors of pairs, or read them from the cache.

        Args:
            pairs: N tokenized pairs.
            rows: (n,) which of them; None: all.

        Returns:
            (n, H) float32; memory-mapped where the token ids are cached.
        """
        number = len(pairs) if rows is None else len(rows)
        everything = self.file(pairs)
        if everything is None:
            return self._vectors(pairs, rows)
        file = everything
        if rows is not None:
            digest = hashlib.sha256(rows.astype(np.int64).tobytes()).hexdigest()[:12]
            file = everything.with_stem(f"{everything.stem}-{digest}")
            if not file.exists() and _is_intact(everything, len(pairs)):
                return np.load(everything, mmap_mode="r")[rows]

        def make(new: Path) -> None:
            log.info("anchors of %d native texts of %d, once", number, len(pairs))
            _write(new, self._vectors(pairs, rows))

        def intact(there: Path) -> bool:
            return _is_intact(there, number)

        return np.load(cached(file, make, intact), mmap_mode="r")

    def file(self, pairs: TokenizedPairs) -> Path | None:
        """The file in which the anchors of all ``pairs`` are cached; None if their token ids are
        not cached.

        The name depends on the weights and on everything else that decides the vectors.
        """
        if pairs.folder is None:
            return None
        layer = self.encoder.layer_number(self.layer)
        pooling = self.encoder.pooling_name(self.pooling)
        settings = f"{LAYOUT} {self._weights} {layer} {pooling} {self.autocast}"
        key = hashlib.sha256(settings.encode()).hexdigest()[:20]
        return pairs.folder / f"anchors-{key}.npy"

    @cached_property
    def _weights(self) -> str:
        return weights_digest(self.encoder.masked_lm)

    def _vectors(self, pairs: TokenizedPairs, rows: np.ndarray | None) -> np.ndarray:
        texts = pairs.native
        if rows is not None:
            texts = RaggedArray.from_rows([texts[row] for row in rows.tolist()])
        with Progress("anchors", len(texts)), without_adapters(self.encoder):
            return embed_rows(self.encoder, texts, self.layer, self.pooling, autocast=self.autocast)


def _write(file: Path, vectors: np.ndarray) -> None:
    with atomic_file(file) as partial:
        with partial.open("wb") as opened:
            np.save(opened, vectors)
        digest = bytes.fromhex(checksum(partial))
        with partial.open("ab") as opened:
            opened.write(digest)


def _is_intact(file: Path, number: int) -> bool:
    """Whether a file is as it was written, and holds the vectors of that number of texts."""
    try:
        content = np.memmap(file, np.uint8, "r")
        digest = content[-SHA256_BYTES:].tobytes()
        if hashlib.sha256(content[:-SHA256_BYTES].data).digest() != digest:
            return False
        vectors = np.load(file, mmap_mode="r")
    except (OSError, ValueError, EOFError, SyntaxError):
        return False
    return vectors.ndim == 2 and len(vectors) == number and vectors.dtype == np.float32


@dataclass(frozen=True)
class Anchors(BatchField):
    """The batch fields :data:`ANCHOR` and, with ``cached_negatives``, :data:`NEGATIVES`; those of
    translations in their place, or both.

    Args:
        encoder: the starting model.
        layer, pooling: of the anchors.
        cached_negatives: number of other training pairs whose anchors are drawn for each batch.
        target: whose anchors, one of :data:`TARGETS`.
    """

    encoder: Encoder = field(repr=False)
    layer: int | str = "auto"
    pooling: str = "auto"
    cached_negatives: int = 0
    target: str = NATIVE

    names = (ANCHOR, NEGATIVES, PIVOT_ANCHOR, PIVOT_NEGATIVES)

    @property
    def translations(self) -> bool:
        return PIVOT in TARGETS[self.target]

    def prepare(self, tokens: TrainingTokens) -> None:
        self._vectors(tokens, self._positions(tokens, self._pool(tokens)))

    def open(self, tokens: TrainingTokens) -> MakeField:
        pool = self._pool(tokens)
        positions = self._positions(tokens, pool)
        needed, vectors = self._vectors(tokens, positions)
        places = {text: np.searchsorted(needed, found) for text, found in positions.items()}
        return AnchorLookup(vectors, pool, self.cached_negatives, places)

    def _positions(self, tokens: TrainingTokens, pool: np.ndarray) -> dict[str, np.ndarray]:
        """Native or pivot → (n,) positions, among all texts, of those whose anchors are read."""
        positions: dict[str, np.ndarray] = {}
        for text in TARGETS[self.target]:
            positions[text] = pool if text == NATIVE else tokens.translations()[pool]
        return positions

    def _pool(self, tokens: TrainingTokens) -> np.ndarray:
        """(n,) sorted positions of the pairs whose anchors are computed: those that the run reads,
        and as many others as the negatives need.
        """
        everything = np.arange(sum(map(len, tokens.parts)))
        read = tokens.read
        if read is None or max(len(read), self.cached_negatives) >= len(everything):
            return everything
        others = np.setdiff1d(everything, read)
        missing = max(self.cached_negatives - len(read), 0)
        drawn = np.random.default_rng(0).choice(others, size=missing, replace=False)
        return np.sort(np.concatenate([read, drawn]))

    def _vectors(
        self, tokens: TrainingTokens, positions: Mapping[str, np.ndarray]
    ) -> tuple[np.ndarray, ConcatenatedRows]:
        """The sorted positions that are needed, and their anchors in that order."""
        needed = np.unique(np.concatenate(list(positions.values())))
        teacher = self._teacher(tokens)
        vectors = []
        start = 0  # position of the first pair of `texts`
        for texts in tokens.texts:
            rows = needed[(needed >= start) & (needed < start + len(texts))] - start
            if len(rows):
                vectors.append(teacher(texts, rows if len(rows) < len(texts) else None))
            start += len(texts)
        return needed, ConcatenatedRows(vectors)

    def identity(self, tokens: TrainingTokens) -> list[str]:
        teacher = self._teacher(tokens)
        files = [teacher.file(texts) for texts in tokens.texts]
        return [file.stem for file in files if file is not None]

    def _teacher(self, tokens: TrainingTokens) -> Teacher:
        """The teacher, made once: it takes seconds to hash the weights of a large model."""
        teacher = Teacher(self.encoder, self.layer, self.pooling, tokens.autocast)
        return self._teachers.setdefault(tokens.autocast, teacher)

    @cached_property
    def _teachers(self) -> dict[torch.dtype | None, Teacher]:
        return {}


@dataclass(frozen=True)
class AnchorLookup:
    """Looks up the anchors of a batch.

    Args:
        vectors: (m, H), anchors.
        pool: (n,) sorted positions, among the training pairs, of the pairs that have some.
        cached_negatives: K, number of pairs that are drawn for their anchors as negatives.
        places: native or pivot → (n,) rows of ``vectors``, of the pairs of ``pool``.
    """

    vectors: ConcatenatedRows
    pool: np.ndarray
    cached_negatives: int
    places: Mapping[str, np.ndarray]

    def __call__(self, rows: BatchRows) -> dict[str, Tensor]:
        own = np.searchsorted(self.pool, rows.indices)  # (B,)
        drawn = np.zeros(0, np.int64)
        if self.cached_negatives:
            drawn = rows.rng.integers(len(self.pool), size=self.cached_negatives)
        fields: dict[str, Tensor] = {}
        for text, places in self.places.items():
            anchor, negatives = FIELDS_OF[text]
            fields[anchor] = self._rows(places[own])
            if len(drawn):
                fields[negatives] = self._rows(places[drawn])
        return fields

    def _rows(self, indices: np.ndarray) -> Tensor:
        """(r,) rows of ``vectors`` → (r, H) float32."""
        vectors = np.stack([self.vectors[int(i)] for i in indices])
        return torch.from_numpy(vectors.astype(np.float32))
