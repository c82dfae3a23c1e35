"""Specs of groups of tasks, published scores and presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Choose = Literal["mean", "median"]
"""What is reported of several seeds."""

Scores = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Metric values by task, split and metric name, as the metrics give them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSpec:
    """Tasks that are run, submitted and scored together.

    Attributes:
        name: The name on the command line; what a task's ``group`` says.
        title: The name in print.
        description: One sentence: how the score is made.
        tasks: Names of the tasks that count, in the order of their columns.
        score: The group's score from its tasks' scores, a fraction in [0, 1]; None unless all
            of them are there.
        metrics: Names of the metrics that count, by task: what a task gains beside them changes no
            group's score. A task that is not named counts with all of its metrics.
        citation: Where the rule comes from.
    """

    name: str
    title: str
    description: str
    tasks: tuple[str, ...]
    score: Callable[[Scores], float | None]
    metrics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    citation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSpec:
    """Scores that somebody has published, to show beside one's own.

    Attributes:
        name: The model as its authors call it.
        scores: Metric values by task, split and metric name, as the metrics give them: fractions.
        source: Where they were published.
        group: Group of the tasks; empty if none.
        group_score: The group's score as published, a fraction; None if none was.
        versions: Task name to the version of its data, where it is not the current one.
        note: What else to know when comparing them; empty if nothing.
    """

    name: str
    scores: Scores
    source: str
    group: str = ""
    group_score: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetSpec:
    """Settings that belong together, for instance those of a paper; ``run --preset NAME``.

    Attributes:
        name: The name on the command line.
        description: One sentence.
        settings: Setting name to value; options and files override them.
        grid: Setting name to the values to try; each combination is a run.
        tasks: Task name to the settings that it has instead of, or besides, those of all.
        seeds: Seeds to run each task with, unless the user names some; empty for the usual one.
        init_from: Task from whose run those start that usually do, unless the user says otherwise
            (see :attr:`glueharness.TaskSpec.starts_from`); empty for none.
        choose: What its source reports of several seeds, and chooses the best point of the grid
            by: their ``"mean"`` or their ``"median"``.
        lacks: What of its source no setting expresses, each in a sentence without full stop.
        citation: Where they come from.
    """

    name: str
    description: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    tasks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    init_from: str = ""
    choose: Choose = "mean"
    lacks: tuple[str, ...] = ()
    citation: str = ""

    def fixed(self, task: str) -> dict[str, Any]:
        """The settings that every run of a task has."""
        return {**self.settings, **self.tasks.get(task, {})}
