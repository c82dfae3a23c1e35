"""Which epoch of a run is the one that was scored, and of how many it was picked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.record.record import RunRecord

_SAME = 1e-9


def epochs_tried(record: RunRecord) -> int:
    """Of how many epochs the dev split picked the one that is scored; 1 if it picked none."""
    history = record.history
    if len(history) < 2:
        return 1
    keep_best = record.settings.get("keep_best")
    if keep_best is not None:
        return len(history) if keep_best.value is True else 1
    # A model without that setting: it picked if an epoch before the last one is what is scored.
    last, scored = history[-1].primary, record.primary
    picked = (
        scored is not None
        and abs(last - scored) > _SAME
        and any(abs(epoch.primary - scored) <= _SAME for epoch in history)
    )
    return len(history) if picked else 1


def last_epoch(runs: Sequence[RunRecord]) -> float | None:
    """Mean primary score of the runs' last epochs, where one of several was picked.

    Returns:
        A fraction; None if no epoch was picked, or a run has no history.
    """
    if not runs or not all(run.history for run in runs) or max(map(epochs_tried, runs)) < 2:
        return None
    return sum(run.history[-1].primary for run in runs) / len(runs)
