"""What several recipes have in common."""

from __future__ import annotations

from typing import Any

ADAM: dict[str, Any] = {
    "optim": "adamw", "adam_beta1": 0.9, "adam_beta2": 0.999, "adam_epsilon": 1e-6,
    "lr_scheduler_type": "linear",
}  # fmt: skip
"""Adam as BERT's code has it, and a linear decay to zero."""

SLOW_ADAM: dict[str, Any] = {**ADAM, "adam_beta2": 0.98}
"""As RoBERTa has it, and what follows it."""

OWN_DROPOUT: dict[str, Any] = {"dropout": None}
"""The checkpoint's own rates, also where our recipe for a single epoch would have none."""

FIVE = (1, 2, 3, 4, 5)
"""Five seeds, where a source does not say which."""

BIAS_CORRECTION = "its Adam has no bias correction; ours has"
DECAY_ON_ALL = "its weight decay is on all parameters; ours not on biases and normalization"
JUMP = (
    "its learning rate falls as 1 - step / steps also while it warms up, a little below ours "
    "throughout"
)
UNNAMED_SEEDS = "which seeds it had is not known"
HEAD_DROPOUT = "the dropout rate of its head differs by task; ours is the checkpoint's own"
EVALUATIONS = "it evaluates more often than once per epoch, and keeps the best of these"
