"""The learning rate of each step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueharness_finetune.learning_settings import LINEAR

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueharness_finetune.settings import FinetuneSettings


def learning_rates(settings: FinetuneSettings, rows: int) -> list[float]:
    """The learning rate of each step of a training on ``rows`` rows.

    The same as the schedule of that name in ``transformers.get_scheduler``. The linear one is
    computed here: importing transformers takes longer than training a small encoder with an engine
    that does without it.
    """
    steps = steps_in_all(settings, rows)
    warmup = settings.warmup_steps
    if warmup is None:
        warmup = math.ceil(steps * settings.warmup_ratio)
    if settings.lr_scheduler_type == LINEAR:
        factor = _linear(warmup, steps)
    else:
        factor = _of_transformers(settings, warmup, steps)
    return [settings.learning_rate * factor(step) for step in range(steps)]


def steps_in_all(settings: FinetuneSettings, rows: int) -> int:
    """Optimizer steps of the whole training."""
    return settings.max_steps or settings.epochs * math.ceil(rows / settings.rows_a_step)


def _linear(warmup: int, steps: int) -> Callable[[int], float]:
    """The share of the peak at each step: from zero to one, and down to zero."""

    def factor(step: int) -> float:
        if step < warmup:
            return step / max(1, warmup)
        return max(0.0, (steps - step) / max(1, steps - warmup))

    return factor


def _of_transformers(settings: FinetuneSettings, warmup: int, steps: int) -> Callable[[int], float]:
    """The share of the peak at each step, for any schedule of transformers."""
    import torch
    from transformers import get_scheduler

    # The polynomial schedule ends at a rate, not at a share: it has to know the peak.
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=settings.learning_rate)
    schedule: Any = get_scheduler(
        settings.lr_scheduler_type, optimiser, num_warmup_steps=warmup, num_training_steps=steps
    )
    factor: Callable[[int], float] = schedule.lr_lambdas[0]
    return factor
