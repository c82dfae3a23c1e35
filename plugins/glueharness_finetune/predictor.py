"""Predicts rows sorted by length, with as many rows at once as fit into a number of tokens.

Shapes: n = rows, c = choices a row (1 if a task has none), k = outputs a sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness import ModelError
from glueharness_finetune.cpu.bf16_scoring import can_be_halved, encoder_in_bf16
from glueharness_finetune.runtime import BF16, ran_out
from glueharness_finetune.tokens.batches import Padding, collate, made_ahead, plan_prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    import numpy.typing as npt
    import torch
    from transformers import PreTrainedModel

    from glueharness import FloatArray
    from glueharness_finetune.runtime import Runtime
    from glueharness_finetune.tokens.tokenize import Encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """A model, ready to score rows.

    Attributes:
        model: The model, on its device.
        outputs: Values that it computes per sequence.
        padding: How rows are padded.
        runtime: Where and how it computes.
        tokens: Tokens at once, padding included.
    """

    model: PreTrainedModel
    outputs: int
    padding: Padding
    runtime: Runtime
    tokens: int

    def scores(self, encoded: Encoded, advance: Callable[[int], None] | None = None) -> FloatArray:
        """Scores in the rows' order: float32 ``[n, k]``, ``[n]`` for a regression, or for multiple
        choice ``[n, c]``.

        Args:
            encoded: The rows.
            advance: Told how many rows are done; it may raise to stop.
        """  # noqa: D205 - one sentence
        return self.placed(encoded, *self.share_of_scores(encoded, (0, 1), advance))

    def share_of_scores(
        self,
        encoded: Encoded,
        part: tuple[int, int],
        advance: Callable[[int], None] | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Scores of one process's part of the batches, which are the same for any number of parts.

        Args:
            encoded: The rows.
            part: Which part, from 0, of how many.
            advance: Told how many rows of the part are done; it may raise to stop.

        Returns:
            The sequences that were scored, ``[m]``, and what the model says of each, ``[m, k]``.
        """
        import torch

        number, parts = part
        plan = plan_prediction(encoded.lengths, self.padding, self.tokens)[number::parts]
        places = np.concatenate([np.zeros(0, np.int64), *plan])
        found = np.zeros((len(places), self.outputs), dtype=np.float32)
        batches = ((rows, collate(encoded, rows, self.padding)) for rows in plan)
        was_training = self.model.training
        self.model.train(mode=False)
        done = 0
        try:
            with self._precision(), torch.inference_mode():
                for rows, inputs in made_ahead(batches, 2) if self.runtime.on_gpu else batches:
                    found[done : done + len(rows)] = self._logits(encoded, rows, inputs)
                    done += len(rows)
                    if advance is not None:
                        advance(done // encoded.choices)
        finally:
            self.model.train(was_training)
        return places, found

    def placed(
        self,
        encoded: Encoded,
        places: npt.NDArray[np.int64],
        values: npt.NDArray[np.float32],
    ) -> FloatArray:
        """Scores in the rows' order, from what the model says of each sequence.

        Args:
            encoded: The rows.
            places: Each sequence once, in any order.
            values: What the model says of them, ``[*, k]``.
        """
        found = np.empty_like(values)
        found[places] = values
        if encoded.choices > 1:
            return found.reshape(-1, encoded.choices)
        return found[:, 0] if self.outputs == 1 else found

    def _logits(
        self, encoded: Encoded, rows: npt.NDArray[np.int64], inputs: Mapping[str, torch.Tensor]
    ) -> npt.NDArray[np.float32]:
        """What the model says of some rows, ``[b, k]``; in halves where memory is short."""
        import torch

        try:
            placed = {
                name: value.to(self.runtime.device, non_blocking=True)
                for name, value in inputs.items()
            }
            logits: npt.NDArray[np.float32] = self.model(**placed).logits.float().cpu().numpy()
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise
            if len(rows) == 1:
                raise ModelError(
                    f"memory ran out while scoring a row of {encoded.lengths[rows[0]]} tokens",
                    remedy="Lower --max-length, or close what else uses memory.",
                ) from error
        else:
            return logits
        if self.runtime.on_gpu:
            torch.cuda.empty_cache()
        return np.concatenate(
            [
                self._logits(encoded, half, collate(encoded, half, self.padding))
                for half in np.array_split(rows, 2)
            ]
        )

    def _precision(self) -> AbstractContextManager[Any]:
        if self.runtime.precision == BF16 and can_be_halved(self.model):
            return encoder_in_bf16(self.model)
        return self.runtime.autocast()
