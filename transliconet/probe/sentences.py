"""Sentences to search with one's own: what lies near it, in which script?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from transliconet.errors import DataError, require_choice, require_range
from transliconet.model.embed import embed
from transliconet.model.encoder import Encoder
from transliconet.model.vectors import normalize
from transliconet.pairs import PairsFolder
from transliconet.probe.retrieval import COLUMN, NATIVE, ROMANIZED


class Hit(NamedTuple):
    """A sentence that was found: its language, both of its views, and the cosine to the query."""

    lang: str
    text: str
    romanized: str
    cosine: float


@dataclass(frozen=True)
class SentenceIndex:
    """The sentences of a pairs folder, with one encoder's vectors of both views; made by
    :meth:`from_pairs`.

    Args:
        encoder: also embeds the queries.
        sentences: ``lang, text, romanized`` of each of N.
        vectors: view → (N, H), scaled to length 1.
        layer, pooling: as the vectors were made.
    """

    encoder: Encoder
    sentences: Sequence[dict[str, str]]
    vectors: dict[str, np.ndarray]
    layer: int | str = "last"
    pooling: str = "mean"

    @classmethod
    def from_pairs(
        cls,
        encoder: Encoder,
        pairs: PairsFolder,
        split: str = "all",
        languages: Sequence[str] | None = None,
        layer: int | str = "last",
        pooling: str = "mean",
    ) -> "SentenceIndex":
        """Embed both views of a part of a pairs folder.

        Raises:
            ConfigError: no such part, language, layer or pooling.
            DataError: the part is empty.
        """
        rows = (
            pairs.split(split, languages=languages)
            .select(["lang", "text", "romanized"])
            .to_pylist()
        )
        if not rows:
            raise DataError(
                f"split={split} of {pairs.path}",
                "no sentences",
                "Choose another part or other languages",
                code="TLN-DATA-608",
            )
        vectors = {
            view: normalize(embed(encoder, [row[column] for row in rows], layer, pooling))
            for view, column in COLUMN.items()
        }
        return cls(encoder, rows, vectors, layer, pooling)

    def search(
        self, text: str, k: int = 10, view: str = NATIVE, one_a_script: bool = False
    ) -> list[Hit]:
        """The sentences of highest cosine, best first.

        Args:
            text: in any script.
            k: at most so many.
            view: of the sentences searched, ``native`` or ``romanized``.
            one_a_script: only the best one of each script.

        Raises:
            ConfigError: an unknown view, or ``k`` below 1.
        """
        require_choice("view", view, (NATIVE, ROMANIZED))
        require_range("k", k, least=1)
        query = normalize(embed(self.encoder, [text], self.layer, self.pooling))[0]
        cosines = self.vectors[view] @ query
        hits: list[Hit] = []
        seen: set[str] = set()
        for i in np.argsort(-cosines, kind="stable"):
            row = self.sentences[i]
            script = row["lang"].split("_")[1]
            if not (one_a_script and script in seen):
                hits.append(Hit(**row, cosine=float(cosines[i])))
                seen.add(script)
            if len(hits) == k:
                break
        return hits
