"""What `run` and `evaluate` return: completed runs that a notebook shows as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, overload

from glueharness.api.tables import html_table, text_table
from glueharness.cli.results import RUN_COLUMNS, run_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glueharness.record.record import RunRecord
    from glueharness.run.outcomes import TaskOutcome
    from glueharness.specs import TaskSpec


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """A completed run.

    Attributes:
        record: Everything that is known about it: settings, data, versions, scores.
        folder: Its folder, with predictions and model.
        reused: Whether it was there already: the same computation had been completed before.
        spec: Its task.
    """

    record: RunRecord
    folder: Path
    reused: bool
    spec: TaskSpec

    @property
    def scores(self) -> Mapping[str, Mapping[str, float]]:
        """Its scores by dev split and metric name, as the metrics give them (fractions)."""
        return self.record.metrics

    @property
    def score(self) -> float | None:
        """Mean of the primary metric over the dev splits."""
        return self.record.primary

    @property
    def marks(self) -> Sequence[str]:
        """What keeps it from being compared with others, for instance ``sample`` or ``fresh``."""
        return self.record.marks

    def __repr__(self) -> str:
        """A table of its scores."""
        return text_table(RUN_COLUMNS, run_rows(self.record, self.spec))

    def _repr_html_(self) -> str:
        return html_table(RUN_COLUMNS, run_rows(self.record, self.spec), f"run {self.folder}")


class Runs(Sequence[Run]):
    """Completed runs in the order in which they were asked for.

    Args:
        runs: The runs.
        tasks: What of them counts, by task: of a grid only the runs of its best point do.
    """

    def __init__(self, runs: Sequence[Run], tasks: Sequence[TaskOutcome]) -> None:
        self._runs, self._tasks = tuple(runs), tuple(tasks)

    @overload
    def __getitem__(self, position: int) -> Run: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[Run]: ...
    def __getitem__(self, position: int | slice) -> Run | Sequence[Run]:
        """One of them by its position, or several."""
        return self._runs[position]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._runs)

    @property
    def scores(self) -> dict[str, dict[str, dict[str, float]]]:
        """Their scores by task, dev split and metric name, over the seeds.

        The mean; the median if the preset says so. Of a grid, those of its best point.
        """
        return {
            outcome.task: {
                split: {
                    metric: median(values) if outcome.choose == "median" else fmean(values)
                    for metric, values in metrics.items()
                }
                for split, metrics in outcome.values().items()
            }
            for outcome in self._tasks
        }

    def __repr__(self) -> str:
        """A table with the scores of each run."""
        return text_table(("seed", *RUN_COLUMNS), self._rows())

    def _repr_html_(self) -> str:
        folders = dict.fromkeys(str(run.folder) for run in self._runs)
        return html_table(("seed", *RUN_COLUMNS), self._rows(), *(f"run {f}" for f in folders))

    def _rows(self) -> list[list[str]]:
        return [
            [str(run.record.seed), *row]
            for run in self._runs
            for row in run_rows(run.record, run.spec)
        ]
