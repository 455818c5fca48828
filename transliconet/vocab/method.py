"""What a change of vocabulary is, and what it is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

from transliconet.corpus.romanize import Romanizer
from transliconet.model.encoder import Encoder


@dataclass(frozen=True)
class Material:
    """What a method may use.

    Args:
        romanizer: that of the pairs.
        protected: texts that must be cut as before.
        native: language → native texts to learn from.
        romanized: language → their romanisations, in the same order.
    """

    romanizer: Romanizer
    protected: Sequence[str] = ()
    native: Mapping[str, Sequence[str]] = field(default_factory=dict)
    romanized: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        """All texts to learn from, both views."""
        return [*chain.from_iterable(self.native.values()), *chain.from_iterable(self.romanized.values())]


class VocabularyMethod(Protocol):
    """A change of vocabulary."""

    def __call__(self, encoder: Encoder, material: Material) -> tuple[Encoder, dict[str, int]]:
        """The changed encoder, and counts of pieces. The encoder given may be changed and must not be used on."""
        ...
