"""What became of several runs: each by itself, by task, and by the settings that were tried."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.errors import GlueharnessError
    from glueharness.record.record import RunRecord
    from glueharness.run.config import RunConfig
    from glueharness.run.one_run import RunResult
    from glueharness.specs import Choose


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one planned run.

    Attributes:
        config: What was asked for.
        result: The completed run; None if it failed.
        error: Why it failed; None if it did not.
        worker: Who did it, where that was not this process, and where its log is.
        point: The settings that a grid gave it.
        choose: What counts of several seeds.
        stopped: Whether a search stopped it early, since its epochs scored low.
    """

    config: RunConfig
    result: RunResult | None = None
    error: GlueharnessError | None = None
    worker: str = ""
    point: Mapping[str, Any] = field(default_factory=dict)
    choose: Choose = "mean"
    stopped: bool = False

    @property
    def record(self) -> RunRecord | None:
        """The completed run's record; None if it failed, or was stopped early."""
        return self.result.record if self.result is not None else None

    @property
    def reused(self) -> bool:
        """Whether the run was there already."""
        return self.result is not None and self.result.reused


@dataclass(slots=True)
class TaskOutcome:
    """The completed runs of one task, one per seed.

    Attributes:
        task: Task name.
        records: The runs of the best setting by the primary dev metric, one per seed.
        failed: Number of runs that failed.
        choose: What counts of several seeds.
    """

    task: str
    records: list[RunRecord] = field(default_factory=list)
    failed: int = 0
    choose: Choose = "mean"

    def values(self) -> dict[str, dict[str, list[float]]]:
        """The seeds' dev scores by split and metric name."""
        found: dict[str, dict[str, list[float]]] = {}
        for record in self.records:
            for split, metrics in record.metrics.items():
                for metric, value in metrics.items():
                    found.setdefault(split, {}).setdefault(metric, []).append(value)
        return found


@dataclass(slots=True, kw_only=True)
class Candidate:
    """One of several settings.

    Attributes:
        point: The settings in which it differs from the others.
        records: Its completed runs, one per seed.
        failed: Number of runs that failed.
        choose: What counts of several seeds.
    """

    point: Mapping[str, Any]
    records: list[RunRecord] = field(default_factory=list)
    failed: int = 0
    choose: Choose = "mean"

    @property
    def score(self) -> float:
        """Mean or median of the primary dev metric over its seeds; less than any if it has none."""
        values = [record.primary for record in self.records if record.primary is not None]
        average = median if self.choose == "median" else fmean
        return average(values) if values else float("-inf")


def candidates_by_task(outcomes: Sequence[Outcome]) -> dict[str, list[Candidate]]:
    """The settings of each task, the best first, without those that were stopped early.

    Settings are compared by the mean, or the median, over their seeds: the best setting for each
    seed by itself would be a choice that nobody can make for the next seed.
    """
    found: dict[str, dict[str, Candidate]] = {}
    for outcome in outcomes:
        if outcome.stopped:
            continue
        points = found.setdefault(outcome.config.task, {})
        key = repr(sorted(outcome.point.items()))
        candidate = points.setdefault(key, Candidate(point=outcome.point, choose=outcome.choose))
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


def by_task(outcomes: Sequence[Outcome]) -> list[TaskOutcome]:
    """The outcomes by task; of several settings (a grid) the best on dev counts."""
    return [
        TaskOutcome(
            task,
            candidates[0].records,
            sum(each.failed for each in candidates),
            candidates[0].choose,
        )
        for task, candidates in candidates_by_task(outcomes).items()
    ]
