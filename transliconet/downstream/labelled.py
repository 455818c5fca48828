"""Labelled texts: what a head is trained on, selected by and tested with."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, Self, TypeVar

from transliconet.errors import DataError
from transliconet.language_tag import LanguageTag
from transliconet.romanizers.base import Romanizer, romanize_line

TRAIN, DEV, TEST = "train", "dev", "test"
SPLITS = (TRAIN, DEV, TEST)
ACCURACY, ENTITY_F1 = "accuracy", "entity_f1"
"""Figures that a head can be selected by."""


class LabelledItem(Protocol):
    """A text with one label, or a sentence with a label for each word."""

    @property
    def id(self) -> str: ...
    @property
    def lang(self) -> LanguageTag: ...
    @property
    def text(self) -> str: ...
    @property
    def labels(self) -> Sequence[str]: ...
    def romanized(self, romanize: Romanizer) -> Self: ...


@dataclass(frozen=True)
class LabelledText:
    """One text with its label.

    Args:
        id: the same in two languages if the texts mean the same.
        lang: its language and script.
        text: the text.
        label: its class.
    """

    id: str
    lang: LanguageTag
    text: str
    label: str

    @property
    def labels(self) -> Sequence[str]:
        """Its one label."""
        return [self.label]

    def romanized(self, romanize: Romanizer) -> "LabelledText":
        """The same in Latin script."""
        return replace(self, text=romanize_line(romanize, self.text, str(self.lang))[0])


@dataclass(frozen=True)
class TaggedSentence:
    """One sentence with a label for each word.

    Args:
        id: the same in two languages if the sentences mean the same.
        lang: its language and script.
        words: W words.
        tags: W labels.
    """

    id: str
    lang: LanguageTag
    words: Sequence[str]
    tags: Sequence[str]

    @property
    def text(self) -> str:
        """The words, with spaces between them."""
        return " ".join(self.words)

    @property
    def labels(self) -> Sequence[str]:
        """The labels of its words."""
        return self.tags

    def romanized(self, romanize: Romanizer) -> "TaggedSentence":
        """The same in Latin script, each word by itself, so that it keeps its label."""
        words = [romanize_line(romanize, word, str(self.lang))[0] for word in self.words]
        return replace(self, words=words)


Item = TypeVar("Item", bound=LabelledItem)


@dataclass
class LabelledSplits(Generic[Item]):
    """The texts of a task.

    Args:
        texts: split → its texts, in the order of the source.
        left_out: tag → reason → number of rows that cannot be used.
        sources: what was read, for results files.
        metric: the figure that a head is selected by: ``accuracy`` or ``entity_f1``.

    A task of your own is a class with a method ``read()`` that returns one.
    """

    texts: dict[str, list[Item]]
    left_out: dict[str, dict[str, int]] = field(default_factory=dict)
    sources: list[dict[str, object]] = field(default_factory=list)
    metric: str = ACCURACY

    @classmethod
    def empty(cls, metric: str = ACCURACY) -> "LabelledSplits[Any]":
        """Splits to add texts to."""
        return LabelledSplits({split: [] for split in SPLITS}, metric=metric)

    def leave_out(self, tag: str, reason: str) -> None:
        """Count a row that cannot be used."""
        reasons = self.left_out.setdefault(tag, {})
        reasons[reason] = reasons.get(reason, 0) + 1

    def without_leaks(self) -> "LabelledSplits[Item]":
        """The same without the texts of the test split in the other splits.

        Returns:
            Splits in which no text that is tested is trained on or selected by; what was left out
            is counted as ``in_test_split``.

        Raises:
            DataError: an id of the test split is in another split: the split itself is wrong.
        """
        tested = self.texts[TEST]
        ids = {text.id for text in tested}
        contents = {text.text for text in tested}
        left_out = {tag: dict(reasons) for tag, reasons in sorted(self.left_out.items())}
        clean = replace(self, texts={TEST: tested}, left_out=left_out)
        for split in (TRAIN, DEV):
            clean.texts[split] = []
            for text in self.texts[split]:
                if text.id in ids:
                    raise DataError(
                        f"{text.lang} {text.id}",
                        f"the id is in the test split and in the {split} split",
                        "Give the splits disjoint ids, or columns.id=null if equal ids mean "
                        "different texts",
                        code="TLN-DATA-650",
                    )
                if text.text in contents:
                    clean.leave_out(str(text.lang), "in_test_split")
                else:
                    clean.texts[split].append(text)
        return clean
