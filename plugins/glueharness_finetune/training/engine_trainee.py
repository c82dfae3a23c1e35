"""A model that an engine of another plugin computes, for the training loop.

Shapes: b = rows of a step, n = rows of the split, k = outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glueharness_finetune.training.trainee import seed_of, too_little_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from glueharness import EncoderEngine, FloatArray
    from glueharness.specs.engine import Arrays
    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.tokens.tokenize import Encoded

_SCORED_ROWS = 1024


class EngineTrainee:
    """Trains a model with an engine.

    Args:
        engine: The engine, with the weights to begin with.
        train: The training rows.
        targets: Label numbers, or scores for a regression: float32 ``[n]``.
        rates: Learning rate of each step.
        settings: The settings.
        seed: Seed of dropout.
    """

    on_gpu = False

    def __init__(  # noqa: PLR0913 - what a training step consists of
        self,
        *,
        engine: EncoderEngine,
        train: Encoded,
        targets: npt.NDArray[np.float32],
        rates: Sequence[float],
        settings: FinetuneSettings,
        seed: int,
    ) -> None:
        from glueharness.specs import Schedule

        self.engine, self.train, self.targets = engine, train, targets
        self.settings, self.seed = settings, seed
        engine.train_with(
            Schedule(
                rates=rates,
                weight_decay=settings.weight_decay,
                max_norm=settings.max_grad_norm,
                layer_decay=settings.layerwise_lr_decay,
                betas=settings.betas,
                epsilon=settings.adam_epsilon,
            )
        )

    def inputs(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """The rows' targets."""
        return self.targets[rows]

    def step(
        self, rows: npt.NDArray[np.int64], inputs: npt.NDArray[np.float32], number: int
    ) -> float:
        """One optimiser step over all of these rows; returns their mean loss."""
        try:
            return self.engine.step(self.train, rows, inputs, seed_of(self.seed, number))
        except MemoryError as error:
            raise too_little_memory(self.settings, number, len(rows)) from error

    def scores(self, encoded: Encoded, advance: Callable[[int], None] | None = None) -> FloatArray:
        """Scores of every row."""
        return scores_of(self.engine, encoded, advance)

    def flush(self) -> None:
        """Bring every weight up to date."""
        self.engine.flush()

    def weights(self) -> Arrays:
        """The weights by name."""
        return self.engine.weights

    def copy(self) -> Arrays:
        """The weights by name, out of reach of further training."""
        return {name: values.copy() for name, values in self.engine.weights.items()}

    def load(self, weights: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Put weights in the place of the present ones.

        Raises:
            KeyError: One is missing.
        """
        for name, values in self.engine.weights.items():
            values[...] = weights[name]
        self.engine.changed()

    def state(self) -> Arrays:
        """The optimiser's state by name."""
        return self.engine.state()

    def restore(self, state: Arrays) -> None:
        """Become what :meth:`state` told."""
        self.engine.restore(state)

    def finish(self) -> None:
        """Leave the model ready for anything but a step."""


def scores_of(
    engine: EncoderEngine, encoded: Encoded, advance: Callable[[int], None] | None = None
) -> FloatArray:
    """Scores of every row: float32 ``[n, k]``, ``[n]`` where there is one output.

    Args:
        engine: The engine, its weights up to date.
        encoded: The rows.
        advance: Told how many rows are done; it may raise to stop.
    """
    order = np.argsort(encoded.lengths, kind="stable")[::-1]  # the heaviest first
    pieces = []
    for start in range(0, max(1, len(order)), _SCORED_ROWS):
        rows = order[start : start + _SCORED_ROWS]
        pieces.append(engine.logits(encoded, rows))
        if advance is not None:
            advance(min(start + _SCORED_ROWS, len(order)))
    logits = np.concatenate(pieces)
    found = np.empty_like(logits)
    found[order] = logits
    return found[:, 0] if found.shape[1] == 1 else found
