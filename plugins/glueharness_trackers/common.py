"""What the trackers share."""

from __future__ import annotations

import importlib.util
import math
from typing import TYPE_CHECKING

from glueharness import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glueharness.plugin.events import RunEvaluated


def require(module: str, extra: str) -> None:
    """Make sure that a library is installed, before the run that needs it.

    Raises:
        ConfigError: It is not installed.
    """
    if importlib.util.find_spec(module) is None:
        raise ConfigError(
            f"the tracker {extra!r} needs {module}, which is not installed",
            remedy=f"Install it: pip install 'glueharness[{extra}]'",
        )


def of_epoch(event: RunEvaluated) -> Iterator[tuple[str, float]]:
    """The scores, losses and values of an epoch."""
    yield from flat(event.evaluation.metrics)
    yield from flat({split: {"loss": loss} for split, loss in event.evaluation.losses.items()})
    yield from flat({"epoch": event.values})


def flat(metrics: Mapping[str, Mapping[str, float]]) -> Iterator[tuple[str, float]]:
    """Scores by split and metric as ``"dev/accuracy"``, without values that are not numbers."""
    for split, values in metrics.items():
        for name, value in values.items():
            if math.isfinite(value):
                yield f"{split}/{name}", float(value)
