"""What training minimises: cross-entropy over labels, squared error over scores.

Shapes: b = rows of a batch, n = rows of the split, k = outputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from glueharness import TaskSpec
    from glueharness_finetune.settings import FinetuneSettings

_BALANCED = "balanced"
_SMALLEST, _LARGEST = 1e-30, 1e30
"""Weights are computed with in single precision, and rows of one label alone are divided by
theirs: beyond these that would be infinite, or no number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The mean loss of rows, that of ``torch.nn.CrossEntropyLoss`` or ``torch.nn.MSELoss``.

    Attributes:
        smoothing: Share of each label that is spread evenly over all labels.
        weights: Weight of each label, ``[k]`` in float32; None: all are equal.
    """

    smoothing: float = 0.0
    weights: torch.Tensor | None = None

    def __call__(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean loss of a batch: logits ``[b, k]``, label numbers or scores ``[b]``."""
        from torch.nn import functional

        if targets.is_floating_point():
            return functional.mse_loss(logits[:, 0], targets)
        weights = None if self.weights is None else self.weights.to(logits.device)
        return functional.cross_entropy(
            logits, targets, weight=weights, label_smoothing=self.smoothing
        )

    def weight_of(self, targets: torch.Tensor) -> float:
        """How much rows count together in a mean: their number, or the sum of their weights."""
        return len(targets) if self.weights is None else float(self.weights[targets].sum())


def make_loss(settings: FinetuneSettings, task: TaskSpec, targets: torch.Tensor) -> Loss:
    """The loss that the settings ask for.

    Args:
        settings: The settings.
        task: Its labels have the weights.
        targets: Label numbers or scores of all training rows, ``[n]``.
    """
    import torch

    given = weights_by_label(settings, task)
    if settings.class_weights is None:
        return Loss(smoothing=settings.label_smoothing)
    values = [given[label] for label in task.labels] if given else balanced(task, targets)
    return Loss(smoothing=settings.label_smoothing, weights=torch.tensor(values))


def balanced(task: TaskSpec, targets: torch.Tensor) -> list[float]:
    """Weights with which each label's rows count as much together; 0 for a label without rows."""
    import numpy as np
    from sklearn.utils.class_weight import compute_class_weight

    present = np.unique(targets.numpy())
    found = compute_class_weight(_BALANCED, classes=present, y=targets.numpy())
    by_number = dict(zip(present.tolist(), found.tolist(), strict=True))
    return [float(by_number.get(number, 0.0)) for number in range(len(task.labels))]


def weights_by_label(settings: FinetuneSettings, task: TaskSpec) -> Mapping[str, float]:
    """The weights that the user gives labels by name; none if they are to be balanced.

    Raises:
        ConfigError: They do not fit the task: it has no labels, or others.
    """
    asked = settings.class_weights
    for flag, given in (
        ("--label-smoothing", settings.label_smoothing),
        ("--class-weights", asked),
    ):
        if given and task.regression:
            raise ConfigError(f"{flag} is about labels, and {task.name} has scores")
    if asked is None or asked == _BALANCED:
        return {}
    found: dict[str, float] = {}
    for part in asked.split(","):
        label, _, weight = part.rpartition("=")
        if label.strip() in found:
            raise ConfigError(f"--class-weights {asked} names {label.strip()!r} twice")
        found[label.strip()] = _weight(weight)
    wrong = sorted(set(found) ^ set(task.labels))
    if wrong or not all(_SMALLEST < each < _LARGEST for each in found.values()):
        example = ",".join(f"{label}=1" for label in task.labels)
        raise ConfigError(
            f"--class-weights {asked} must give each label of {task.name} a weight above 0"
            f", between {_SMALLEST:g} and {_LARGEST:g}",
            remedy=f"For instance {example}; or {_BALANCED}, by the number of rows of each label.",
        )
    return found


def _weight(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return math.nan
