"""Predictions in as few letters as they need: bits of labels, 16 bits of numbers, as base64."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glueharness_leaderboard.evidence.predictions import SplitValues
    from glueharness_leaderboard.statistics.influence import Values

_STEPS = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """How the values of a split are packed.

    Attributes:
        bits: Bits a value.
        low: Number that 0 stands for; of labels 0.
        high: Number that the highest value stands for; of labels 0.
    """

    bits: int
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def of(cls, sides: Iterable[SplitValues]) -> Packing:
        """For the predictions and the truth of one split, of all contestants."""
        found = list(sides)
        labels = found[0].labels
        if labels:
            return cls(bits=max(1, (len(labels) - 1).bit_length()))
        numbers = [found[0].truth, *(side.predictions for side in found)]
        return cls(
            bits=16,
            low=float(min(values.min() for values in numbers)),
            high=float(max(values.max() for values in numbers)),
        )

    def pack(self, values: Values) -> str:
        """Values as base64: the first value in the highest bits of the first byte."""
        if self.bits == 16:
            span = self.high - self.low or 1.0
            steps = np.round((values - self.low) / span * _STEPS)
            return base64.b64encode(steps.astype(">u2").tobytes()).decode("ascii")
        shifts = np.arange(self.bits - 1, -1, -1)
        bits = (values[:, None].astype(np.int64) >> shifts) & 1  # [n, bits]
        return base64.b64encode(np.packbits(bits.astype(np.uint8)).tobytes()).decode("ascii")

    def document(self) -> dict[str, Any]:
        """As the page takes it."""
        return {"bits": self.bits, "low": self.low, "high": self.high}
