"""Scores for every row: sorted by length, as many rows at once as a token budget holds.

Shapes: n = rows, k = outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness_finetune.batches import Padding, collate, made_ahead, plan_prediction
from glueharness_finetune.half import can_be_halved, encoder_in_bf16
from glueharness_finetune.precision import BF16

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from transformers import PreTrainedModel

    from glueharness import FloatArray
    from glueharness_finetune.encode import Encoded
    from glueharness_finetune.precision import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """A model, ready to score rows.

    Attributes:
        model: The model, on its device.
        outputs: Values it gives a row.
        padding: How rows are filled up.
        runtime: Where and how it computes.
        tokens: Tokens at once, padding included.
    """

    model: PreTrainedModel
    outputs: int
    padding: Padding
    runtime: Runtime
    tokens: int

    def scores(self, encoded: Encoded, advance: Callable[[int], None] | None = None) -> FloatArray:
        """Scores in the rows' order: float32 ``[n, k]``, ``[n]`` for a regression.

        Args:
            encoded: The rows.
            advance: Told how many rows are done; it may raise to stop.
        """
        import torch

        outputs = self.outputs
        found = np.zeros((len(encoded), outputs), dtype=np.float32)
        plan = plan_prediction(encoded.lengths, self.padding, self.tokens)
        batches = ((rows, collate(encoded, rows, self.padding)) for rows in plan)
        was_training = self.model.training
        self.model.train(mode=False)
        done = 0
        try:
            with self._precision(), torch.inference_mode():
                for rows, inputs in made_ahead(batches, 2) if self.runtime.on_gpu else batches:
                    placed = {
                        name: value.to(self.runtime.device, non_blocking=True)
                        for name, value in inputs.items()
                    }
                    logits = self.model(**placed).logits  # [b, k]
                    found[rows] = logits.float().cpu().numpy()
                    done += len(rows)
                    if advance is not None:
                        advance(done)
        finally:
            self.model.train(was_training)
        return found[:, 0] if outputs == 1 else found

    def _precision(self) -> AbstractContextManager[Any]:
        if self.runtime.precision == BF16 and can_be_halved(self.model):
            return encoder_in_bf16(self.model)
        return self.runtime.autocast()
