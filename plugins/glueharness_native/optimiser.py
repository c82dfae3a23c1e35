"""AdamW for the native engine: the rate and the decay of each stretch of its parameters."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from glueharness_native.arrays import is_spared
from glueharness_native.library import Optimiser, Segment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness.specs import Schedule
    from glueharness_native.architectures import Architecture


def optimiser_of(
    architecture: Architecture, places: Mapping[str, tuple[int, int, int]], schedule: Schedule
) -> Optimiser:
    """What the engine is told of a schedule.

    Args:
        architecture: Knows the names, and which layer a parameter belongs to.
        places: Where each of the engine's parameters begins, its rows and its columns.
        schedule: Rates, decay and constants.
    """
    factors = rate_factors(architecture, schedule.layer_decay)
    segments = _segments(architecture, places, schedule.weight_decay, factors)
    rates = (ctypes.c_double * len(schedule.rates))(*schedule.rates)
    return Optimiser(
        beta1=schedule.betas[0], beta2=schedule.betas[1], epsilon=schedule.epsilon,
        weight_decay=schedule.weight_decay, max_norm=schedule.max_norm,
        segments=len(segments), steps=len(schedule.rates),
        segment=(Segment * len(segments))(*segments), rates=rates,
        word_rate_factor=factors[architecture.words],
    )  # fmt: skip


def rate_factors(architecture: Architecture, decay: float) -> dict[str, float]:
    """What each parameter's learning rate is multiplied with, by the checkpoint's names."""
    top = int(architecture.sizes["layers"]) + 1
    names = [*architecture.parameters(), architecture.words]
    return {name: decay ** (top - architecture.height(name)) for name in names}


def _segments(
    architecture: Architecture,
    places: Mapping[str, tuple[int, int, int]],
    weight_decay: float,
    factors: Mapping[str, float],
) -> list[Segment]:
    """Every stretch of the flat array with its decay and its share of the rate."""
    shares = {ours: factors[theirs] for theirs, (ours, _, _) in architecture.parameters().items()}
    found = []
    for name, (at, rows, columns) in places.items():
        decay = 0.0 if is_spared(name) else weight_decay
        found.append(Segment(at, at + rows * columns, decay, shares[name]))
    return found
