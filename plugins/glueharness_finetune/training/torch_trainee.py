"""A model of transformers and its optimiser, for the training loop.

Shapes: b = rows of a batch, c = choices a row (1 if a task has none), s = padded length,
k = outputs a sequence, n = rows of the split.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness import ModelError
from glueharness_finetune.runtime import FP16, ran_out
from glueharness_finetune.tokens.batches import collate, together
from glueharness_finetune.training.loss_scale import LossScale
from glueharness_finetune.training.trainee import seed_of, too_little_memory
from glueharness_finetune.training.weights import copy_of, load_weights, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy.typing as npt
    import torch
    from transformers import PreTrainedModel

    from glueharness import FloatArray, Notes
    from glueharness_finetune.predictor import Predictor
    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.tokens.tokenize import Encoded
    from glueharness_finetune.training.lora import Lora
    from glueharness_finetune.training.loss import Loss
    from glueharness_finetune.training.optimiser import Optimiser


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows that get their gradient together.

    Attributes:
        inputs: What goes through the model at once, ``[*, s]`` each: all of the rows' sequences, or
            those of one length after the other where rows cannot be padded.
        order: Where each sequence is among those of all inputs, ``[b * c]``; None: in its place.
        targets: Label numbers or scores, ``[b]``.
    """

    inputs: Sequence[Mapping[str, torch.Tensor]]
    order: torch.Tensor | None
    targets: torch.Tensor


class TorchTrainee:
    """Trains a model of transformers with PyTorch.

    Args:
        predictor: The model on its device, and how it is computed.
        optimiser: Moves its weights.
        train: The training rows.
        targets: Label numbers int64 ``[n]``, or scores float32 ``[n]`` for a regression.
        loss: What is to become small.
        settings: The settings.
        seed: Seed of dropout.
        context: Hears of it where memory is short.
        lora: The model's adapters; None if it learns whole.
        rank: Which of several processes that train together this is.
    """

    def __init__(  # noqa: PLR0913 - what a training step consists of
        self,
        *,
        predictor: Predictor,
        optimiser: Optimiser,
        train: Encoded,
        targets: torch.Tensor,
        loss: Loss,
        settings: FinetuneSettings,
        seed: int,
        context: Notes,
        lora: Lora | None = None,
        rank: int = 0,
    ) -> None:
        self.model, self.predictor, self.optimiser = predictor.model, predictor, optimiser
        self.train, self.targets, self.loss = train, targets, loss
        self.settings, self.seed, self.context, self.lora = settings, seed, context, lora
        self.rank = rank
        self.rows_at_once = settings.batch_size
        runtime = predictor.runtime
        self.loss_scale = (
            LossScale(self.model, optimiser, runtime.device.type)
            if runtime.precision == FP16
            else None
        )
        if settings.gradient_checkpointing:
            _recompute(self.model)
        self.model.train()

    @property
    def on_gpu(self) -> bool:
        """Whether a GPU computes."""
        return self.predictor.runtime.on_gpu

    def inputs(self, rows: npt.NDArray[np.int64]) -> Sequence[Batch]:
        """The rows as batches of inputs and targets."""
        return list(self._batches(rows))

    def step(
        self, rows: npt.NDArray[np.int64], inputs: Sequence[Batch], number: int
    ) -> torch.Tensor:
        """Compute the gradient of the rows' mean loss and move the weights; returns that loss."""
        loss = self.gradient(rows, inputs, number, self.weight_of(rows))
        self.move(number)
        return loss

    def weight_of(self, rows: npt.NDArray[np.int64]) -> float:
        """How much rows count together in a mean."""
        return self.loss.weight_of(self.targets[rows])

    def move(self, number: int) -> None:
        """Move the weights by the gradient that is there."""
        if self.loss_scale is None:
            self.optimiser.step(number)
        else:
            self.loss_scale.step_with(number)

    def scores(self, encoded: Encoded, advance: Callable[[int], None] | None = None) -> FloatArray:
        """Scores of every row."""
        places, values = self.share_of_scores(encoded, (0, 1), advance)
        return self.predictor.placed(encoded, places, values)

    def share_of_scores(
        self,
        encoded: Encoded,
        part: tuple[int, int],
        advance: Callable[[int], None] | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Scores of one process's part of a split; see :meth:`Predictor.share_of_scores`."""
        with nullcontext() if self.lora is None else self.lora.merged():
            return self.predictor.share_of_scores(encoded, part, advance)

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
        own = {} if self.loss_scale is None else self.loss_scale.tensors()
        return {**self.optimiser.tensors(), **own}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Become what :meth:`state` told."""
        self.optimiser.restore(state if self.loss_scale is None else self.loss_scale.restore(state))

    def finish(self) -> None:
        """Leave the model as it was given."""
        self.optimiser.release()
        if self.settings.gradient_checkpointing:
            _named_anew(self.model, "checkpointing_disable")()
        if self.loss_scale is not None:
            self.context.note("loss_scale", self.loss_scale.facts)
        if self.lora is not None:
            self.lora.finish()

    def _batches(self, rows: npt.NDArray[np.int64]) -> Iterator[Batch]:
        padding, lengths = self.predictor.padding, self.train.lengths
        if self.train.choices == 1:
            for part in together(rows, lengths, padding, self.rows_at_once):
                yield self._batch([part], None, part)
            return
        for start in range(0, len(rows), self.rows_at_once):
            part = rows[start : start + self.rows_at_once]
            sequences = self.train.sequences(part)
            groups = list(together(sequences, lengths, padding, len(sequences)))
            order = None if len(groups) == 1 else np.argsort(np.concatenate(groups))
            if order is not None:  # the place of each sequence, in the order that the rows have
                order = order[np.searchsorted(np.sort(sequences), sequences)]
            yield self._batch(groups, order, part)

    def _batch(
        self,
        groups: Sequence[npt.NDArray[np.int64]],
        order: npt.NDArray[np.int64] | None,
        rows: npt.NDArray[np.int64],
    ) -> Batch:
        import torch

        inputs = [collate(self.train, group, self.predictor.padding) for group in groups]
        targets = self.targets[rows]
        if self.on_gpu:
            inputs = [{name: v.pin_memory() for name, v in each.items()} for each in inputs]
            targets = targets.pin_memory()
        places = None if order is None else torch.from_numpy(order)
        return Batch(inputs=inputs, order=places, targets=targets)

    def _logits(self, batch: Batch) -> torch.Tensor:
        """What the model says of a batch: ``[b, k]``, or ``[b, c]`` for multiple choice."""
        import torch

        runtime, found = self.predictor.runtime, []
        for inputs in batch.inputs:
            placed = {n: v.to(runtime.device, non_blocking=True) for n, v in inputs.items()}
            with runtime.autocast():
                found.append(self.model(**placed).logits.float())
        logits = found[0] if len(found) == 1 else torch.cat(found)
        if batch.order is not None:
            logits = logits[batch.order.to(logits.device)]
        return logits.reshape(-1, self.train.choices) if self.train.choices > 1 else logits

    def gradient(
        self, rows: npt.NDArray[np.int64], batches: Sequence[Batch], number: int, whole: float
    ) -> torch.Tensor:
        """Add up the gradient of the mean loss over a step's rows, or of these rows' part in it.

        Args:
            rows: The rows, ``[b]``.
            batches: What :meth:`inputs` made of them.
            number: Steps done before.
            whole: What all rows of the step count together.

        Returns:
            The loss, or these rows' part in it.
        """
        import torch

        runtime = self.predictor.runtime
        while True:
            # A step's random numbers follow from seed and step alone: a resumed run draws the same.
            runtime.draw_from(seed_of(self.seed, number, self.rank))
            total = torch.zeros((), device=runtime.device)
            try:
                for batch in batches:
                    wanted = batch.targets.to(runtime.device, non_blocking=True)  # [b]
                    share = self.loss.weight_of(batch.targets) / whole
                    loss = self.loss(self._logits(batch), wanted) * share
                    torch.autograd.backward(
                        loss if self.loss_scale is None else self.loss_scale.scaled(loss)
                    )
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


def _recompute(model: PreTrainedModel) -> None:
    """Let a model's layers be computed again when the gradient is taken.

    Raises:
        ModelError: The model does not know how.
    """
    if not model.supports_gradient_checkpointing:
        raise ModelError(
            f"--gradient-checkpointing: {type(model).__name__} cannot do that",
            remedy="Lower --batch-size and raise --gradient-accumulation-steps instead.",
        )
    enable = _named_anew(model, "checkpointing_enable")
    enable({"use_reentrant": False})


def _named_anew(model: PreTrainedModel, name: str) -> Any:
    """A method whose name begins with activation in newer versions of transformers."""
    newer = getattr(model, f"activation_{name}", None)
    return newer or getattr(model, f"gradient_{name}")
