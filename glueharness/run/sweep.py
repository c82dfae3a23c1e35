"""What several settings of a model came to: which is the best, of how many it was chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.plugin.events import SweepFinished
from glueharness.run.outcomes import Candidate, candidates_by_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.run.outcomes import Outcome


@dataclass(slots=True, kw_only=True)
class Sweep:
    """The settings that were tried for one task.

    Attributes:
        task: Task name.
        candidates: The settings, the best first; those with fewer seeds than others come last.
        stopped: Settings that a search stopped early.
        remarks: What plugins have to say of it.
    """

    task: str
    candidates: list[Candidate]
    stopped: int = 0
    remarks: list[str] = field(default_factory=list)


def sweeps_of(outcomes: Sequence[Outcome], registry: Registry) -> list[Sweep]:
    """The tasks for which several settings were tried; plugins are asked what they say of it."""
    sweeps = []
    for task, candidates in candidates_by_task(outcomes).items():
        if len(candidates) < 2:
            continue
        early = {
            repr(sorted(outcome.point.items()))
            for outcome in outcomes
            if outcome.stopped and outcome.config.task == task
        }
        sweep = Sweep(task=task, candidates=candidates, stopped=len(early))
        scored = tuple(tuple(each.records) for each in candidates if each.records)
        event = SweepFinished(
            task=registry.task(task),
            candidates=scored,
            folder=Path(outcomes[0].config.options.runs_dir),
            remarks=sweep.remarks,
            stopped=sweep.stopped,
        )
        if len(scored) > 1:
            registry.plugins.notify("glueharness_sweep_finished", event)
        sweeps.append(sweep)
    return sweeps
