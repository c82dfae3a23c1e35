"""A model of transformers and its optimiser, for the training loop.

Shapes: b = rows of a batch, s = padded length, k = outputs, n = rows of the split.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from glueharness_finetune.runtime import ran_out
from glueharness_finetune.tokens.batches import collate, together
from glueharness_finetune.training.trainee import seed_of, too_little_memory
from glueharness_finetune.training.weights import copy_of, load_weights, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    import torch

    from glueharness import FitContext, FloatArray
    from glueharness_finetune.predictor import Predictor
    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.tokens.tokenize import Encoded
    from glueharness_finetune.training.optimiser import Optimiser

    Batch = tuple[dict[str, torch.Tensor], torch.Tensor]


class TorchTrainee:
    """Trains a model of transformers with PyTorch.

    Args:
        predictor: The model on its device, and how it is computed.
        optimiser: Moves its weights.
        train: The training rows.
        targets: Label numbers int64 ``[n]``, or scores float32 ``[n]`` for a regression.
        settings: The settings.
        seed: Seed of dropout.
        context: Hears of it where memory is short.
    """

    def __init__(  # noqa: PLR0913 - what a training step consists of
        self,
        *,
        predictor: Predictor,
        optimiser: Optimiser,
        train: Encoded,
        targets: torch.Tensor,
        settings: FinetuneSettings,
        seed: int,
        context: FitContext,
    ) -> None:
        self.model, self.predictor, self.optimiser = predictor.model, predictor, optimiser
        self.train, self.targets = train, targets
        self.settings, self.seed, self.context = settings, seed, context
        self.rows_at_once = settings.batch_size
        self.model.train()

    @property
    def on_gpu(self) -> bool:
        """Whether a GPU computes."""
        return self.predictor.runtime.on_gpu

    def inputs(self, rows: npt.NDArray[np.int64]) -> Sequence[Batch]:
        """The rows as batches of inputs ``[b, s]`` and targets ``[b]``."""
        return list(self._batches(rows))

    def step(
        self, rows: npt.NDArray[np.int64], inputs: Sequence[Batch], number: int
    ) -> torch.Tensor:
        """Compute the gradient of the rows' mean loss and move the weights; returns that loss."""
        loss = self._gradient(rows, inputs, number)
        self.optimiser.step(number)
        return loss

    def scores(self, encoded: Encoded, advance: Callable[[int], None] | None = None) -> FloatArray:
        """Scores of every row."""
        return self.predictor.scores(encoded, advance)

    def flush(self) -> None:
        """Bring every weight up to date."""
        self.optimiser.flush()

    def weights(self) -> Mapping[str, torch.Tensor]:
        """The weights by name."""
        return weights_of(self.model)

    def copy(self) -> Mapping[str, torch.Tensor]:
        """The weights by name, in main memory."""
        return copy_of(weights_of(self.model))

    def load(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Put weights in the place of the present ones."""
        load_weights(self.model, weights)

    def state(self) -> Mapping[str, torch.Tensor]:
        """The optimiser's state by name."""
        return self.optimiser.tensors()

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Become what :meth:`state` told."""
        self.optimiser.restore(state)

    def finish(self) -> None:
        """Leave the model as it was given."""
        self.optimiser.release()

    def _batches(self, rows: npt.NDArray[np.int64]) -> Iterator[Batch]:
        padding = self.predictor.padding
        for part in together(rows, self.train.lengths, padding, self.rows_at_once):
            inputs = collate(self.train, part, padding)
            targets = self.targets[part]
            if self.on_gpu:
                inputs = {name: value.pin_memory() for name, value in inputs.items()}
                targets = targets.pin_memory()
            yield inputs, targets

    def _gradient(
        self, rows: npt.NDArray[np.int64], batches: Sequence[Batch], number: int
    ) -> torch.Tensor:
        """Add up the gradient of the mean loss over a step's rows; returns that loss."""
        import torch

        runtime = self.predictor.runtime
        while True:
            # A step's random numbers follow from seed and step alone: a resumed run draws the same.
            runtime.draw_from(seed_of(self.seed, number))
            total = torch.zeros((), device=runtime.device)
            try:
                for inputs, targets in batches:
                    placed = {n: v.to(runtime.device, non_blocking=True) for n, v in inputs.items()}
                    wanted = targets.to(runtime.device, non_blocking=True)  # [b]
                    with runtime.autocast():
                        logits = self.model(**placed).logits  # [b, k]
                    loss = _loss(logits.float(), wanted) * (len(targets) / len(rows))
                    torch.autograd.backward(loss)
                    total += loss.detach()
            except (RuntimeError, MemoryError) as error:
                self.optimiser.forget_gradients()
                self._make_room(error, number)
                batches = self.inputs(rows)
            else:
                return total

    def _make_room(self, error: RuntimeError | MemoryError, number: int) -> None:
        """After memory ran out: halve the rows at once if that is wanted, else say what to lower.

        Raises:
            ModelError: Memory ran out, and nothing is left to halve.
            RuntimeError: It was another error.
        """
        import torch

        if not ran_out(error):
            raise error
        if self.settings.auto_batch and self.rows_at_once > 1:
            self.rows_at_once = math.ceil(self.rows_at_once / 2)
            if self.on_gpu:
                torch.cuda.empty_cache()
            self.context.note("rows_at_once", self.rows_at_once)
            self.context.warn(
                f"The GPU ran out of memory: {self.rows_at_once} rows go through the model at "
                f"once from here on; a step still has {self.settings.rows_a_step}."
            )
            return
        raise too_little_memory(self.settings, number, self.rows_at_once) from error


def _loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean loss of a batch: cross-entropy for label numbers, squared error for scores."""
    from torch.nn import functional

    if targets.is_floating_point():
        return functional.mse_loss(logits[:, 0], targets)
    return functional.cross_entropy(logits, targets)
