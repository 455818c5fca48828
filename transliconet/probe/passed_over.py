"""What a probe did not measure, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

WITH_NATIVE = " of the tasks with native text"
WITH_PIVOT = " of the tasks with the pivot"
REASONS = {
    "no_human_text": ("", "no romanized text"),
    "only_human_text": ("", "neither native text nor translation"),
    "no_text": ("", "no text"),
    "no_native_text": (WITH_NATIVE, "no native text"),
    "no_pivot_text": (WITH_PIVOT, "no translation"),
    "same_as_native": ("", "the romanized text is the native text"),
    "duplicate_native_text": ("", "an earlier row has the native text"),
    "duplicate_human_text": ("", "an earlier row has the romanized text"),
    "duplicate_pivot_text": (WITH_PIVOT, "an earlier row has the translation"),
    "unchanged_by_romanizer": (WITH_NATIVE, "the romanizer leaves the text as it is"),
    "empty_romanization": ("", "the romanizer leaves nothing"),
    "too_few_words": ("", "fewer than min_words words"),
    "missing_field": ("", "no language, or no field at all"),
    "wrong_language_tag": ("", "the language is no tag; tags={NAME: TAG} maps it"),
    "empty": ("", "nothing in it"),
    "no_relevant_document": ("", "a query without a relevant document"),
    "no_typed_query": (" of the human view", "nobody typed the query"),
    "duplicate_query_id": ("", "an earlier query has the id"),
    "duplicate_document_id": ("", "an earlier document has the id"),
    "document_empty": ("", "a document with nothing in it"),
    "unknown_document": ("", "a judgment of a document that is not in the corpus"),
    "unknown_query": ("", "a judgment for a query that is not there"),
    "duplicate_judgment": ("", "the pair was judged before"),
    "unreadable_judgment": ("", "a judgment without query, document and number"),
    "ambiguous_name": ("", "a name that stands for two things"),
    "latin_name": ("", "CLDR has no name in the script"),
}
"""Reason → what its rows of typed text or of a collection are left out of (empty: everything), and
why. Others are those of ``prepare``, such as ``invalid_utf8``.
"""


class TooFew(NamedTuple):
    """A language that a kind of task leaves out, because it has fewer ids than ``needed``."""

    language: str
    kind: str
    candidates: int
    needed: int

    def __str__(self) -> str:
        return (
            f"{self.language}: no {self.kind} task, "
            f"{self.candidates} candidates where {self.needed} are needed"
        )


@dataclass(frozen=True)
class PassedOver:
    """What a probe did not measure.

    Args:
        too_few: languages without enough candidates, by kind of task.
        duplicate_ids: language → rows whose id an earlier row of the language has.
        left_out: of typed text and of collections, language → reason → rows
            (:data:`REASONS`).
    """

    too_few: list[TooFew] = field(default_factory=list)
    duplicate_ids: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, dict[str, int]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """The entry of a results file."""
        too_few = [left_out._asdict() for left_out in self.too_few]
        content: dict[str, object] = {"too_few": too_few, "duplicate_ids": self.duplicate_ids}
        if self.left_out:
            content["left_out"] = self.left_out
        return content

    @classmethod
    def from_dict(cls, content: Mapping) -> "PassedOver":
        """Read the entry of a results file."""
        too_few = [
            TooFew(str(c["language"]), str(c["kind"]), int(c["candidates"]), int(c["needed"]))
            for c in content.get("too_few", [])
        ]
        duplicate_ids = {
            str(tag): int(number) for tag, number in content.get("duplicate_ids", {}).items()
        }
        left_out: dict[str, dict[str, int]] = {}
        for tag, by_reason in content.get("left_out", {}).items():
            left_out[str(tag)] = {str(reason): int(n) for reason, n in by_reason.items()}
        return cls(too_few, duplicate_ids, left_out)

    def lines(self) -> list[str]:
        """Lines of text with remedies; empty if nothing was left out."""
        lines = [str(left_out) for left_out in self.too_few]
        if lines:
            remedy = "give more sentences (rules.heldout), or lower candidates.min"
            lines.append(f"To measure them, {remedy}.")
        for tag, number in self.duplicate_ids.items():
            lines.append(f"{tag}: {number} rows repeat an id; the first row of each id is used.")
        for tag, by_reason in self.left_out.items():
            for reason, number in by_reason.items():
                tasks, why = REASONS.get(reason, ("", reason))
                rows = "1 row" if number == 1 else f"{number} rows"
                lines.append(f"{tag}: {rows} left out{tasks}: {why}.")
        return lines
