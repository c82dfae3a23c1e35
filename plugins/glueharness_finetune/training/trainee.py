"""What the training loop trains: a model with its optimiser, whatever computes them.

Shapes: b = rows of a step, n = rows of a split, k = outputs.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Protocol

from glueharness import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import numpy.typing as npt

    from glueharness import FloatArray
    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.tokens.tokenize import Encoded


class Trainee(Protocol):
    """A model that learns, a step at a time.

    Its tensors are PyTorch's or numpy's; the loop hands them to its checkpoints and back.
    """

    @property
    def on_gpu(self) -> bool:
        """Whether steps are computed while Python goes on, so that inputs are best made ahead."""
        ...

    def inputs(self, rows: npt.NDArray[np.int64]) -> Any:
        """What :meth:`step` needs of some rows of the training split, ``[b]``."""
        ...

    def step(self, rows: npt.NDArray[np.int64], inputs: Any, number: int) -> Any:
        """One optimiser step over these rows.

        Args:
            rows: The rows, ``[b]``.
            inputs: What :meth:`inputs` made of them.
            number: Steps done before; random numbers follow from it and the seed.

        Returns:
            The mean loss: a float, or a tensor of one element that is looked at later.
        """
        ...

    def scores(self, encoded: Encoded, advance: Callable[[int], None] | None = None) -> FloatArray:
        """Scores of every row, ``[n, k]`` or ``[n]``; ``advance`` may raise to stop."""
        ...

    def flush(self) -> None:
        """Bring every weight up to date."""
        ...

    def weights(self) -> Mapping[str, Any]:
        """The weights by name, as they stand; not copies."""
        ...

    def copy(self) -> Mapping[str, Any]:
        """The weights by name, out of reach of further training."""
        ...

    def load(self, weights: Mapping[str, Any]) -> None:
        """Put weights in the place of the present ones."""
        ...

    def state(self) -> Mapping[str, Any]:
        """The optimiser's state by name; not copies."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what :meth:`state` told."""
        ...

    def finish(self) -> None:
        """Leave the model ready for anything but a step."""
        ...


class HelperLost(ModelError):  # noqa: N818 - what happened
    """A process that trained together with this one is gone, or no longer in step.

    The weights are those of the last whole step.
    """


def seed_of(seed: int, step: int, rank: int = 0) -> int:
    """A seed for one step of one process; neighbouring ones get unrelated seeds."""
    text = f"{seed}/{step}/{rank}" if rank else f"{seed}/{step}"
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def too_little_memory(settings: FinetuneSettings, number: int, rows: int) -> ModelError:
    """The error for a step that does not fit into memory.

    Args:
        settings: The settings.
        number: Steps done before.
        rows: Rows that were computed at once.
    """
    return ModelError(
        f"memory ran out at step {number + 1} with {rows} rows of up to "
        f"{settings.max_length} tokens at once",
        remedy=f"Lower --batch-size {settings.batch_size} and raise "
        f"--gradient-accumulation-steps {settings.gradient_accumulation_steps} by the same "
        "factor, which computes the same; or lower --max-length. On a GPU, --auto-batch does the "
        "first by itself.",
    )
