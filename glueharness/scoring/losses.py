"""The mean loss of a model's scores: what training lowers, for rows that it does not see.

Shapes: n = rows, k = labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueharness.errors import ModelError
from glueharness.record.computation import LARGEST_NUMBER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.record.score_kind import ScoreKind
    from glueharness.specs import FloatArray, TaskSpec

_CLOSE = 1e-3


def mean_loss(
    scores: FloatArray, references: Sequence[Any], task: TaskSpec, kind: ScoreKind
) -> float | None:
    """Cross-entropy in nats, or the squared error of a regression, as training computes it.

    Args:
        scores: Checked scores, ``[n, k]``, or ``[n]`` for a regression.
        references: The true label names or values; length n.
        task: The task.
        kind: What the scores are.

    Returns:
        The mean over the rows; None where there is no such loss: of margins, of scores of a kind
        that is not known, of labels that the task does not have, or beyond all measure.

    Raises:
        ModelError: Scores that are said to be probabilities are none.
    """
    import numpy as np

    if task.regression:
        errors = scores.astype(np.float64) - np.asarray(references, dtype=np.float64)
        loss = float(np.mean(errors**2)) if len(errors) else 0.0
        return loss if loss <= LARGEST_NUMBER else None
    positions = {label: position for position, label in enumerate(task.labels)}
    if kind not in {"logits", "probabilities"} or not set(references) <= set(positions):
        return None
    values = scores.astype(np.float64)  # [n, k]
    chosen = np.array([positions[label] for label in references], dtype=np.int64)
    true = values[np.arange(len(values)), chosen]  # [n]
    if kind == "logits":
        highest = values.max(axis=1)
        rest = np.log(np.exp(values - highest[:, None]).sum(axis=1))
        losses = highest + rest - true
    else:
        _check_probabilities(values)
        # A probability of 0 for what is true would make the mean infinite.
        losses = -np.log(np.clip(true, np.finfo(np.float32).eps, 1.0))
    loss = float(losses.mean())
    return loss if loss <= LARGEST_NUMBER else None


def _check_probabilities(values: Any) -> None:
    """Refuse scores that no probabilities are, where the model says that they are.

    Raises:
        ModelError: It names the first row.
    """
    wrong = (values < -_CLOSE).any(axis=1) | (abs(values.sum(axis=1) - 1) > _CLOSE)
    if wrong.any():
        row = int(wrong.argmax())
        raise ModelError(
            f"the model says that its scores are probabilities, and those of row {row} are "
            f"{', '.join(f'{value:.4g}' for value in values[row])}",
            remedy="Report it to the author of its plugin: score_kind in its ModelSpec must be "
            "what predict() gives.",
        )
