"""What a head is: it is fitted to labelled items, and then gives labels to others."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from transliconet.downstream.entities import entity_f1
from transliconet.downstream.labelled import ENTITY_F1, LabelledItem, TaggedSentence
from transliconet.model.encoder import Encoder

Items = Sequence[LabelledItem]


@dataclass(frozen=True)
class TrainingData:
    """What a head is fitted to.

    Args:
        train: items that are trained on.
        dev: items that select; empty where there are none.
        metric: the figure that is best on ``dev``: ``accuracy`` or ``entity_f1``.
    """

    train: Items
    dev: Items
    metric: str

    @property
    def classes(self) -> list[str]:
        """All labels of the training items, sorted."""
        return sorted({label for item in self.train for label in item.labels})

    @property
    def usual(self) -> str:
        """The most frequent label of the training items."""
        counts = Counter(label for item in self.train for label in item.labels)
        return max(sorted(counts), key=lambda label: counts[label])

    def dev_score(self, predicted: Sequence[Sequence[str]]) -> float:
        """The selecting figure of predictions for ``dev``."""
        labels = [item.labels for item in self.dev]
        if self.metric == ENTITY_F1:
            return entity_f1(predicted, labels)
        right, total = 0, 0
        for found, item in zip(predicted, labels, strict=True):
            right += sum(one == other for one, other in zip(found, item, strict=True))
            total += len(item)
        return right / total


class FittedHead(Protocol):
    """A head that can be used."""

    @property
    def max_length(self) -> int | None:
        """Tokens; None: as the checkpoint says."""
        ...

    @property
    def selected(self) -> dict[str, Any]:
        """What was selected by the dev split, and its score there, for results files."""
        ...

    def predict(self, items: Items) -> list[list[str]]:
        """The labels of each item."""
        ...


class Head(Protocol):
    """How a head is trained: :class:`transliconet.downstream.linear.LinearHead` or
    :class:`transliconet.downstream.finetune.FineTuning`.
    """

    @property
    def name(self) -> str: ...
    @property
    def seeds(self) -> Sequence[int]:
        """One fit for each."""
        ...

    def layer_and_pooling(self, encoder: Encoder) -> tuple[int, str]:
        """How vectors are made, for records."""
        ...

    def fit(self, encoder: Encoder, data: TrainingData, seed: int) -> FittedHead:
        """Fit a head; the encoder is not changed."""
        ...


def are_sentences(items: Items) -> bool:
    """Whether each word has a label, rather than each text."""
    return bool(items) and isinstance(items[0], TaggedSentence)


def by_item(labels: Sequence[str], items: Items) -> list[list[str]]:
    """Labels of all words or texts, in order, as a list for each item."""
    start = 0
    lists = []
    for item in items:
        end = start + len(item.labels)
        lists.append(list(labels[start:end]))
        start = end
    return lists
