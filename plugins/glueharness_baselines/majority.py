"""The majority class: the simplest model, and the shortest example of how to write one."""

from __future__ import annotations

import json
from collections import Counter
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from glueharness import LABEL_COLUMN, ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glueharness import FitContext, FloatArray, Split, TaskSpec


class Majority:
    """Predicts the most frequent label of the training data for every row, or the mean score."""

    def __init__(self, task: TaskSpec) -> None:
        self.scores = np.zeros(task.num_outputs, dtype=np.float32)
        self.task = task

    def fit(self, train: Split, dev: Mapping[str, Split], context: FitContext) -> None:  # noqa: ARG002
        """Count the labels; the scores are their shares."""
        if self.task.regression:
            self.scores[0] = fmean(train[LABEL_COLUMN])
        else:
            counts = Counter(train[LABEL_COLUMN])
            self.scores[:] = [counts[label] / len(train) for label in self.task.labels]

    def predict(self, split: Split) -> FloatArray:
        """The same scores for every row."""
        rows = np.tile(self.scores, (len(split), 1))
        return rows[:, 0] if self.task.regression else rows

    def save(self, folder: Path) -> None:
        """Write the scores by label name."""
        names = self.task.labels or ("mean",)
        values = dict(zip(names, self.scores.tolist(), strict=True))
        (folder / "majority.json").write_text(json.dumps(values), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Read the scores.

        Raises:
            ModelError: They are missing or damaged.
        """
        try:
            values = json.loads((folder / "majority.json").read_text(encoding="utf-8"))
            self.scores[:] = [values[name] for name in self.task.labels or ("mean",)]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"the model cannot be read: {error}", where=str(folder)) from error
