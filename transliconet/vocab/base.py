"""The protocol of a vocabulary method, and its inputs.

A method of your own is a class with ``__call__``, in a module that Python can import::

    class Rename:
        def __call__(self, encoder, inputs):
            encoder.name = "renamed"
            return VocabularyChange(encoder, {"unchanged": len(encoder.tokenizer)})

The command line takes it by its path: ``method=none +method._target_=mymodule.Rename``.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from transliconet.errors import ConfigError, Option
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.romanizers.base import Romanizer


@dataclass(frozen=True)
class VocabularyInputs:
    """The inputs of a vocabulary method.

    Args:
        romanizers: those that text will be romanized with.
        protected: texts whose tokenization must not change.
        native: language tag → native texts to learn from.
        romanized: language tag → their romanizations, in the same order.
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
        """Inputs from the text of pairs folders that is not held out.

        Args:
            pairs: the opened folder, or several.
            romanizers: those that text will be romanized with.
            languages: tags, all of which the first folder must have; None takes all.
            protected: texts whose tokenization must not change.
        """
        native: defaultdict[str, list[str]] = defaultdict(list)
        romanized: defaultdict[str, list[str]] = defaultdict(list)
        folders = [pairs] if isinstance(pairs, PairsFolder) else pairs
        for number, folder in enumerate(folders):
            present = folder.manifest["languages"]
            for tag in languages or sorted(present):
                if number > 0 and tag not in present:
                    continue
                rows = folder.split("train", languages=[tag])
                native[tag] += rows["text"].to_pylist()
                romanized[tag] += rows["romanized"].to_pylist()
        return cls(romanizers, protected, dict(native), dict(romanized))

    def tags(self, languages: Collection[str] | None) -> list[str]:
        """The chosen languages; None: all.

        Raises:
            ConfigError: one of them is not there.
        """
        tags = list(self.native) if languages is None else list(languages)
        absent = [tag for tag in tags if tag not in self.native]
        if absent:
            present = ", ".join(self.native) or "none: add pairs=FOLDER"
            raise ConfigError(
                Option("languages", absent),
                "not in the pairs folder",
                f"It has {present}",
                code="TLN-CONFIG-704",
            )
        return tags

    def text_pairs(self, tags: Iterable[str]) -> Iterator[tuple[str, str]]:
        """(native text, romanization) of some languages."""
        for tag in tags:
            yield from zip(self.native[tag], self.romanized[tag], strict=True)

    @property
    def texts(self) -> list[str]:
        """All texts to learn from, both views."""
        texts: list[str] = []
        for of_language in (*self.native.values(), *self.romanized.values()):
            texts += of_language
        return texts


@dataclass(frozen=True)
class VocabularyChange:
    """The result of a vocabulary method.

    Args:
        encoder: with the changed vocabulary.
        counts: what was done → number of subwords, for the user to read.
    """

    encoder: Encoder
    counts: Mapping[str, int]


class VocabularyMethod(Protocol):
    """A change of vocabulary."""

    def __call__(self, encoder: Encoder, inputs: VocabularyInputs) -> VocabularyChange:
        """Change the vocabulary.

        Args:
            encoder: may be changed; the caller uses the one returned.
            inputs: texts and romanizers.
        """
        ...
