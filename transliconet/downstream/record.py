"""The record of a task in one language and view."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from transliconet.downstream.entities import bare_tag_f1, entity_counts

Labels = Sequence[Sequence[str]]
"""The labels of N items: one of each text, or one of each word of a sentence."""
NOT_WRITTEN = ("outcomes",)


@dataclass(frozen=True, eq=False)
class ItemOutcomes:
    """How many labels of each tested item are right. The accuracy is the sum of ``right`` by that
    of ``total``.

    Args:
        ids: (N,) of the texts or sentences.
        right, total: (N,) labels that are right, and all labels of the item.
        entities: (N, 2) of sentences with entities, see
            :func:`transliconet.downstream.entities.entity_counts`; None for other tasks.
    """

    ids: Sequence[str]
    right: np.ndarray
    total: np.ndarray
    entities: np.ndarray | None = None


@dataclass(frozen=True)
class TransferRecord:
    """How well a head does in one language and view.

    Args:
        task: name of the task.
        language: tag of the tested language.
        view: ``native``, ``romanized`` or ``human``.
        train_languages: tags that the head was trained on.
        head: ``linear`` or ``finetune``.
        n: number of test texts or sentences.
        accuracy: share of the labels that are right: of texts, or of words.
        ci95: bootstrap 95 % interval of the accuracy over texts or sentences.
        macro_f1: mean over classes of F1, the harmonic mean of precision and recall.
        chance: accuracy of the class that is the most frequent among the tested ones.
        seed: of the head's training.
        shots: examples of each class in the tested language that the head was also trained on.
        words: number of words; None where texts are classified.
        words_without_subword: those that the encoder does not see, predicted as the most frequent
            label of the training data; None where texts are classified.
        entity_f1: micro-averaged F1 of entities; None where labels are not of entities.
        entity_f1_ci95: its bootstrap 95 % interval over sentences.
        bare_tag_f1: what seqeval gives for labels that are no B- and I- labels, such as parts of
            speech: the figure of the papers, which is not accuracy. It takes their first character
            for a prefix and merges equal neighbours. None where labels are of entities or of texts.
        texts: digest of the tested ids and texts; equal digests, equal test.
        layer, pooling: how the vectors were made.
        outcomes: of each item; None where they were not kept.
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
    seed: int = 0
    shots: int = 0
    words: int | None = None
    words_without_subword: int | None = None
    entity_f1: float | None = None
    entity_f1_ci95: tuple[float, float] | None = None
    bare_tag_f1: float | None = None
    texts: str = ""
    layer: int = -1
    pooling: str = ""
    outcomes: ItemOutcomes | None = field(default=None, compare=False, repr=False)

    def as_dict(self) -> dict[str, object]:
        """The record as results files hold it; its outcomes are in a file of their own."""
        content: dict[str, object] = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name not in NOT_WRITTEN:
                content[entry.name] = list(value) if isinstance(value, tuple) else value
        return content


@dataclass(frozen=True)
class Scores:
    """The scores of the predictions for N items; see :class:`TransferRecord`."""

    n: int
    accuracy: float
    ci95: tuple[float, float]
    macro_f1: float
    chance: float
    words: int | None
    entity_f1: float | None
    entity_f1_ci95: tuple[float, float] | None
    bare_tag_f1: float | None
    outcomes: ItemOutcomes

    @classmethod
    def from_predictions(
        cls, predicted: Labels, labels: Labels, ids: Sequence[str], kind: str = "texts"
    ) -> "Scores":
        """Score N predictions.

        Args:
            predicted, labels: of each item.
            ids: (N,) of the items.
            kind: ``texts``, ``words`` or ``entities``.

        >>> scores = Scores.from_predictions([["a"], ["b"]], [["a"], ["a"]], ["1", "2"])
        >>> scores.accuracy, round(scores.macro_f1, 3), scores.chance
        (0.5, 0.333, 1.0)
        """
        flat = np.array([label for item in labels for label in item])  # (U,)
        found = np.array([label for item in predicted for label in item])  # (U,)
        total = np.array([len(item) for item in labels])  # (N,)
        item_of = np.repeat(np.arange(len(labels)), total)  # (U,)
        right = np.bincount(item_of, found == flat, len(labels)).astype(np.int64)  # (N,)
        _, counts = np.unique(flat, return_counts=True)
        of_entities: float | None = None
        bare: float | None = None
        interval: tuple[float, float] | None = None
        pairs: np.ndarray | None = None  # (N, 2)
        if kind == "entities":
            pairs = entity_counts(predicted, labels)
            of_entities = float(pairs[:, 0].sum() / max(pairs[:, 1].sum(), 1))
            interval = ratio_ci95(pairs[:, 0], pairs[:, 1])
        elif kind == "words":
            bare = bare_tag_f1(predicted, labels)
        return cls(
            n=len(labels),
            accuracy=float(right.sum() / total.sum()),
            ci95=ratio_ci95(right, total),
            macro_f1=macro_f1(found, flat),
            chance=float(counts.max() / len(flat)),
            words=None if kind == "texts" else len(flat),
            entity_f1=of_entities,
            entity_f1_ci95=interval,
            bare_tag_f1=bare,
            outcomes=ItemOutcomes(ids, right, total, pairs),
        )


def macro_f1(predicted: Sequence[str] | np.ndarray, labels: Sequence[str] | np.ndarray) -> float:
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


def ratio_ci95(
    parts: np.ndarray, wholes: np.ndarray, seed: int = 0, samples: int = 2000
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of Σ parts / Σ wholes over items.

    Items with the same two numbers are alike, so that only how often each kind comes is drawn.

    Args:
        parts, wholes: (N,).
        seed: of the draws.
        samples: number of bootstrap samples.
    """
    both = np.stack([parts, wholes], axis=1)  # (N, 2)
    kinds, counts = np.unique(both, axis=0, return_counts=True)  # (K, 2), (K,)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(both), counts / len(both), samples)  # (samples, K)
    sums = drawn @ kinds.astype(np.float64)  # (samples, 2)
    ratios = sums[:, 0] / np.maximum(sums[:, 1], 1)
    low, high = np.percentile(ratios, [2.5, 97.5])
    return float(low), float(high)
