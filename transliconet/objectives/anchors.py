"""Anchors: the vectors that the encoder gives to native text before training. They are computed
once and cached beside the tokenized pairs.
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from transliconet.batch import register_field
from transliconet.model.embed import embed_rows
from transliconet.model.encoder import Encoder
from transliconet.storage import atomic_file, cached
from transliconet.tokens.fields import BatchField, BatchRows, MakeField, TrainingTokens
from transliconet.tokens.ragged import ConcatenatedRows
from transliconet.tokens.tokenize import TokenizedPairs

log = logging.getLogger(__name__)

ANCHOR = register_field(
    "anchor", "(B, H) float32: pooled native states of the model before training.", "pair"
)
NEGATIVES = register_field(
    "negatives", "(K, H) float32: anchors of K other training pairs, drawn for the batch.", "batch"
)


def weights_digest(model: nn.Module) -> str:
    """A hash of every weight of ``model``."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().view(-1).numpy().view(np.uint8).data)
    return digest.hexdigest()


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
    layer: int | str = "last"
    pooling: str = "mean"
    autocast: torch.dtype | None = None

    def __call__(self, pairs: TokenizedPairs) -> np.ndarray:
        """(N, H) float32, one row a pair; memory-mapped where the token ids are cached."""
        file = self.file(pairs)
        if file is None:
            return self._vectors(pairs)

        def make(new: Path) -> None:
            log.info("anchors of %d native texts, once", len(pairs))
            vectors = self._vectors(pairs)
            with atomic_file(new) as partial, partial.open("wb") as opened:
                np.save(opened, vectors)

        def intact(there: Path) -> bool:
            """Whether the file holds vectors of these pairs."""
            try:
                vectors = np.load(there, mmap_mode="r")
            except (OSError, ValueError, EOFError, SyntaxError):
                return False
            return vectors.ndim == 2 and len(vectors) == len(pairs) and vectors.dtype == np.float32

        return np.load(cached(file, make, intact), mmap_mode="r")

    def file(self, pairs: TokenizedPairs) -> Path | None:
        """The file in which the anchors of ``pairs`` are cached; None if their token ids are not
        cached.

        The name depends on the weights and on everything else that decides the vectors.
        """
        if pairs.folder is None:
            return None
        layer = self.encoder.layer_number(self.layer)
        settings = f"{self._weights} {layer} {self.pooling} {self.autocast}"
        key = hashlib.sha256(settings.encode()).hexdigest()[:20]
        return pairs.folder / f"anchors-{key}.npy"

    @cached_property
    def _weights(self) -> str:
        return weights_digest(self.encoder.masked_lm)

    def _vectors(self, pairs: TokenizedPairs) -> np.ndarray:
        return embed_rows(
            self.encoder, pairs.native, self.layer, self.pooling, autocast=self.autocast
        )


@dataclass(frozen=True)
class Anchors(BatchField):
    """The batch fields :data:`ANCHOR` and, with ``cached_negatives``, :data:`NEGATIVES`.

    Args:
        encoder: the starting model.
        layer, pooling: of the anchors.
        cached_negatives: number of other training pairs whose anchors are drawn for each batch.
    """

    encoder: Encoder = field(repr=False)
    layer: int | str = "last"
    pooling: str = "mean"
    cached_negatives: int = 0

    names = (ANCHOR, NEGATIVES)

    def prepare(self, tokens: TrainingTokens) -> None:
        teacher = self._teacher(tokens)
        for part in tokens.parts:
            if len(part):
                teacher(part)

    def open(self, tokens: TrainingTokens) -> MakeField:
        teacher = self._teacher(tokens)
        vectors = [teacher(part) for part in tokens.parts]
        return AnchorLookup(ConcatenatedRows(vectors), self.cached_negatives)

    def identity(self, tokens: TrainingTokens) -> list[str]:
        teacher = self._teacher(tokens)
        files = [teacher.file(part) for part in tokens.parts]
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
        vectors: (N, H), of every training pair.
        cached_negatives: K, number of other pairs whose anchors are drawn.
    """

    vectors: ConcatenatedRows
    cached_negatives: int

    def __call__(self, rows: BatchRows) -> dict[str, Tensor]:
        fields = {ANCHOR: self._rows(rows.indices)}
        if self.cached_negatives:
            drawn = rows.rng.integers(len(rows.pairs), size=self.cached_negatives)
            fields[NEGATIVES] = self._rows(drawn)
        return fields

    def _rows(self, indices: Sequence[int] | np.ndarray) -> Tensor:
        """(n,) pairs → (n, H) float32."""
        vectors = np.stack([self.vectors[int(i)] for i in indices])
        return torch.from_numpy(vectors.astype(np.float32))
