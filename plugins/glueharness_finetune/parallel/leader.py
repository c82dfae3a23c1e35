"""``ParallelTrainee``: what the training loop trains where several processes do it together.

The loop knows nothing of the others: each step, and each scoring, is told to them here.
"""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from glueharness_finetune.parallel.shares import do_step, score, share_of
from glueharness_finetune.training.trainee import HelperLost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from glueharness import FloatArray, TaskSpec
    from glueharness_finetune.parallel.world import World
    from glueharness_finetune.tokens.tokenize import Encoded
    from glueharness_finetune.training.torch_trainee import Batch, TorchTrainee


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the others make their model from, besides its weights.

    Attributes:
        folder: Configuration and tokenizer, as a run's checkpoint keeps them.
        task: The task.
        rates: Learning rate of each step.
        quickened: What of the settings for speed is done.
        whole: Parts that learn whole beside adapters; empty if there are none.
    """

    folder: Path
    task: TaskSpec
    rates: Sequence[float]
    quickened: Mapping[str, bool]
    whole: Sequence[str] = ()


class ParallelTrainee:
    """Trains a model in this process and in others at once.

    Args:
        trainee: The model of this process, with its optimiser.
        world: The processes.
        frame: What the others make theirs from.
    """

    def __init__(self, trainee: TorchTrainee, world: World, frame: Frame) -> None:
        self._trainee, self._world, self._frame = trainee, world, frame
        self._alike = False
        self._known: list[Encoded] = []

    @property
    def on_gpu(self) -> bool:
        """Whether a GPU computes."""
        return self._trainee.on_gpu

    def inputs(self, rows: npt.NDArray[np.int64]) -> Sequence[Batch]:
        """This process's share of the rows as batches of inputs and targets."""
        return self._trainee.inputs(share_of(rows, self._world))

    def step(
        self, rows: npt.NDArray[np.int64], inputs: Sequence[Batch], number: int
    ) -> torch.Tensor:
        """Compute the gradient of the rows' mean loss together, and move the weights."""
        self._make_alike()
        with self._world.exchange():
            self._world.say({"do": "step", "number": number}, [torch.from_numpy(rows)])
            return do_step(self._trainee, self._world, rows, inputs, number)

    def scores(self, encoded: Encoded, advance: Callable[[int], None] | None = None) -> FloatArray:
        """Scores of every row, each batch computed by one of the processes."""

        def told(done: int) -> None:
            if advance is not None:  # the others are about as far
                advance(min(done * self._world.size, len(encoded)))

        self._make_alike()
        with self._world.exchange():
            number = self._tell_rows(encoded)
            self._world.say({"do": "score", "rows": number})
            return score(self._trainee, self._world, encoded, told)

    def flush(self) -> None:
        """Bring every weight up to date; the others do so before they score."""
        self._trainee.flush()

    def weights(self) -> Mapping[str, torch.Tensor]:
        """The weights by name."""
        return self._trainee.weights()

    def copy(self) -> Mapping[str, torch.Tensor]:
        """The weights by name, in main memory."""
        return self._trainee.copy()

    def load(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Put weights in the place of the present ones; the others get them if a step follows."""
        self._alike = False
        self._trainee.load(weights)

    def state(self) -> Mapping[str, torch.Tensor]:
        """The optimiser's state by name."""
        return self._trainee.state()

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Become what :meth:`state` told; the others do so if a step follows."""
        self._alike = False
        self._trainee.restore(state)

    def finish(self) -> None:
        """Leave the model as it was given, and let the others forget theirs."""
        # One that is gone by now has done its part.
        with contextlib.suppress(HelperLost), self._world.exchange():
            self._world.say({"do": "finish"})
        self._trainee.finish()

    def _make_alike(self) -> None:
        """Let the others have the model of this process, in every bit."""
        if self._alike:
            return
        trainee, frame = self._trainee, self._frame
        runtime, padding = trainee.predictor.runtime, trainee.predictor.padding
        weights, state = trainee.weights(), trainee.state()
        class_weights = trainee.loss.weights
        content: dict[str, Any] = {
            "do": "begin",
            "folder": str(frame.folder.absolute()),
            "modules": [
                module
                for each in (trainee.model, trainee.model.config)
                # What came with a checkpoint is loaded with it.
                if not (module := type(each).__module__).startswith("transformers")
            ],
            "task": facts_of(frame.task),
            "settings": _plain(trainee.settings),
            "seed": trainee.seed,
            "rates": list(frame.rates),
            "quickened": dict(frame.quickened),
            "whole": list(frame.whole),
            "runtime": [runtime.device.type, runtime.precision, runtime.threads],
            "padding": dataclasses.asdict(padding),
            "smoothing": trainee.loss.smoothing,
            "class_weights": None if class_weights is None else class_weights.tolist(),
            "weights": list(weights),
            "state": list(state),
        }  # fmt: skip
        with self._world.exchange():
            self._world.say(content, [trainee.targets, *weights.values(), *state.values()])
            self._known = []
            self._tell_rows(trainee.train)
            self._world.agree()
        self._alike = True

    def _tell_rows(self, encoded: Encoded) -> int:
        """Let the others have the rows of a split; returns the number that they have there."""
        for number, known in enumerate(self._known):
            if known is encoded:
                return number
        parts = [encoded.ids, encoded.offsets]
        parts += [] if encoded.types is None else [encoded.types]
        told = {"do": "rows", "choices": encoded.choices}
        self._world.say(told, [torch.from_numpy(part) for part in parts])
        self._known.append(encoded)
        return len(self._known) - 1


def facts_of(task: TaskSpec) -> dict[str, Any]:
    """What a model depends on of a task, JSON-able."""
    names = ("name", "columns", "labels", "choices", "score_range")
    return {name: getattr(task, name) for name in names}


def _plain(settings: Any) -> dict[str, Any]:
    """Settings, JSON-able; where the weights came from does not matter any more."""
    return {**dataclasses.asdict(settings), "weights": None}
