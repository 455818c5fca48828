"""The views of a query: how people may type it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from transliconet.documents.collection import Collection, LeftOut, Query, add
from transliconet.pairs import id_fraction
from transliconet.probe.views import HUMAN, NATIVE, NOISY, ROMANIZED, text_in_view
from transliconet.romanizers.base import Romanizer, romanize_line
from transliconet.tokens.noise import Augment

HALF = "half"
"""A view in which half of a query's words are romanized."""
DOCUMENTS = "documents"
"""Stands for what is searched, in the names of tasks."""


@dataclass(frozen=True)
class QueryViews:
    """The queries of a collection in every view.

    Args:
        texts: view → id → text. What people typed is there for some queries only, the other views
            have all of them.
        halved: share of the queries of which half is romanized; a query of one word is not.
        left_out: reason → number of queries.
    """

    texts: Mapping[str, Mapping[str, str]]
    halved: float
    left_out: LeftOut

    @classmethod
    def from_collection(
        cls, collection: Collection, romanize: Romanizer, noise: Augment | None, seed: int
    ) -> "QueryViews":
        """Write the queries of a collection in every view. Those of which the romanizer leaves
        nothing are in none.

        Args:
            collection: its queries.
            romanize: makes the romanized view.
            noise: makes the noisy view; None for none.
            seed: of the noise and the choice of words.
        """
        tag = collection.language
        texts: dict[str, dict[str, str]] = {view: {} for view in (NATIVE, ROMANIZED, HALF)}
        left_out = LeftOut()
        halved = 0
        for query in collection.queries:
            romanized = romanize_line(romanize, query.text, tag)[0].strip()
            if not romanized:
                add(left_out, "empty_romanization", 1)
                continue
            texts[NATIVE][query.id] = query.text
            texts[ROMANIZED][query.id] = romanized
            mixed = half_romanized(query.text, romanized, _rng(tag, query, seed))
            texts[HALF][query.id] = mixed or romanized
            halved += bool(mixed)
            row = {"id": query.id, "lang": tag, "text": query.text, "romanized": romanized}
            if noise:
                noisy = text_in_view(row, NOISY, noise, seed)
                texts.setdefault(NOISY, {})[query.id] = noisy
            if query.human:
                texts.setdefault(HUMAN, {})[query.id] = query.human
        return cls(texts, halved / max(len(texts[NATIVE]), 1), left_out)


def half_romanized(native: str, romanized: str, rng: np.random.Generator) -> str:
    """A text of which every second word, on average, is romanized.

    Args:
        native: the text; its words are what spaces separate.
        romanized: its romanization.
        rng: chooses the words.

    Returns:
        The text with half of its words romanized, of an odd number one more than half; empty for a
        single word, or if the romanization has another number of words.

    >>> half_romanized("Москва и Киев", "Moskva i Kiev", np.random.default_rng(1))
    'Москва i Kiev'
    """
    own_words, words = native.split(), romanized.split()
    if len(words) < 2 or len(own_words) != len(words):
        return ""
    for place in rng.permutation(len(words))[: len(words) // 2].tolist():
        words[place] = own_words[place]
    return " ".join(words)


def _rng(tag: str, query: Query, seed: int) -> np.random.Generator:
    """Depends on nothing but the query and the seed."""
    return np.random.default_rng(int(2**63 * id_fraction(f"{HALF} {tag} {query.id}", seed)))
