"""What ``run`` prints at the end: the scores of one run, or a table over tasks and seeds."""

from __future__ import annotations

from statistics import fmean, median, stdev
from typing import TYPE_CHECKING

from glueharness.cli.measured import speed
from glueharness.cli.output import make_table, percent, stderr, stdout
from glueharness.run.outcomes import by_task
from glueharness.run.sweep import sweeps_of
from glueharness.scoring.group_score import group_score

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.run.outcomes import Candidate, Outcome, TaskOutcome
    from glueharness.run.sweep import Sweep
    from glueharness.specs import Choose, GroupSpec, TaskSpec

_SHOWN_SETTINGS = 20
_LUCK = (
    "The best of several settings looks better than it is: it was chosen on the rows that score it."
)


RUN_COLUMNS = ("task", "model", "split", "metric", "points", "loss", "rows", "marks")
"""Headings of what :func:`run_rows` returns."""


def run_rows(record: RunRecord, task: TaskSpec) -> list[list[str]]:
    """A run's dev scores, a row for each split and metric."""
    titles = {metric.name: metric.title for metric in task.metrics}
    return [
        [
            task.title,
            record.model,
            split,
            titles.get(metric, metric),
            percent(value),
            f"{record.losses[split]:.4f}" if split in record.losses else "–",
            f"{record.data.splits[split].rows:,}",
            ", ".join(record.marks) or "–",
        ]
        for split, metrics in record.metrics.items()
        for metric, value in metrics.items()
    ]


def show_run(record: RunRecord, task: TaskSpec, runs_dir: Path) -> None:
    """Print a run's dev scores and what to do next."""
    from rich.text import Text

    console = stdout()
    console.print(make_table("", RUN_COLUMNS, run_rows(record, task)))
    seconds = sum(record.timings.values())
    console.print(Text(f"run     {runs_dir / record.id}  ({seconds:.1f} s)"), soft_wrap=True)
    if told := speed(record.measured):
        console.print(Text(f"speed   {told}"), soft_wrap=True)
    following = ["glueharness leaderboard"]
    if record.kind == "training" and task.submission and not record.data.sample:
        following.insert(0, f"glueharness submit {task.name}")
    console.print(Text(f"next    {' · '.join(following)}"), soft_wrap=True)


def show_plan(outcomes: Sequence[Outcome], registry: Registry, groups: Sequence[GroupSpec]) -> None:
    """Print each task's mean and standard deviation over its seeds, then group scores."""
    from rich.text import Text

    tasks = by_task(outcomes)
    rows = [row for task in tasks for row in _rows(task, registry.task(task.task))]
    console = stdout()
    model = outcomes[0].config.options.model
    columns = ["task", "split", "metric", "points", "seeds", "marks"]
    console.print(make_table(f"{model}, dev splits", columns, rows))
    for sweep in sweeps_of(outcomes, registry):
        _show_sweep(sweep, registry.task(sweep.task))
    for group in groups:
        console.print(Text(_group_line(group, tasks)), soft_wrap=True)
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    for outcome in failed:
        seed = outcome.config.options.seed
        point = "".join(f", {name} {value}" for name, value in outcome.point.items())
        where = f" (at {outcome.worker})" if outcome.worker else ""
        stderr().print(
            f"failed: {outcome.config.task} with seed {seed}{point}{where}: {outcome.error}",
            style="red",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    console.print(Text("next    glueharness leaderboard"), soft_wrap=True)


def _show_sweep(sweep: Sweep, task: TaskSpec) -> None:
    """Print the settings that were tried, the best first, and what their choice is worth."""
    from rich.text import Text

    names = list(sweep.candidates[0].point)
    shown = sweep.candidates[:_SHOWN_SETTINGS]
    rows = [
        [*(str(each.point.get(name, "–")) for name in names), *_cells_of(each)] for each in shown
    ]
    console = stdout()
    tried = len(sweep.candidates) + sweep.stopped
    early = f", {sweep.stopped} of them stopped early" if sweep.stopped else ""
    title = f"{task.title}: {tried} settings tried{early}"
    columns = [*(name.replace("_", " ") for name in names), task.primary.title, "seeds"]
    console.print(make_table(title, columns, rows))
    if len(shown) < len(sweep.candidates):
        console.print(Text(f"{len(sweep.candidates) - len(shown)} more are on the leaderboard."))
    said = sweep.remarks or [_LUCK]
    for line in said:
        console.print(Text(line), soft_wrap=True)


def _cells_of(candidate: Candidate) -> list[str]:
    values = [record.primary for record in candidate.records if record.primary is not None]
    return [spread(values, candidate.choose) if values else "failed", str(len(candidate.records))]


def _rows(outcome: TaskOutcome, task: TaskSpec) -> list[list[str]]:
    """One line per split and metric, or one that says that no run of the task was completed."""
    if not outcome.records:
        return [[task.title, "–", "–", "failed", "0", "–"]]
    titles = {metric.name: metric.title for metric in task.metrics}
    marks = sorted({mark for record in outcome.records for mark in record.marks})
    return [
        [
            task.title,
            split,
            titles[metric],
            spread(values, outcome.choose),
            str(len(values)),
            ", ".join(marks) or "–",
        ]
        for split, metrics in outcome.values().items()
        for metric, values in metrics.items()
    ]


def spread(values: Sequence[float], choose: Choose = "mean") -> str:
    """Of several values mean and standard deviation in points, or median and range."""
    if len(values) < 2:
        return percent(values[0])
    if choose == "median":
        return f"median {percent(median(values))} ({percent(min(values))}–{percent(max(values))})"
    return f"{percent(fmean(values))} ± {percent(stdev(values))}"


def _group_line(group: GroupSpec, tasks: Sequence[TaskOutcome]) -> str:
    """The group's score from the tasks' means, or how many of its tasks there are."""
    found = group_score(group, {task.task: task.records for task in tasks})
    if found.score is None:
        return f"{group.title}   no score: {found.why}"
    told = f" (dev; marked {', '.join(found.marks)})" if found.marks else " (dev)"
    samples = "sample" in found.marks
    note = f" on made-up data, which says nothing about {group.title}" if samples else told
    deviation = f" ± {percent(found.deviation)}" if found.deviation is not None else ""
    return f"{group.title} score   {percent(found.score)}{deviation}{note}"
