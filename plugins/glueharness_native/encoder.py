"""``NativeEncoder``: an encoder's parameters in numpy arrays, and the engine that works on them.

Shapes: b = rows of a batch, k = outputs, v = words, e = width of the embeddings.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness_native.arrays import aligned_zeros, pointer, views_of
from glueharness_native.library import Arrays, Batch, Config
from glueharness_native.optimiser import optimiser_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from glueharness.specs import Schedule, TokenRows
    from glueharness_native.architectures import Architecture
    from glueharness_native.library import Library


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What computes.

    Attributes:
        library: The compiled engine.
        threads: Processor threads.
        bf16: Whether the weights' matrix products are in bfloat16.
    """

    library: Library
    threads: int
    bf16: bool = False


class NativeEncoder:
    """An encoder with its head, computed by the native engine.

    Args:
        architecture: What it computes.
        machine: What computes it.
        outputs: Values it gives a row.
        regression: Whether the one output is a score.
        dropout: A rate in the place of all of the checkpoint's own.

    Attributes:
        facts: What the run record keeps of it.
        longest: Most tokens that a row may have.
        weights: Parameters by the checkpoint's names: views of the arrays that the engine works
            on. After writing to them, call :meth:`changed`.
    """

    # At the end of the interpreter a module's names may be gone before the last encoder is.
    _this_process = staticmethod(os.getpid)

    def __init__(
        self,
        architecture: Architecture,
        machine: Machine,
        *,
        outputs: int,
        regression: bool,
        dropout: float | None = None,
    ) -> None:
        self.architecture, self.library, self.outputs = architecture, machine.library, outputs
        sizes = dict(architecture.sizes)
        if dropout is not None:
            sizes |= {name: dropout for name in sizes if name.startswith("dropout")}
            if not architecture.drops_before_pooler:
                sizes["dropout_pooler"] = 0.0
        self._config = Config(
            labels=outputs, regression=regression, bf16=machine.bf16, threads=machine.threads,
            **sizes,
        )  # fmt: skip
        self._size, self._places = self.library.layout(self._config)
        words = (sizes["vocabulary"], sizes["embedding"])
        self._flat, self._words = aligned_zeros(self._size), aligned_zeros(*words)
        self._moments: list[npt.NDArray[np.float32]] = []
        self._word_moments: list[npt.NDArray[np.float32]] = []
        self._last = np.zeros(0, np.int64)
        self._steps = 0
        self.weights = self._views(self._flat, self._words)
        self._engine = ctypes.c_void_p()
        self._process = self._this_process()
        self._create()
        self.longest = int(sizes["positions"]) - int(sizes["offset"])
        self.facts = {
            "library": machine.library.name,
            "device": "cpu",
            "precision": "bf16" if machine.bf16 else "fp32",
        }

    def __del__(self) -> None:
        """Give the engine's memory and threads back."""
        self._free()

    def changed(self) -> None:
        """Tell the engine that its caller has written to the weights."""
        self.library.tell("parameters_changed", self._engine)

    def train_with(self, schedule: Schedule) -> None:
        """Begin to train: all moments are zero."""
        self._schedule = schedule
        self._moments = [aligned_zeros(self._size) for _ in range(2)]
        self._word_moments = [aligned_zeros(*self._words.shape) for _ in range(2)]
        self._last, self._steps = np.zeros(len(self._words), np.int64), 0
        self._create()
        self._set_schedule()

    def step(
        self,
        rows: TokenRows,
        batch: npt.NDArray[np.int64],
        targets: npt.NDArray[np.float32],
        key: int,
    ) -> float:
        """One optimiser step over some rows.

        Args:
            rows: The rows of a split.
            batch: Which of them, ``[b]``.
            targets: Label numbers, or scores, of those: ``[b]``.
            key: 64 bits that dropout's random numbers follow from.

        Returns:
            The mean loss.

        Raises:
            MemoryError: Memory ran out.
            ValueError: A row has no tokens or too many, or one that is not in the vocabulary.
        """
        loss, _ = self._step(rows, batch, targets, key, update=True)
        self._steps += 1
        return loss

    def gradient(
        self,
        rows: TokenRows,
        batch: npt.NDArray[np.int64],
        targets: npt.NDArray[np.float32],
        key: int,
    ) -> tuple[float, float]:
        """Compute the gradients as :meth:`step` does, and move nothing; for tests.

        Returns:
            The mean loss, and the norm of its gradient.
        """
        return self._step(rows, batch, targets, key, update=False)

    def _step(
        self,
        rows: TokenRows,
        batch: npt.NDArray[np.int64],
        targets: npt.NDArray[np.float32],
        key: int,
        *,
        update: bool,
    ) -> tuple[float, float]:
        given, _kept = self._batch(rows, batch, targets)
        loss, norm = ctypes.c_double(), ctypes.c_float()
        self.library.call(
            "step", self._engine, ctypes.byref(given), ctypes.c_uint64(key), int(update),
            ctypes.byref(loss), ctypes.byref(norm), None,
        )  # fmt: skip
        return loss.value, norm.value

    def logits(self, rows: TokenRows, batch: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """What the model says of some rows: ``[b, k]``. After steps, call :meth:`flush` first."""
        found = np.zeros((len(batch), self.outputs), np.float32)
        given, _kept = self._batch(rows, batch, None)
        self.library.call(
            "evaluate", self._engine, ctypes.byref(given), found.ctypes.data_as(ctypes.c_void_p)
        )
        return found

    def flush(self) -> None:
        """Bring every word vector up to date, before the weights are read."""
        if self._moments:
            self.library.call("flush", self._engine)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The optimiser's state, by the names that the torch engine has for it; views."""
        first, second = (
            self._views(flat, None) for flat in self._moments
        )  # the words have names of their own
        found: dict[str, npt.NDArray[Any]] = {}
        step = np.float32(self._steps)
        for name, values in first.items():
            found[f"{name}/step"] = np.array(step)
            found[f"{name}/exp_avg"] = values
            found[f"{name}/exp_avg_sq"] = second[name]
        return found | {
            "words/exp_avg": self._word_moments[0],
            "words/exp_avg_sq": self._word_moments[1],
            "words/last": self._last,
            "words/step": np.array(self._steps),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Become what :meth:`state` told, here or in the torch engine.

        Raises:
            KeyError: Something is missing.
        """
        for number, kind in enumerate(("exp_avg", "exp_avg_sq")):
            for name, view in self._views(self._moments[number], None).items():
                view[...] = state[f"{name}/{kind}"]
            words = f"words/{kind}"
            own = f"{self.architecture.words}/{kind}"  # of an optimiser that moved all words
            self._word_moments[number][...] = state[words if words in state else own]
        if "words/step" in state:
            self._steps = int(state["words/step"])
            self._last[...] = state["words/last"]
        else:
            self._steps = int(state[f"{self.architecture.words}/step"])
            self._last[...] = self._steps
        self._set_schedule()
        self.changed()

    def gradients(self) -> dict[str, npt.NDArray[np.float32]]:
        """The gradients of the last step, by the checkpoint's names; for tests."""
        flat, words = np.zeros(self._size, np.float32), np.zeros_like(self._words)
        self.library.tell(
            "gradients",
            self._engine,
            ctypes.c_void_p(pointer(flat)),
            ctypes.c_void_p(pointer(words)),
        )
        return self._views(flat, words)

    def _views(
        self, flat: npt.NDArray[np.float32], words: npt.NDArray[np.float32] | None
    ) -> dict[str, npt.NDArray[np.float32]]:
        return views_of(self.architecture, self._places, flat, words)

    def _create(self) -> None:
        self._free()
        self._process = self._this_process()
        first, second = self._moments or (None, None)
        word_first, word_second = self._word_moments or (None, None)
        steps = self._last if self._moments else None
        given: tuple[npt.NDArray[Any] | None, ...] = (
            self._flat, first, second, self._words, word_first, word_second, steps,
        )  # fmt: skip
        arrays = Arrays(*(None if each is None else pointer(each) for each in given))
        self.library.call(
            "new", ctypes.byref(self._config), ctypes.byref(arrays), ctypes.byref(self._engine)
        )

    def _free(self) -> None:
        engine = getattr(self, "_engine", None)
        # Its threads do not exist in a process that was forked off.
        if engine and self._process == self._this_process():
            self.library.tell("free", engine)
            self._engine = ctypes.c_void_p()

    def _set_schedule(self) -> None:
        optimiser = optimiser_of(self.architecture, self._places, self._schedule)
        self.library.call("train_with", self._engine, ctypes.byref(optimiser), self._steps)

    def _batch(
        self,
        rows: TokenRows,
        batch: npt.NDArray[np.int64],
        targets: npt.NDArray[np.float32] | None,
    ) -> tuple[Batch, list[Any]]:
        """A batch for the engine, and the arrays that must live as long."""
        if self._process != self._this_process():
            raise RuntimeError("a native encoder cannot be used in a process that was forked off")
        start = np.ascontiguousarray(rows.offsets[batch], np.int64)
        length = np.ascontiguousarray(rows.offsets[batch + 1] - start, np.int32)
        ids = np.ascontiguousarray(rows.ids, np.int32)
        types = None
        if rows.types is not None and self._config.types > 1:
            types = np.ascontiguousarray(rows.types, np.int8)
        wanted = None if targets is None else np.ascontiguousarray(targets, np.float32)
        if wanted is not None and len(wanted) != len(batch):
            raise ValueError(f"{len(batch)} rows have {len(wanted)} targets")
        kept: list[npt.NDArray[Any] | None] = [start, length, ids, types, wanted]
        pointers = [None if each is None else pointer(each) for each in kept]
        return Batch(len(batch), *pointers), kept
