"""Complement naive Bayes on hashed words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import hstack
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.naive_bayes import ComplementNB

from glueharness import LABEL_COLUMN, ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glueharness import FitContext, FloatArray, Split, TaskSpec
    from glueharness_naive_bayes import NaiveBayesSettings

_FILE = "naive_bayes.npz"


class NaiveBayes:
    """A bag of hashed words per text column, and one weight per label and feature.

    Args:
        task: The task; it must have labels.
        settings: Smoothing and number of features.

    Raises:
        ModelError: The task is a regression.
    """

    def __init__(self, task: TaskSpec, settings: NaiveBayesSettings) -> None:
        if task.regression:
            raise ModelError(
                f"naive-bayes predicts labels; {task.name} asks for a number",
                remedy="Use tfidf, which does both.",
            )
        self.task = task
        self.settings = settings
        self._weights: Any = None  # [k, f], in the order of the task's labels
        self._vectorizer = HashingVectorizer(
            n_features=2**settings.hash_bits, alternate_sign=False, norm=None
        )

    def fit(self, train: Split, dev: Mapping[str, Split], context: FitContext) -> None:
        """Count the words of each label."""
        solver = ComplementNB(alpha=self.settings.smoothing)
        solver.fit(self._features(train), list(train[LABEL_COLUMN]))
        # scikit-learn sorts the labels; the columns must be in the task's order.
        order = {str(label): position for position, label in enumerate(solver.classes_)}
        missing = [label for label in self.task.labels if label not in order]
        if missing:
            raise ModelError(f"no training row is labelled {', '.join(missing)}")
        rows = [order[label] for label in self.task.labels]
        self._weights = solver.feature_log_prob_[rows].astype(np.float32)
        scores = {name: self.predict(split) for name, split in dev.items()}
        context.epoch(1, context.score(scores), {})

    def predict(self, split: Split) -> FloatArray:
        """Log-probabilities up to a constant, ``[n, k]``."""
        if len(split) == 0:
            return np.zeros((0, len(self.task.labels)), dtype=np.float32)
        return np.asarray(self._features(split) @ self._weights.T, dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write the weights; hashing needs no vocabulary."""
        np.savez(folder / _FILE, weights=self._weights)

    def load(self, folder: Path) -> None:
        """Read the weights.

        Raises:
            ModelError: They are missing or damaged.
        """
        try:
            with np.load(folder / _FILE, allow_pickle=False) as arrays:
                self._weights = arrays["weights"]
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"the model cannot be read: {error}", where=str(folder)) from error

    def _features(self, split: Split) -> Any:
        parts = [self._vectorizer.transform(list(split[name])) for name in self.task.columns]
        return hstack(parts, format="csr")
