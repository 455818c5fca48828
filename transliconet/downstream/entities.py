"""Entities in sequences of labels, and their F1."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

OUTSIDE = "O"


class Entity(NamedTuple):
    """Words ``start`` to ``end - 1`` of a sentence."""

    type: str
    start: int
    end: int


def entities(tags: Sequence[str]) -> set[Entity]:
    """The entities of a sentence, as CoNLL's evaluation and seqeval's default mode find them.

    Labels are a prefix and a type: ``B-PER`` begins an entity, ``I-PER`` goes on with it; also
    ``E-`` (its end) and ``S-`` (a single word). The prefix is the first character. An entity that
    does not begin with ``B-`` is one, too.

    >>> sorted(entities(["B-PER", "I-PER", "O", "I-LOC"]))
    [Entity(type='LOC', start=3, end=4), Entity(type='PER', start=0, end=2)]
    """
    return set(_entities(tags))


def _entities(tags: Sequence[str]) -> Iterator[Entity]:
    start, known_prefix, known_type = 0, OUTSIDE, "_"
    for place, tag in enumerate([*tags, OUTSIDE]):
        prefix, type_ = tag[:1], _type(tag)
        changed = known_type != type_
        if _ends(known_prefix, prefix, changed):
            yield Entity(known_type, start, place)
        if _begins(known_prefix, prefix, changed):
            start = place
        known_prefix, known_type = prefix, type_


def _type(tag: str) -> str:
    """What follows the prefix and, perhaps, a hyphen."""
    _, hyphen, type_ = tag[1:].partition("-")
    return (type_ if hyphen else tag[1:]) or "_"


def _ends(prefix: str, following: str, changed: bool) -> bool:
    """Whether an entity ends between two labels."""
    if prefix in ("E", "S") or (prefix in ("B", "I") and following in ("B", "S", OUTSIDE)):
        return True
    return changed and prefix not in (OUTSIDE, ".")


def _begins(before: str, prefix: str, changed: bool) -> bool:
    """Whether an entity begins between two labels."""
    if prefix in ("B", "S") or (before in ("E", "S", OUTSIDE) and prefix in ("E", "I")):
        return True
    return changed and prefix not in (OUTSIDE, ".")


def entity_counts(
    predicted: Sequence[Sequence[str]], labels: Sequence[Sequence[str]]
) -> np.ndarray:
    """What the F1 of entities is made of.

    Args:
        predicted, labels: N sentences.

    Returns:
        (N, 2) int64: twice the entities that are found, and those that are predicted or there. The
        micro-averaged F1 of some sentences is the sum of the first by the sum of the second,

            F1 = 2 TP / (2 TP + FP + FN)
    """
    counts = np.zeros((len(labels), 2), dtype=np.int64)
    for row, found, right in zip(counts, predicted, labels, strict=True):
        of_head, there = entities(found), entities(right)
        row[:] = 2 * len(of_head & there), len(of_head) + len(there)
    return counts


def entity_f1(predicted: Sequence[Sequence[str]], labels: Sequence[Sequence[str]]) -> float:
    """Micro-averaged F1 of entities; 0 where none is predicted and none is there.

    >>> entity_f1([["B-PER", "O"]], [["B-PER", "B-LOC"]])
    0.6666666666666666
    """
    right, all_ = entity_counts(predicted, labels).sum(0)
    return float(right / all_) if all_ else 0.0


def bare_tag_f1(predicted: Sequence[Sequence[str]], labels: Sequence[Sequence[str]]) -> float:
    """What seqeval gives for labels without B- and I-, such as parts of speech.

    It joins all sentences, with an O after each. That matters for the label X alone: without a
    type, it begins no entity but ends one, which then begins where the last one did.
    """
    return entity_f1([_joined(predicted)], [_joined(labels)])


def _joined(sentences: Sequence[Sequence[str]]) -> list[str]:
    joined: list[str] = []
    for tags in sentences:
        joined += [*tags, OUTSIDE]
    return joined
