"""A collection: documents, queries, and which documents are relevant to which query."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from transliconet.pairs import id_fraction
from transliconet.probe.outcomes import digest_of_rows

LeftOut = dict[str, int]
"""Reason → number of rows."""


@dataclass(frozen=True)
class Query:
    """A query.

    Args:
        id: unique in its collection.
        text: in the language's own script.
        human: what people typed for it; empty where there is nothing.
    """

    id: str
    text: str
    human: str = ""


@dataclass(frozen=True)
class Collection:
    """The documents and queries of one language.

    Args:
        language: tag.
        documents: id → text; of the D documents.
        queries: each has a relevant document.
        relevant: id of a query → id of a document → its grade, above 0.
        left_out: reason (:data:`transliconet.probe.passed_over.REASONS`) → number of rows.
    """

    language: str
    documents: Mapping[str, str]
    queries: Sequence[Query]
    relevant: Mapping[str, Mapping[str, float]]
    left_out: LeftOut = field(default_factory=dict)

    @classmethod
    def from_judgments(
        cls,
        language: str,
        documents: Mapping[str, str],
        queries: Sequence[Query],
        judgments: Mapping[str, Mapping[str, float]],
        left_out: LeftOut,
    ) -> "Collection":
        """Keep the queries that have a relevant document, and count the rest.

        Args:
            language, documents, queries: see :class:`Collection`.
            judgments: id of a query → id of a document → its grade; 0 and below are not relevant.
            left_out: counts so far.
        """
        counts = dict(left_out)
        relevant = {}
        kept = []
        for query in queries:
            grades = judgments.get(query.id, {})
            present: dict[str, float] = {}
            for id_, grade in grades.items():
                if grade > 0 and id_ in documents:
                    present[id_] = grade
                elif grade > 0:
                    add(counts, "unknown_document", 1)
            if not present:
                add(counts, "no_relevant_document", 1)
                continue
            relevant[query.id] = present
            kept.append(query)
        known = {query.id for query in queries}
        for id_, grades in judgments.items():
            if id_ not in known:
                add(counts, "unknown_query", len(grades))
        return cls(language, documents, kept, relevant, left_out=counts)

    def limited(self, queries: int | None, documents: int | None, seed: int) -> "Collection":
        """At most so many queries and documents, chosen by a hash of their ids. Documents that are
        relevant to a query that is kept stay.
        """
        chosen = self.queries
        if queries is not None:
            wanted = set(_shuffled([query.id for query in chosen], seed)[:queries])
            chosen = [query for query in chosen if query.id in wanted]
        kept = self.documents
        if documents is not None and documents < len(kept):
            needed: set[str] = set()
            for query in chosen:
                needed.update(self.relevant[query.id])
            for id_ in _shuffled(kept, seed):
                if len(needed) >= documents:
                    break
                needed.add(id_)
            kept = {id_: text for id_, text in kept.items() if id_ in needed}
        relevant = {query.id: self.relevant[query.id] for query in chosen}
        return Collection(self.language, kept, chosen, relevant, left_out=self.left_out)

    def grades(self, ids: Sequence[str]) -> tuple[list[dict[int, float]], np.ndarray]:
        """Number of a document → grade, for each of Q queries; and (Q, R) all grades of a query in
        descending order, filled up with 0.
        """
        numbers = dict(zip(self.documents, range(len(self.documents)), strict=True))
        by_query = []
        for id_ in ids:
            grades = self.relevant[id_].items()
            by_query.append({numbers[document]: grade for document, grade in grades})
        most = max(map(len, by_query))
        judged = np.zeros((len(by_query), most))
        for row, grades_of_query in zip(judged, by_query, strict=True):
            row[: len(grades_of_query)] = sorted(grades_of_query.values(), reverse=True)
        return by_query, judged

    def digest(self) -> str:
        """A digest of the documents, whatever their order."""
        return digest_of_rows(self.documents.items())


class CollectionSource(Protocol):
    """Where collections come from: :class:`transliconet.documents.beir.BeirFolder`,
    :class:`transliconet.documents.territories.CldrTerritories`, or a class of your own.
    """

    def read(self, languages: Sequence[str] | None) -> list[Collection]:
        """The collections, one a language.

        Args:
            languages: tags; None takes all.
        """
        ...

    def sources(self) -> list[dict[str, object]]:
        """What is read, with its digest or version."""
        ...


def _shuffled(ids: Iterable[str], seed: int) -> list[str]:
    """In an order that depends on nothing but each id and the seed."""
    return sorted(ids, key=lambda id_: (id_fraction(id_, seed + 2), id_))


def add(counts: LeftOut, reason: str, number: int) -> None:
    """Count rows that are left out."""
    if number:
        counts[reason] = counts.get(reason, 0) + number
