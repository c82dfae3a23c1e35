"""Made-up models whose true scores are known, to try the statistics on.

Whether a run is right on a row depends on the row, on model and row, on seed and row, and on the
seed; each part is a normal value with a standard deviation of its own.

Shapes: m = runs of a model, n = rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A dev split and models that are judged on it by accuracy.

    Attributes:
        rows: Rows of the dev split.
        accuracy: True accuracy of the first model, a fraction.
        model: Standard deviation of model × row, where that of the rows is 1.
        interaction: That of seed × row.
        seed: That of the seed itself.
    """

    rows: int
    accuracy: float
    model: float = 0.3
    interaction: float = 0.3
    seed: float = 0.0

    def draw(
        self, generator: np.random.Generator, runs: Sequence[int], shifts: Sequence[float]
    ) -> list[Floats]:
        """Right (1) or wrong (0) on every row: ``[m, n]`` for each model.

        Args:
            generator: Source of the dice.
            runs: Seeds of each model.
            shifts: How much more accurate each model is than the first, fractions.
        """
        normal = _normal(generator)
        rows = normal(self.rows)
        total = math.sqrt(1 + self.model**2 + self.interaction**2 + self.seed**2)
        found = []
        for count, shift in zip(runs, shifts, strict=True):
            hardness = (
                rows
                + self.model * normal(self.rows)
                + self.interaction * normal(count, self.rows)
                + self.seed * normal(count, 1)
            )
            limit = special.ndtri(self.accuracy + shift) * total
            found.append((hardness < limit).astype(np.float64))
        return found


@dataclass(frozen=True, slots=True)
class Labels:
    """Two labels, decided by a threshold.

    Attributes:
        rows: Rows of the dev split.
        positive: Share of the rows with label 1.
        strength: How far apart the models hold the two labels.
        threshold: From which value they say 1.
    """

    rows: int
    positive: float
    strength: float
    threshold: float


COLA = Labels(1043, 0.69, 1.7, -0.1)
MRPC = Labels(408, 0.684, 2.2, 0.1)
NEARLY_CONSTANT = Labels(1043, 0.69, 0.25, -2.15)


def labels(
    generator: np.random.Generator, world: Labels, runs: Sequence[int], seed: float, gain: float
) -> tuple[Floats, list[Floats]]:
    """Truth ``[n]`` and predictions ``[m, n]`` of each model, ids 0 and 1.

    Args:
        generator: Source of the dice.
        world: The task.
        runs: Seeds of each model.
        seed: Standard deviation of the seed.
        gain: How much stronger the first model is than the others.
    """
    normal = _normal(generator)
    truth = (generator.random(world.rows) < world.positive).astype(np.float64)
    rows = 0.8 * normal(world.rows)
    found = []
    for place, count in enumerate(runs):
        strength = world.strength + gain * (place == 0)
        mean = strength * truth + rows + 0.3 * normal(world.rows)
        value = mean + 0.4 * normal(count, world.rows) + seed * normal(count, 1)
        found.append((value > world.threshold).astype(np.float64))
    return truth, found


def similarities(
    generator: np.random.Generator, runs: Sequence[int], seed: float, gain: float
) -> tuple[Floats, list[Floats]]:
    """STS-B: truth and noisy copies of it on 1,500 rows, as in :func:`labels`."""
    normal = _normal(generator)
    rows = 1500
    truth = np.round(generator.random(rows) * 25) / 5
    shared = 0.6 * normal(rows)
    found = []
    for place, count in enumerate(runs):
        noise = shared + 0.25 * normal(rows) + 0.35 * normal(count, rows)
        scale = np.exp(seed * normal(count, 1)) * (1 - gain * (place == 0))
        found.append(np.clip(truth + scale * noise, 0, 5))
    return truth, found


def _normal(generator: np.random.Generator) -> Any:
    def draw(*shape: int) -> Any:
        return generator.standard_normal(shape, dtype=np.float32)

    return draw
