"""The record of a task in one language and view."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from transliconet.probe.record import bootstrap_ci95


@dataclass(frozen=True)
class TransferRecord:
    """How well a head does in one language and view.

    Args:
        task: name of the task.
        language: tag of the tested language.
        view: ``native``, ``romanized`` or ``human``.
        train_languages: tags that the head was trained on.
        head: ``linear``.
        n: number of test texts.
        accuracy: share of them that are classified right.
        ci95: bootstrap 95 % interval of the accuracy over texts.
        macro_f1: mean over the test texts' classes of F1, the harmonic mean of precision and
            recall.
        chance: accuracy of the class that is the most frequent among the test texts.
    """

    task: str
    language: str
    view: str
    train_languages: tuple[str, ...]
    head: str
    n: int
    accuracy: float
    ci95: tuple[float, float]
    macro_f1: float
    chance: float

    def as_dict(self) -> dict[str, object]:
        """The record as results files hold it."""
        content = asdict(self)
        content["train_languages"] = list(self.train_languages)
        content["ci95"] = list(self.ci95)
        return content


@dataclass(frozen=True)
class Scores:
    """The scores of N predictions; see :class:`TransferRecord`."""

    n: int
    accuracy: float
    ci95: tuple[float, float]
    macro_f1: float
    chance: float

    @classmethod
    def from_predictions(cls, predicted: Sequence[str], labels: Sequence[str]) -> "Scores":
        """Score N predictions.

        >>> scores = Scores.from_predictions(["a", "a", "b", "b"], ["a", "b", "b", "b"])
        >>> scores.accuracy, round(scores.macro_f1, 3), scores.chance
        (0.75, 0.733, 0.75)
        """
        right = np.array(predicted) == np.array(labels)  # (N,)
        _, counts = np.unique(labels, return_counts=True)
        return cls(
            n=len(labels),
            accuracy=float(right.mean()),
            ci95=bootstrap_ci95(right),
            macro_f1=macro_f1(predicted, labels),
            chance=float(counts.max() / len(labels)),
        )


def macro_f1(predicted: Sequence[str], labels: Sequence[str]) -> float:
    r"""Mean over classes of :math:`F_1 = 2\,TP / (2\,TP + FP + FN)`.

    The classes are those of ``labels`` and ``predicted`` together, as scikit-learn has it.
    """
    found, right = np.array(predicted), np.array(labels)  # (N,)
    scores = []
    for name in np.union1d(found, right):
        true_positives = int(((found == name) & (right == name)).sum())
        wrong = int(((found == name) != (right == name)).sum())  # false positives and negatives
        scores.append(2 * true_positives / (2 * true_positives + wrong))
    return float(np.mean(scores))
