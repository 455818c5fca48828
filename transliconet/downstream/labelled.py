"""Labelled texts: what a classifier is trained on, selected by and tested with."""

from dataclasses import dataclass, field

from transliconet.errors import DataError
from transliconet.language_tag import LanguageTag

TRAIN, DEV, TEST = "train", "dev", "test"
SPLITS = (TRAIN, DEV, TEST)


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


@dataclass
class LabelledSplits:
    """The texts of a task.

    Args:
        texts: split → its texts, in the order of the source.
        left_out: tag → reason → number of rows that cannot be used.
        sources: what was read, for results files.

    A task of your own is a class with a method ``read()`` that returns one.
    """

    texts: dict[str, list[LabelledText]]
    left_out: dict[str, dict[str, int]] = field(default_factory=dict)
    sources: list[dict[str, object]] = field(default_factory=list)

    def without_leaks(self) -> "LabelledSplits":
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
        texts = {TEST: tested}
        left_out = {tag: dict(reasons) for tag, reasons in self.left_out.items()}
        for split in (TRAIN, DEV):
            texts[split] = []
            for text in self.texts[split]:
                if text.id in ids:
                    raise DataError(
                        f"{text.lang} {text.id}",
                        f"the id is in the test split and in the {split} split",
                        "Give the splits disjoint ids, or columns.id=null if equal ids mean "
                        "different texts",
                        code="TLN-DATA-650",
                    )
                if text.text not in contents:
                    texts[split].append(text)
                    continue
                reasons = left_out.setdefault(str(text.lang), {})
                reasons["in_test_split"] = reasons.get("in_test_split", 0) + 1
        return LabelledSplits(texts, left_out, self.sources)
