"""Search in a pairs folder: a FAISS index over both views of its sentences, kept in its cache."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import faiss
import numpy as np

from transliconet.corpus.cleaning import mend
from transliconet.errors import DataError, Option, require_choice, require_range
from transliconet.model.embed import embed, state_digest
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.probe.sentences import first_rows
from transliconet.probe.views import NATIVE, ROMANIZED, VIEW_COLUMNS
from transliconet.progress import Progress
from transliconet.storage import atomic_file, cached

BOTH = "both"
VIEWS = (NATIVE, ROMANIZED)
"""The order of the views in an index: the vectors of all native texts, then of all romanized."""
LAYOUT = 1
"""Number of a file's layout."""


class SentenceMatch(NamedTuple):
    """A sentence with its cosines to the query.

    Args:
        lang: its tag.
        text, romanized: its two views.
        native_cosine, romanized_cosine: of each view.
    """

    lang: str
    text: str
    romanized: str
    native_cosine: float
    romanized_cosine: float


@dataclass(frozen=True)
class PairsIndex:
    """The sentences of a pairs folder, searched by one encoder.

    The index is made once and kept in ``cache/`` of the folder. Its name depends on the weights,
    the tokenizer and the content of the folder, so that a change of any makes another index.

    Args:
        encoder: embeds the sentences and the queries.
        pairs: the folder.
        layer, pooling: see :func:`transliconet.model.embed.embed`.

    Example::

        index = PairsIndex(tn.load("runs/first/export"), tn.PairsFolder.open("pairs"))
        for match in index.search("Where is the station?", k=5):
            print(match.lang, match.text)
    """

    encoder: Encoder
    pairs: PairsFolder
    layer: int | str = "auto"
    pooling: str = "auto"

    @cached_property
    def file(self) -> Path:
        """Where the index is kept."""
        manifest = (self.pairs.path / "manifest.json").read_bytes()
        settings = {
            "layout": LAYOUT,
            "weights": state_digest(self.encoder.masked_lm.state_dict()),
            "layer": self.encoder.layer_number(self.layer),
            "pooling": self.encoder.pooling_name(self.pooling),
            "max_length": self.encoder.length_limit(None),
            "prompt": self.encoder.prompt,
        }
        digest = hashlib.sha256(manifest)
        digest.update(self.encoder.tokenizer.backend_tokenizer.to_str().encode())
        digest.update(json.dumps(settings, sort_keys=True).encode())
        return self.pairs.path / "cache" / f"search-{digest.hexdigest()[:20]}.faiss"

    @cached_property
    def index(self) -> Any:
        """The FAISS index, (2N, H): read from :attr:`file`, or made.

        Raises:
            DataError: the folder has no pair.
        """
        read: list[Any] = []

        def is_intact(file: Path) -> bool:
            index = self._read(file)
            if index is not None:
                read.append(index)
            return index is not None

        place = cached(self.file, self._make, is_intact)
        return read[-1] if read else faiss.read_index(str(place))

    def search(
        self, text: str, k: int = 10, view: str = BOTH, one_per_script: bool = False
    ) -> list[SentenceMatch]:
        """The sentences that are nearest to a query, best first, in any script.

        Args:
            text: the query, in any script; it is cleaned as the pairs were.
            k: most sentences to return.
            view: ``native`` or ``romanized`` to search only these texts; ``both``: a sentence is as
                near as the nearer of its views.
            one_per_script: only the nearest sentence of each script.

        Raises:
            ConfigError: an unknown view, or ``k`` below 1.
            DataError: the folder has no pair.
        """
        require_choice("view", view, (BOTH, *VIEWS))
        require_range("k", k, least=1)
        vectors = embed(self.encoder, [mend(text)], self.layer, self.pooling, normalize=True)
        number = self.pairs.table.num_rows
        wanted = 2 * number
        if view == BOTH and not one_per_script:
            wanted = min(2 * k, wanted)  # each sentence may be found twice
        _, nearest = self.index.search(vectors, wanted)  # (1, wanted)
        rows = []
        for position in nearest[0].tolist():
            of_view, row = divmod(position, number)
            if position >= 0 and view in (BOTH, VIEWS[of_view]):
                rows.append(row)
        languages = self.pairs.table["lang"]
        chosen = first_rows(rows, lambda row: languages[row].as_py(), k, one_per_script)
        return [self._match(row, vectors[0]) for row in chosen]

    def _match(self, row: int, query: np.ndarray) -> SentenceMatch:
        sentence = self.pairs.table.slice(row, 1).to_pylist()[0]
        number = self.pairs.table.num_rows
        native = self.index.reconstruct(row)  # (H,)
        romanized = self.index.reconstruct(row + number)  # (H,)
        return SentenceMatch(
            sentence["lang"],
            sentence["text"],
            sentence["romanized"],
            native_cosine=float(native @ query),
            romanized_cosine=float(romanized @ query),
        )

    def _make(self, new: Path) -> None:
        number = self.pairs.table.num_rows
        if number == 0:
            raise DataError(
                Option("pairs", self.pairs.path),
                "no sentence to search",
                "Prepare another folder",
                code="TLN-DATA-620",
            )
        index = faiss.IndexFlatIP(self.encoder.masked_lm.config.hidden_size)
        with Progress("index", 2 * number, "sentences"):
            for view in VIEWS:
                texts = self._texts(VIEW_COLUMNS[view])
                index.add(embed(self.encoder, texts, self.layer, self.pooling, normalize=True))
        with atomic_file(new) as partial:
            faiss.write_index(index, str(partial))

    def _texts(self, column: str) -> Iterator[str]:
        for batch in self.pairs.table.select([column]).to_batches():
            yield from batch[column].to_pylist()

    def _read(self, file: Path) -> Any:
        """The index in a file; None if it is none of as many vectors as there are texts."""
        try:
            index = faiss.read_index(str(file))
        except RuntimeError:  # faiss raises it for whatever it cannot read
            return None
        return index if index.ntotal == 2 * self.pairs.table.num_rows else None
