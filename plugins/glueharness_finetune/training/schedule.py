"""The learning rate of each step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glueharness_finetune.settings import FinetuneSettings


def learning_rates(settings: FinetuneSettings, rows: int) -> list[float]:
    """The learning rate of each step over ``rows`` rows: from zero to the peak, and down to zero.

    The same as ``get_linear_schedule_with_warmup`` of transformers.
    """
    steps_an_epoch = math.ceil(rows / settings.rows_a_step)
    steps = settings.epochs * steps_an_epoch
    warmup = math.ceil(steps * settings.warmup_ratio)
    rising = [step / max(1, warmup) for step in range(warmup)]
    falling = [(steps - step) / max(1, steps - warmup) for step in range(warmup, steps)]
    return [settings.learning_rate * factor for factor in rising + falling]
