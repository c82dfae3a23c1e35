"""Specs and protocols of engines, which compute encoders.

A model plugin knows about checkpoints, tokens, recipes and run folders. An engine knows how to
compute an encoder on some kind of processor: forward, backward and the optimizer's step. They
exchange numpy arrays, so that each can be written without the other.

Shapes: n = rows, t = tokens of all rows together, b = rows of a batch, k = outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 - the fields' types are read by tools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from glueharness.specs.data import FloatArray

Arrays: TypeAlias = "Mapping[str, npt.NDArray[Any]]"
"""Numpy arrays by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRequest:
    """What an engine has to compute.

    Attributes:
        config: The encoder's configuration, in the terms of a Hugging Face ``config.json``.
        outputs: Values per row: the number of labels, or 1.
        regression: Whether the one output is a score.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        precision: ``"auto"``, ``"fp32"`` or ``"bf16"``.
        threads: Processor threads.
        dropout: A rate instead of the configuration's own; None keeps those.
        betas: AdamW's decay of the two moments, in training.
        epsilon: What AdamW adds to the root of the second moment.
    """

    config: Mapping[str, Any]
    outputs: int
    regression: bool = False
    device: str = "auto"
    precision: str = "auto"
    threads: int = 1
    dropout: float | None = None
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8


class TokenRows(Protocol):
    """Tokenized rows, one after the other without padding."""

    @property
    def ids(self) -> npt.NDArray[np.int32]:
        """Token ids, ``[t]``."""
        ...

    @property
    def types(self) -> npt.NDArray[np.int8] | None:
        """Token types, ``[t]``; None: the model has none, or all are 0."""
        ...

    @property
    def offsets(self) -> npt.NDArray[np.int64]:
        """Row i holds the tokens ``offsets[i]`` to ``offsets[i + 1] - 1``: ``[n + 1]``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How AdamW moves the parameters.

    Attributes:
        rates: Learning rate of each step, before ``layer_decay``.
        weight_decay: Decoupled decay; not on biases and normalization weights.
        max_norm: Largest L2 norm of the gradient; longer ones are scaled down. 0: no limit.
        layer_decay: Factor of the rate from a layer to the one below it: the head learns with the
            full rate, the last layer with that times the factor, the embeddings with the least.
        betas: Decay of the two moments.
        epsilon: Added to the root of the second moment.
    """

    rates: Sequence[float]
    weight_decay: float
    max_norm: float
    layer_decay: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8


class EncoderEngine(Protocol):
    """An encoder with a classification head, ready to be computed."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the run record keeps: at least ``device`` and ``precision`` as resolved."""
        ...

    @property
    def longest(self) -> int:
        """Most tokens that a row may have."""
        ...

    @property
    def weights(self) -> Arrays:
        """The parameters, float32 and contiguous, by the checkpoint's names.

        After writing to them, call :meth:`changed`. Every parameter is there, with its shape,
        before any weight is given.
        """
        ...

    def changed(self) -> None:
        """Called after the weights were written to."""
        ...

    def train_with(self, schedule: Schedule) -> None:
        """Prepare to train with these weights, with no step done and all moments zero."""
        ...

    def step(
        self,
        rows: TokenRows,
        batch: npt.NDArray[np.int64],
        targets: npt.NDArray[np.float32],
        key: int,
    ) -> float:
        """Do one optimizer step.

        Args:
            rows: The rows of a split.
            batch: Which of them, ``[b]``.
            targets: Label numbers or scores of those, ``[b]``.
            key: 64 bits; all random numbers of the step must follow from it.

        Returns:
            The mean loss, cross-entropy or squared error; it may be NaN or infinite.

        Raises:
            MemoryError: Memory ran out; no parameter was changed.
        """
        ...

    def logits(self, rows: TokenRows, batch: npt.NDArray[np.int64]) -> FloatArray:
        """The outputs of some rows, without dropout: float32 ``[b, k]``."""
        ...

    def flush(self) -> None:
        """Bring every weight up to date, before weights are read or rows are scored."""
        ...

    def state(self) -> Arrays:
        """The optimizer's state, contiguous; with the unflushed weights enough to resume."""
        ...

    def restore(self, state: Arrays) -> None:
        """Restore what :meth:`state` returned, after :meth:`train_with`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """An engine: its facts, what it can compute, and how to make it.

    Attributes:
        name: The name on the command line, for ``--engine``.
        description: One sentence.
        objection: Why it cannot compute what is asked, in a few words; empty if it can. It
            imports nothing heavy.
        slower: Whether it is expected to take longer than a general engine would, with the reason;
            empty if not. Asked only where there is no objection.
        settle: The request with device and precision as the engine resolves them; for a run's
            identity, before training.
        factory: Makes the engine, for whatever :attr:`objection` has no objection to.
    """

    name: str
    description: str
    objection: Callable[[EngineRequest], str]
    factory: Callable[[EngineRequest], EncoderEngine]
    settle: Callable[[EngineRequest], EngineRequest] = lambda request: request
    slower: Callable[[EngineRequest], str] = lambda _: ""
