"""What a change of vocabulary is, and what it is given."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol, Self

from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.romanizers.base import Romanizer


@dataclass(frozen=True)
class VocabularyInputs:
    """What a method may use.

    Args:
        romanizers: those that text will be romanized with.
        protected: texts that must be cut as before.
        native: language → native texts to learn from.
        romanized: language → their romanizations, in the same order.
    """

    romanizers: Sequence[Romanizer] = ()
    protected: Sequence[str] = ()
    native: Mapping[str, Sequence[str]] = field(default_factory=dict)
    romanized: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def from_pairs(
        cls,
        pairs: PairsFolder | Sequence[PairsFolder],
        romanizers: Sequence[Romanizer],
        languages: Sequence[str] | None = None,
        protected: Sequence[str] = (),
    ) -> Self:
        """The part of pairs folders that is not held out, to learn from.

        Args:
            pairs: the opened folder, or several.
            romanizers: those that text will be romanized with.
            languages: tags; None takes all.
            protected: texts that must be cut as before.
        """
        native: defaultdict[str, list[str]] = defaultdict(list)
        romanized: defaultdict[str, list[str]] = defaultdict(list)
        for number, folder in enumerate([pairs] if isinstance(pairs, PairsFolder) else pairs):
            for tag in languages or sorted(folder.manifest["languages"]):
                if number and tag not in folder.manifest["languages"]:
                    continue  # the first one must have it
                rows = folder.split("train", languages=[tag])
                native[tag] += rows["text"].to_pylist()
                romanized[tag] += rows["romanized"].to_pylist()
        return cls(romanizers, protected, dict(native), dict(romanized))

    @property
    def texts(self) -> list[str]:
        """All texts to learn from, both views."""
        return [
            *chain.from_iterable(self.native.values()),
            *chain.from_iterable(self.romanized.values()),
        ]


class VocabularyMethod(Protocol):
    """A change of vocabulary."""

    def __call__(
        self, encoder: Encoder, material: VocabularyInputs
    ) -> tuple[Encoder, dict[str, int]]:
        """The changed encoder, and counts of pieces. The encoder given may be changed and must not
        be used on.
        """
        ...
