"""Near-duplicates by MinHash and locality-sensitive hashing, through the ``datasketch`` package
(extra ``dedup``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np

from transliconet.errors import ConfigError, require_range


@dataclass(frozen=True)
class NearDuplicates:
    """Band keys of texts: two texts of a language that share a key count as near-duplicates.

    Each text gets ``bands`` keys, each of them a hash of ``rows`` MinHash values. Texts whose
    character n-grams have Jaccard similarity s share a key with probability 1 − (1 − s^rows)^bands
    (Leskovec et al., Mining of Massive Datasets, section 3.4). ``bands`` and ``rows`` are chosen so
    that this probability rises steeply at ``threshold``.

    Args:
        threshold: Jaccard similarity from which texts count as near-duplicates.
        ngram: characters of an n-gram.
        permutations: MinHash values of a text.

    Raises:
        ConfigError: ``datasketch`` is not installed.
    """

    threshold: float = 0.8
    ngram: int = 5
    permutations: int = 128

    def __post_init__(self) -> None:
        require_range("threshold", self.threshold, above=0, most=1)
        self._bands  # noqa: B018  fails early where the package is missing

    @cached_property
    def _bands(self) -> tuple[int, int]:
        lsh = _datasketch().MinHashLSH(threshold=self.threshold, num_perm=self.permutations)
        return int(lsh.b), int(lsh.r)

    def keys(self, langs: Sequence[str], texts: Sequence[str]) -> np.ndarray:
        """The band keys of N texts.

        Args:
            langs: language of each.
            texts: the texts.

        Returns:
            (N, bands, 2) uint64: one key of 128 bits for each band.
        """
        bands, rows = self._bands
        shingles = [self._shingles(text) for text in texts]
        signatures = _datasketch().MinHash.generator(shingles, num_perm=self.permutations, seed=1)
        keys = np.empty((len(texts), bands, 2), "<u8")
        for number, (lang, signature) in enumerate(zip(langs, signatures, strict=True)):
            values = signature.hashvalues  # (permutations,)
            for band in range(bands):
                of_band = values[band * rows : (band + 1) * rows].tobytes()
                content = lang.encode() + bytes([band]) + of_band
                key = blake2b(content, digest_size=16).digest()
                keys[number, band] = np.frombuffer(key, "<u8")
        return keys

    def _shingles(self, text: str) -> list[bytes]:
        """The character n-grams of a text; a shorter text is one n-gram."""
        folded = " ".join(text.casefold().split())
        starts = range(max(1, len(folded) - self.ngram + 1))
        return [folded[start : start + self.ngram].encode() for start in starts]


def _datasketch() -> Any:
    try:
        import datasketch
    except ImportError as error:
        raise ConfigError(
            "near_duplicates",
            "the package datasketch is not installed",
            "pip install -e '.[dedup]' in a checkout",
            code="TLN-CONFIG-101",
        ) from error
    return datasketch
