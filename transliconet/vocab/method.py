"""What a change of vocabulary is, and what it is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from transliconet.corpus.romanize import Romanizer
from transliconet.model.encoder import Encoder


@dataclass(frozen=True)
class Material:
    """What a method may use.

    Args:
        romanizer: pieces have no language, so it is called without one.
        protected: texts that must be cut as before.
        texts: all texts of the pairs folder, both views.
    """

    romanizer: Romanizer
    protected: Sequence[str] = ()
    texts: Sequence[str] = ()


class VocabularyMethod(Protocol):
    """A change of vocabulary."""

    def __call__(self, encoder: Encoder, material: Material) -> tuple[Encoder, dict[str, int]]:
        """The changed encoder, and counts of pieces. The encoder given may be changed and must not be used on."""
        ...
