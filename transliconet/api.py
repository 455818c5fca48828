"""What a notebook needs: load an export, embed, search, romanise; ``import transliconet`` has these names."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import faiss
import numpy as np

from transliconet.corpus.romanize import Romanizer, romanize_line, romanizer
from transliconet.errors import DataError, require_range
from transliconet.model.encoder import Encoder
from transliconet.probe.normal import normalize

_ROMANIZERS: dict[str, Romanizer] = {}


def load(path: str | Path) -> Encoder:
    """An encoder from a folder (an export, a checkpoint of the hub's kind) or a hub name, ready to embed.

    Raises:
        CheckpointError: it is not there, or is no XLM-R-shaped masked LM.
    """
    return Encoder.from_pretrained(str(path))


def romanize(texts: Sequence[str], lang: str = "", by: str = "uroman") -> list[str]:
    """Romanisations of texts.

    Args:
        texts: of one language.
        lang: its tag, ``hin_Deva``, or ISO 639-3 code; uroman's output depends on it. Empty: none is assumed.
        by: ``uroman``, ``icu`` or ``none``.

    Raises:
        ConfigError: an unknown romaniser.
    """
    if by not in _ROMANIZERS:
        _ROMANIZERS[by] = romanizer(by)
    return [romanize_line(_ROMANIZERS[by], text, lang.split("_")[0])[0] for text in texts]


class Neighbours(NamedTuple):
    """(N, k) positions of the nearest candidates, best first, and their cosines."""

    positions: np.ndarray
    cosines: np.ndarray


def nearest(queries: np.ndarray, candidates: np.ndarray, k: int = 5) -> Neighbours:
    """The ``k`` candidates of highest cosine for each query, exactly.

    Args:
        queries: (N, D).
        candidates: (M, D).
        k: at most M are given.

    Raises:
        DataError: vectors of different lengths, or NaN values.
    """
    require_range("k", k, least=1)
    if queries.ndim != 2 or candidates.ndim != 2 or queries.shape[1] != candidates.shape[1]:
        raise DataError(
            f"queries {queries.shape}, candidates {candidates.shape}",
            "not two sets of vectors of one length",
            "Embed both with the same encoder and layer",
        )
    index = faiss.IndexFlatIP(candidates.shape[1])
    index.add(normalize(candidates))
    cosines, positions = index.search(normalize(queries), min(k, len(candidates)))
    return Neighbours(positions, cosines)
