"""The linear head: a logistic regression on frozen vectors of texts or words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from transliconet.downstream.head import Items, TrainingData, are_sentences, by_item
from transliconet.errors import ConfigError, Option, require_range
from transliconet.model.embed import embed
from transliconet.model.encoder import Encoder
from transliconet.model.vectors import normalize
from transliconet.model.word_vectors import embed_words
from transliconet.probe.settings import Embedding

STRENGTHS = (0.01, 0.1, 1.0, 10.0)
"""Inverse strengths of the L2 penalty that the dev split chooses from, C in scikit-learn."""
WITHOUT_DEV = 1.0
"""The strength where there is no dev split."""


@dataclass(frozen=True)
class LinearHead:
    """A multinomial logistic regression. Its inputs are vectors of length 1, standardized dimension
    by dimension: of texts, or of words at their first subword.

    Args:
        embedding: how a text becomes a vector; one layer. Words have no pooling.
        strengths: inverse strengths of the L2 penalty that the dev split chooses from.
        max_iter: most iterations of the solver.
    """

    embedding: Embedding = field(default_factory=Embedding)
    strengths: Sequence[float] = STRENGTHS
    max_iter: int = 2000
    name = "linear"
    seeds = (0,)  # it has nothing random

    def __post_init__(self) -> None:
        require_range("max_iter", self.max_iter, least=1)
        if not self.strengths or min(self.strengths) <= 0:
            raise ConfigError(
                Option("strengths", list(self.strengths)),
                "not a list of numbers above 0",
                "Give one or several, e.g. [0.1, 1.0]",
                code="TLN-CONFIG-655",
            )

    def layer_and_pooling(self, encoder: Encoder) -> tuple[int, str]:
        """The hidden layer, and how its states become the vector of a text."""
        return encoder.layer_number(self._layer), encoder.pooling_name(self.embedding.pooling)

    @property
    def _layer(self) -> int | str:
        return self.embedding.layer  # type: ignore[return-value]  # one, checked by the encoder

    def fit(self, encoder: Encoder, data: TrainingData, seed: int = 0) -> "FittedLinearHead":
        """Fit one head for each strength, and keep the best one on the dev split.

        Raises:
            ConfigError: scikit-learn is not installed.
        """
        vectors, seen = self.vectors(encoder, data.train)
        labels = [label for item in data.train for label in item.labels]
        seen_labels = np.array(labels)[seen]
        fitted = FittedLinearHead(self, encoder, data.usual)
        if not data.dev:
            strength = WITHOUT_DEV if WITHOUT_DEV in self.strengths else self.strengths[0]
            fitted.pipeline = self._fitted(vectors[seen], seen_labels, strength)
            fitted.strength = strength
            return fitted
        dev_vectors, dev_seen = self.vectors(encoder, data.dev)
        for strength in sorted(self.strengths):
            pipeline = self._fitted(vectors[seen], seen_labels, strength)
            predicted = _labels(pipeline, dev_vectors, dev_seen, usual=data.usual)
            score = data.dev_score(by_item(predicted, data.dev))
            # of equal ones, the first: the strongest penalty
            if fitted.dev_score is None or score > fitted.dev_score:
                fitted.pipeline, fitted.strength = pipeline, strength
                fitted.dev_score = score
        return fitted

    def vectors(self, encoder: Encoder, items: Items) -> tuple[np.ndarray, np.ndarray]:
        """(U, H) vectors of length 1, one for each label, and (U,) bool: words without a subword
        have none.
        """
        embedding = self.embedding
        limits: dict[str, Any] = {
            "layer": self._layer,
            "max_length": embedding.max_length,
            "batch_tokens": embedding.batch_tokens,
        }
        if are_sentences(items):
            words = [item.words for item in items]  # type: ignore[attr-defined]
            vectors, seen = embed_words(encoder, words, **limits)
        else:
            texts = [item.text for item in items]
            vectors = embed(encoder, texts, pooling=embedding.pooling, **limits)
            seen = np.ones(len(items), bool)
        return normalize(vectors), seen

    def _fitted(self, vectors: np.ndarray, labels: np.ndarray, strength: float) -> Any:
        try:
            from sklearn.linear_model import LogisticRegression
            from sklearn.pipeline import make_pipeline
            from sklearn.preprocessing import StandardScaler
        except ImportError as error:
            raise ConfigError(
                "head=linear",
                "scikit-learn is not installed",
                "Install it: pip install -e '.[transfer]' in a checkout, or use head=finetune",
                code="TLN-CONFIG-652",
            ) from error
        regression = LogisticRegression(C=strength, max_iter=self.max_iter)
        return make_pipeline(StandardScaler(), regression).fit(vectors, labels)


@dataclass
class FittedLinearHead:
    """A fitted linear head.

    Args:
        head: how it was trained.
        encoder: makes the vectors.
        usual: the label of words that the encoder does not see.
        pipeline: scikit-learn's standardization and regression, fitted.
        strength: inverse strength of the L2 penalty.
        dev_score: on the dev split; None where there was none.
    """

    head: LinearHead
    encoder: Encoder
    usual: str
    pipeline: Any = None
    strength: float = WITHOUT_DEV
    dev_score: float | None = None

    @property
    def max_length(self) -> int | None:
        """Tokens; None: as the checkpoint says."""
        return self.head.embedding.max_length

    @property
    def selected(self) -> dict[str, Any]:
        """The strength, and its score on the dev split."""
        return {"strength": self.strength, "dev_score": self.dev_score}

    def predict(self, items: Items) -> list[list[str]]:
        """The labels of each item."""
        vectors, seen = self.head.vectors(self.encoder, items)
        return by_item(_labels(self.pipeline, vectors, seen, usual=self.usual), items)


def _labels(pipeline: Any, vectors: np.ndarray, seen: np.ndarray, usual: str) -> list[str]:
    """U labels; the usual one where there is no vector."""
    labels = np.full(len(vectors), usual, dtype=object)
    if seen.any():
        labels[seen] = pipeline.predict(vectors[seen])
    return [str(label) for label in labels]
