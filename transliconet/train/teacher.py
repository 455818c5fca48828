"""The starting model's native vectors, computed once and kept beside the pairs: the anchors of
anchored contrast.
"""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from transliconet.model.embed import embed_rows
from transliconet.model.encoder import Encoder
from transliconet.objectives.anchored import AnchoredContrast
from transliconet.objectives.encode import CLEAN
from transliconet.objectives.word_alignment import WordAlignment
from transliconet.storage import atomic_file, cached
from transliconet.tokens.tokenize import TokenizedPairs
from transliconet.train.module import PairModule

log = logging.getLogger(__name__)


def weights_digest(model: nn.Module) -> str:
    """A hash of every weight of ``model``."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().view(-1).numpy().view(np.uint8).data)
    return digest.hexdigest()


@dataclass(frozen=True)
class Teacher:
    """Anchors from the encoder as it is now.

    Call it before training starts: nothing is copied, so a trained encoder would give trained
    anchors.

    Args:
        encoder: the starting model.
        layer, pooling: of the anchors.
        autocast: precision of the matrix products; None: float32.
    """

    encoder: Encoder
    layer: int | str = "last"
    pooling: str = "mean"
    autocast: torch.dtype | None = None

    def __call__(self, pairs: TokenizedPairs) -> np.ndarray:
        """(N, H) float32, one row a pair, memory-mapped where the tokens have a cache to stand
        beside.
        """
        if pairs.place is None:
            return self._vectors(pairs)

        def make(new: Path) -> None:
            log.info("anchors of %d native texts, once", len(pairs))
            vectors = self._vectors(pairs)
            with atomic_file(new) as partial, partial.open("wb") as file:
                np.save(file, vectors)

        return np.load(cached(self._file(pairs.place), make), mmap_mode="r")

    def _vectors(self, pairs: TokenizedPairs) -> np.ndarray:
        return embed_rows(
            self.encoder, pairs.native, self.layer, self.pooling, autocast=self.autocast
        )

    def _file(self, tokens: Path) -> Path:
        layer = self.encoder.layer_number(self.layer)
        settings = (
            f"{weights_digest(self.encoder.masked_lm)} {layer} {self.pooling} {self.autocast}"
        )
        return tokens / f"anchors-{hashlib.sha256(settings.encode()).hexdigest()[:20]}.npy"


def batch_requirements(module: PairModule, precision: str = "32-true") -> dict[str, Any]:
    """What the objectives that are on read beside token ids, as arguments of the data module.

    Args:
        module: with the encoder as training finds it.
        precision: Lightning's name of it; anchors are computed in the same.
    """
    autocast = torch.bfloat16 if precision == "bf16-mixed" else None
    arguments: dict[str, Any] = {}
    if all(read.kind == CLEAN for read in module.reads):
        arguments["masking"] = None
    for objective in module.objectives.values():
        if isinstance(objective, AnchoredContrast):
            arguments["anchors"] = Teacher(
                module.encoder, objective.layer, objective.pooling, autocast
            )
            arguments["negatives"] = objective.cached_negatives
        if isinstance(objective, WordAlignment):
            arguments["words"] = True
    return arguments
