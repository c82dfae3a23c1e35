"""What several settings of a model came to: which is the best, of how many it was chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from glueharness.plugin.events import SweepFinished

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.run.many_runs import Outcome


@dataclass(slots=True, kw_only=True)
class Candidate:
    """One of several settings.

    Attributes:
        point: The settings in which it differs from the others.
        records: Its completed runs, one per seed.
        failed: Number of runs that failed.
    """

    point: Mapping[str, Any]
    records: list[RunRecord] = field(default_factory=list)
    failed: int = 0

    @property
    def score(self) -> float:
        """Mean of the primary dev metric over its seeds; less than any score if it has none."""
        values = [record.primary for record in self.records if record.primary is not None]
        return fmean(values) if values else float("-inf")


@dataclass(slots=True, kw_only=True)
class Sweep:
    """The settings that were tried for one task.

    Attributes:
        task: Task name.
        candidates: The settings, the best first; those with fewer seeds than others come last.
        remarks: What plugins have to say of it.
    """

    task: str
    candidates: list[Candidate]
    remarks: list[str] = field(default_factory=list)


def candidates_by_task(outcomes: Sequence[Outcome]) -> dict[str, list[Candidate]]:
    """The settings of each task, the best first.

    Settings are compared by the mean over their seeds: the best setting for each seed by itself
    would be a choice that nobody can make for the next seed.
    """
    found: dict[str, dict[str, Candidate]] = {}
    for outcome in outcomes:
        points = found.setdefault(outcome.config.task, {})
        key = repr(sorted(outcome.point.items()))
        candidate = points.setdefault(key, Candidate(point=outcome.point))
        record = outcome.record
        if record is None:
            candidate.failed += 1
        elif all(other.id != record.id for other in candidate.records):
            candidate.records.append(record)

    def order(candidate: Candidate) -> tuple[int, float]:
        return len(candidate.records), candidate.score

    return {
        task: sorted(points.values(), key=order, reverse=True) for task, points in found.items()
    }


def sweeps_of(outcomes: Sequence[Outcome], registry: Registry) -> list[Sweep]:
    """The tasks for which several settings were tried; plugins are asked what they say of it."""
    sweeps = []
    for task, candidates in candidates_by_task(outcomes).items():
        if len(candidates) < 2:
            continue
        sweep = Sweep(task=task, candidates=candidates)
        scored = tuple(tuple(each.records) for each in candidates if each.records)
        event = SweepFinished(
            task=registry.task(task),
            candidates=scored,
            folder=Path(outcomes[0].config.options.runs_dir),
            remarks=sweep.remarks,
        )
        if len(scored) > 1:
            registry.plugins.notify("glueharness_sweep_finished", event)
        sweeps.append(sweep)
    return sweeps
