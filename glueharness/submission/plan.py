"""What a submission will hold: for each task the run that predicts it, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glueharness.errors import ConfigError, SubmissionError
from glueharness.submission.check import submitted_tasks, targets
from glueharness.submission.choose_run import choose_run, learner

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from glueharness.plugin.registry import Registry
    from glueharness.specs import TaskSpec
    from glueharness.submission.choose_run import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOptions:
    """What is to be submitted.

    Attributes:
        targets: Names of tasks, or of score groups for all of their tasks.
        output: Folder to write to.
        runs_dir: Folder of the runs.
        run: The run to take; empty for the best. Goes with a single task.
        data: Source of the test data; empty for the one that the run had.
        data_dir: Data folder; None for the one that the run had.
        offline: Whether the network must not be touched.
        archive: Whether to pack all files of the group, with fillers for tasks not submitted.
        writer: Name of the writer; empty for the tasks' own.
    """

    targets: tuple[str, ...]
    output: Path
    runs_dir: Path
    run: str = ""
    data: str = ""
    data_dir: Path | None = None
    offline: bool = False
    archive: bool = False
    writer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A task to be predicted.

    Attributes:
        task: The task.
        choice: The run whose model predicts it.
        required: Whether it was asked for by name, so that nothing else may stand in for it.
    """

    task: TaskSpec
    choice: Choice
    required: bool


@dataclass(slots=True, kw_only=True)
class Plan:
    """What a submission will hold.

    Attributes:
        tasks: All tasks that it is made for, in the registry's order.
        jobs: Those that are predicted.
        fillers: Name of each other task to the reason why it is not.
        archive: Whether everything is packed.
        writer: Name of the writer.
    """

    tasks: Sequence[TaskSpec]
    jobs: list[Job] = field(default_factory=list)
    fillers: dict[str, str] = field(default_factory=dict)
    archive: bool = False
    writer: str = ""


def make_plan(options: SubmitOptions, registry: Registry) -> Plan:
    """Choose a run for each task.

    Raises:
        UnknownNameError: No task, group or run of a name that was given.
        ConfigError: The names that were given do not go together.
        SubmissionError: A task that was asked for cannot be submitted, or none can.
    """
    named, groups = targets(options.targets, registry)
    for task in named:
        if not task.submission:
            raise SubmissionError(
                f"task {task.name} has no submission",
                remedy="Its plugin can give it one: TaskSpec(writer=..., submission=...).",
            )
    if options.run and (groups or len(named) != 1):
        raise ConfigError("--run goes with a single task")
    archive = options.archive or bool(groups)
    asked = {task.name for task in named}
    tasks = [
        task
        for task in submitted_tasks(registry)
        if task.name in asked
        or task.trained_on in asked
        or (task.group and (task.group in groups or (archive and task.group in _groups(named))))
    ]
    plan = Plan(tasks=tasks, archive=archive, writer=options.writer or _writer(tasks))
    if archive and len(_groups(tasks)) > 1:
        raise ConfigError(f"one archive cannot hold {' and '.join(sorted(_groups(tasks)))}")
    for task in tasks:
        wanted = task.name in asked or task.trained_on in asked or task.group in groups
        if wanted:
            _choose(plan, task, options, registry, required=task.name in asked)
        else:
            plan.fillers[task.name] = "it was not asked for"
    if not plan.jobs:
        raise SubmissionError(
            f"there is no run to submit for {' '.join(options.targets)}",
            where=str(options.runs_dir),
            remedy="\n".join(f"  {name}: {reason}" for name, reason in plan.fillers.items()),
        )
    return plan


def _choose(
    plan: Plan, task: TaskSpec, options: SubmitOptions, registry: Registry, *, required: bool
) -> None:
    try:
        choice = choose_run(options.runs_dir, learner(task, registry), options.run)
    except SubmissionError as error:
        if required:
            raise
        plan.fillers[task.name] = error.what
    else:
        plan.jobs.append(Job(task=task, choice=choice, required=required))


def _groups(tasks: Iterable[TaskSpec]) -> set[str]:
    """Groups of the tasks; a task with none stands alone under its own name."""
    return {task.group or task.name for task in tasks}


def _writer(tasks: Sequence[TaskSpec]) -> str:
    names = sorted({task.writer for task in tasks})
    if len(names) > 1:
        raise ConfigError(
            f"these tasks have several writers: {', '.join(names)}",
            remedy="Submit them one by one, or choose one with --writer.",
        )
    return names[0]
