"""GLUE's metrics as ``evaluate`` modules. Nothing is fetched and nothing is written.

Imported only when a run scores, since ``evaluate`` brings ``datasets`` with it. Labels are
names. Definitions: scikit-learn's ``accuracy_score``, ``f1_score`` and ``matthews_corrcoef``, and
SciPy's ``pearsonr`` and ``spearmanr``, with 0 where those are undefined.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Vector = npt.NDArray[np.float64]


def _load_base() -> tuple[Any, Any]:
    """``evaluate.Metric`` and ``evaluate.MetricInfo`` without the rest of ``evaluate``.

    Importing the package imports torch and all of transformers' pipelines for evaluators that
    are of no use here: four seconds and more, and too much for a model without torch. So its two
    modules are imported below an empty package, which is then taken away again; a later ``import
    evaluate`` finds them and builds on the same classes.
    """
    found = importlib.util.find_spec("evaluate") if "evaluate" not in sys.modules else None
    if found is not None:
        sys.modules["evaluate"] = importlib.util.module_from_spec(found)
    try:
        module = importlib.import_module("evaluate.module")
        info = importlib.import_module("evaluate.info")
    finally:
        if found is not None:
            del sys.modules["evaluate"]
    return module.Metric, info.MetricInfo


if TYPE_CHECKING:
    from evaluate import Metric as _Metric
    from evaluate import MetricInfo as _MetricInfo
else:
    _Metric, _MetricInfo = _load_base()


class GlueMetric(_Metric):  # type: ignore[misc]  # evaluate has no type information
    """A metric that keeps everything in memory.

    Attributes:
        key: Name of the metric, the key of the result.
        kind: Type of one prediction: ``"string"`` for a label name, or ``"float64"``.
        citation_text: Where it is defined.
    """

    key = ""
    kind = "string"
    citation_text = ""

    def __init__(self) -> None:
        super().__init__(keep_in_memory=True)

    def _info(self) -> Any:
        from datasets import Features, Value

        return _MetricInfo(
            description=(type(self).__doc__ or "").strip(),
            citation=self.citation_text,
            inputs_description="",
            features=Features({"predictions": Value(self.kind), "references": Value(self.kind)}),
        )

    def _build_data_dir(self) -> str:
        # The original makes a folder in the home directory, which may not be writable.
        return str(self._data_dir_root)

    def _compute(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        return {self.key: self.score(predictions, references)}

    def score(self, predictions: Sequence[Any], references: Sequence[Any]) -> float:
        """The metric of n predictions and their n references, n at least 1."""
        raise NotImplementedError


class Accuracy(GlueMetric):
    """The share of equal labels, a fraction in [0, 1]."""

    key = "accuracy"

    def score(self, predictions: Sequence[Any], references: Sequence[Any]) -> float:
        """Count equal labels."""
        return _equal(predictions, references) / len(references)


class BinaryF1(GlueMetric):
    """F1 of one label, in [0, 1]; 0 if it is neither predicted nor there.

    Args:
        positive: Name of the label whose F1 it is.
    """

    key = "f1"

    def __init__(self, positive: str) -> None:
        self.positive = positive
        super().__init__()

    def score(self, predictions: Sequence[Any], references: Sequence[Any]) -> float:
        """``2 TP / (2 TP + FP + FN)``."""
        predicted = sum(label == self.positive for label in predictions)
        true = sum(label == self.positive for label in references)
        both = sum(
            label == self.positive == other
            for label, other in zip(predictions, references, strict=True)
        )
        return 2 * both / (predicted + true) if predicted + true else 0.0


class MatthewsCorrelation(GlueMetric):
    """Matthews correlation of any number of labels, in [-1, 1]; 0 if either side is constant."""

    key = "matthews_correlation"
    citation_text = "Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006 (more than two labels)"

    def score(self, predictions: Sequence[Any], references: Sequence[Any]) -> float:
        """Gorodkin's R_K, which for two labels is Matthews' phi."""
        rows = len(references)
        predicted = _counts(predictions)
        true = _counts(references)
        # Whole numbers throughout: no rounding, however many the rows.
        together = sum(predicted[label] * true.get(label, 0) for label in predicted)
        covariance = rows * _equal(predictions, references) - together
        spread_predicted = rows**2 - sum(count**2 for count in predicted.values())
        spread_true = rows**2 - sum(count**2 for count in true.values())
        if not spread_predicted or not spread_true:
            return 0.0
        return float(covariance / (float(spread_predicted) * float(spread_true)) ** 0.5)


class Pearson(GlueMetric):
    """Pearson correlation of scores, in [-1, 1]; 0 if either side is constant."""

    key = "pearson"
    kind = "float64"

    def score(self, predictions: Sequence[Any], references: Sequence[Any]) -> float:
        """Covariance over the product of standard deviations."""
        return _correlation(np.asarray(predictions, float), np.asarray(references, float))


class Spearman(GlueMetric):
    """Spearman rank correlation, ties at their average rank; 0 if either side is constant."""

    key = "spearman"
    kind = "float64"

    def score(self, predictions: Sequence[Any], references: Sequence[Any]) -> float:
        """Pearson correlation of the ranks."""
        ranks = [_ranks(np.asarray(values, float)) for values in (predictions, references)]
        return _correlation(ranks[0], ranks[1])


def _equal(predictions: Sequence[Any], references: Sequence[Any]) -> int:
    return sum(a == b for a, b in zip(predictions, references, strict=True))


def _counts(labels: Sequence[str]) -> dict[str, int]:
    names, counts = np.unique(np.asarray(labels, dtype=object).astype(str), return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _correlation(first: Vector, second: Vector) -> float:
    # Equal ends, not a standard deviation of zero: rounding may leave a constant a tiny one.
    if first.min() == first.max() or second.min() == second.max():
        return 0.0
    first, second = first - first.mean(), second - second.mean()
    first, second = first / np.abs(first).max(), second / np.abs(second).max()
    value = float(first @ second / np.sqrt((first @ first) * (second @ second)))
    return max(-1.0, min(1.0, value))


def _ranks(values: Vector) -> Vector:
    """Ranks from 1, ties at their average."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    average: Vector = last - (counts - 1) / 2
    return average[inverse]
