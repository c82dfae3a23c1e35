"""The interval of a run's score, if a plugin ranks runs and computes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness.plugin.blame import blamed

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord


def interval_of(
    record: RunRecord, registry: Registry, runs_dir: Path
) -> tuple[float, float] | None:
    """The 95 % interval of the run's score over other rows, as fractions; None if there is none.

    Whatever plugin offers the command ``leaderboard`` is asked, as a notebook would ask it.
    """
    if "leaderboard" not in registry.commands.items:
        return None
    spec, owner = registry.commands.get("leaderboard"), registry.commands.owner("leaderboard")
    if spec.function is None:
        return None
    with blamed("the command 'leaderboard'", owner, "failed"):
        board = spec.function()(registry, record.task, by="run", runs_dir=runs_dir)
        for row in board.rows:
            low, high = row.get("interval_low"), row.get("interval_high")
            if row.get("runs") == record.id and low is not None and high is not None:
                return float(low), float(high)
    return None
