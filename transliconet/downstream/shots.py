"""A few examples of the tested language, for training in addition."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from transliconet.downstream.labelled import TaggedSentence
from transliconet.language_tag import LanguageTag
from transliconet.pairs import id_fraction


def draw_shots(train: Sequence[Any], tag: LanguageTag, shots: int) -> list[Any]:
    """Draw examples of one language, the same for every encoder.

    Args:
        train: items of the train split, of all languages.
        tag: the language.
        shots: number of texts of each class; of sentences with labels for words, the number of
            sentences. A class that has fewer gives all that it has.

    Returns:
        The first ones in the order of a hash of their ids.
    """
    of_language = [item for item in train if item.lang == tag]
    order = sorted(of_language, key=lambda item: (id_fraction(item.id, seed=0), item.id))
    taken: Counter[str] = Counter()
    drawn = []
    for item in order:
        group = "" if isinstance(item, TaggedSentence) else item.label
        if taken[group] < shots:
            taken[group] += 1
            drawn.append(item)
    return drawn
