"""The linear head: a logistic regression on frozen sentence vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from transliconet.errors import ConfigError
from transliconet.model.vectors import normalize

STRENGTHS = (0.01, 0.1, 1.0, 10.0)
"""Inverse strengths of the L2 penalty that the dev split chooses from, C in scikit-learn."""


@dataclass(frozen=True)
class LinearHead:
    """A multinomial logistic regression. Its inputs are vectors of length 1, standardized dimension
    by dimension.

    Args:
        pipeline: scikit-learn's standardization and regression, fitted.
        strength: inverse strength of the L2 penalty.
        dev_accuracy: accuracy on the dev split; None where there was none.
    """

    pipeline: Any
    strength: float
    dev_accuracy: float | None = None

    @classmethod
    def fit(
        cls,
        vectors: np.ndarray,
        labels: Sequence[str],
        dev: tuple[np.ndarray, Sequence[str]] | None = None,
    ) -> "LinearHead":
        """Fit one head for each strength, and keep the best one on the dev split.

        Args:
            vectors: (N, H).
            labels: N classes.
            dev: vectors (M, H) and M classes to select by; None takes strength 1.

        Raises:
            ConfigError: scikit-learn is not installed.
        """
        inputs = normalize(vectors)
        if dev is None:
            return cls(_fitted(inputs, labels, 1.0), 1.0)
        dev_inputs, dev_labels = normalize(dev[0]), dev[1]
        heads = []
        for strength in STRENGTHS:
            pipeline = _fitted(inputs, labels, strength)
            heads.append(cls(pipeline, strength, float(pipeline.score(dev_inputs, dev_labels))))
        # of equal ones, the first: the strongest penalty
        return max(heads, key=lambda head: head.dev_accuracy or 0.0)

    def predict(self, vectors: np.ndarray) -> list[str]:
        """The classes of (N, H) vectors."""
        return [str(label) for label in self.pipeline.predict(normalize(vectors))]


def _fitted(inputs: np.ndarray, labels: Sequence[str], strength: float) -> Any:
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        raise ConfigError(
            "head=linear",
            "scikit-learn is not installed",
            "Install it: pip install 'transliconet[transfer]'",
            code="TLN-CONFIG-652",
        ) from error
    regression = LogisticRegression(C=strength, max_iter=2000)
    return make_pipeline(StandardScaler(), regression).fit(inputs, labels)
