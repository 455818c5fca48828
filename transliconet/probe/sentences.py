"""Search the sentences of a pairs folder with a sentence of your own."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from transliconet.corpus.cleaning import mend
from transliconet.errors import DataError, require_choice, require_range
from transliconet.model.embed import embed
from transliconet.model.encoder import Encoder
from transliconet.model.vectors import normalize
from transliconet.pairs import PairsFolder
from transliconet.probe.views import NATIVE, ROMANIZED, VIEW_COLUMNS


class Hit(NamedTuple):
    """A retrieved sentence: its language, both of its views, and its cosine to the query."""

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
        sentences: ``lang``, ``text`` and ``romanized`` of each of the N sentences.
        vectors: view → (N, H), scaled to length 1.
        layer: hidden layer of the vectors.
        pooling: how token states became a vector.
    """

    encoder: Encoder
    sentences: Sequence[dict[str, str]]
    vectors: dict[str, np.ndarray]
    layer: int | str = "auto"
    pooling: str = "auto"

    @classmethod
    def from_pairs(
        cls,
        encoder: Encoder,
        pairs: PairsFolder,
        split: str = "all",
        languages: Sequence[str] | None = None,
        layer: int | str = "auto",
        pooling: str = "auto",
    ) -> "SentenceIndex":
        """Embed both views of a split of a pairs folder.

        Args:
            encoder: embeds the sentences and the queries.
            pairs: the folder.
            split: ``train``, ``heldout`` or ``all``.
            languages: tags; None takes every language of the split.
            layer, pooling: see :func:`transliconet.model.embed.embed`.

        Raises:
            ConfigError: no such split, language, layer or pooling.
            DataError: the split is empty.
        """
        table = pairs.split(split, languages=languages)
        rows = table.select(["lang", "text", "romanized"]).to_pylist()
        if not rows:
            raise DataError(
                f"split={split} of {pairs.path}",
                "no sentences",
                "Choose another split or other languages",
                code="TLN-DATA-608",
            )
        vectors = {}
        for view, column in VIEW_COLUMNS.items():
            texts = [row[column] for row in rows]
            vectors[view] = normalize(embed(encoder, texts, layer, pooling))  # (N, H)
        return cls(encoder, rows, vectors, layer=layer, pooling=pooling)

    def search(
        self, text: str, k: int = 10, view: str = NATIVE, one_per_script: bool = False
    ) -> list[Hit]:
        """The sentences of highest cosine, best first.

        Args:
            text: the query, in any script; it is cleaned as the pairs were.
            k: most sentences to return.
            view: of the sentences searched, ``native`` or ``romanized``.
            one_per_script: only the best sentence of each script.

        Raises:
            ConfigError: an unknown view, or ``k`` below 1.
        """
        require_choice("view", view, (NATIVE, ROMANIZED))
        require_range("k", k, least=1)
        vectors = embed(self.encoder, [mend(text)], self.layer, self.pooling)  # (1, H)
        query = normalize(vectors)[0]  # (H,)
        cosines = self.vectors[view] @ query  # (N,)
        best_first = np.argsort(-cosines, kind="stable").tolist()
        hits = []
        for i in first_rows(best_first, lambda i: self.sentences[i]["lang"], k, one_per_script):
            hits.append(Hit(**self.sentences[i], cosine=float(cosines[i])))
        return hits


def first_rows(
    rows: Iterable[int], language_of: Callable[[int], str], k: int, one_per_script: bool
) -> Iterator[int]:
    """The first ``k`` rows, each once.

    Args:
        rows: numbers of sentences, best first.
        language_of: the tag of a row.
        k: at least 1.
        one_per_script: only the first row of each script.
    """
    seen: set[int] = set()
    scripts: set[str] = set()
    for row in rows:
        script = language_of(row).split("_")[1]
        if row in seen or (one_per_script and script in scripts):
            continue
        seen.add(row)
        scripts.add(script)
        yield row
        if len(seen) == k:
            return
