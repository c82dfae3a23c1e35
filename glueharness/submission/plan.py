"""What will be in a submission: for each task its run, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError, SubmissionError
from glueharness.record.reproductions import without_reproductions
from glueharness.record.store import RunStore
from glueharness.submission.check import submitted_tasks
from glueharness.submission.choose_run import REFUSED, choose_run, learner

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from glueharness.plugin.registry import Registry
    from glueharness.record.best import Choice
    from glueharness.specs import TaskSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOptions:
    """What is to be submitted.

    Attributes:
        targets: Names of tasks, or of score groups for all of their tasks.
        output: Folder to write to.
        runs_dir: Folder of the runs.
        run: The run to take; empty for the best. Goes with a single task.
        model: The model whose runs to take; empty: of a single task the best run's, of a group
            that which has runs of the most tasks.
        seed: The seed whose runs to take; None for any.
        mix: Whether each task of a group may be predicted by another model.
        data: Source of the test data; empty for the one that the run had.
        data_dir: Data folder; None for the one that the run had.
        offline: Whether the network must not be touched.
        archive: Whether to pack all files of the group, with fillers for tasks not submitted.
        writer: Name of the writer; empty for the tasks' own.
        consents: What the present command allows, by the model's setting.
    """

    targets: tuple[str, ...]
    output: Path
    runs_dir: Path
    run: str = ""
    model: str = ""
    seed: int | None = None
    mix: bool = False
    data: str = ""
    data_dir: Path | None = None
    offline: bool = False
    archive: bool = False
    writer: str = ""
    consents: Mapping[str, Any] = field(default_factory=dict)


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
        store: The runs.
        why: Why all files come from one model; empty if nothing had to be decided.
        offline: Whether the network must not be touched.
        consents: What the present command allows, by the model's setting.
    """

    tasks: Sequence[TaskSpec]
    store: RunStore
    jobs: list[Job] = field(default_factory=list)
    fillers: dict[str, str] = field(default_factory=dict)
    archive: bool = False
    writer: str = ""
    why: str = ""
    offline: bool = False
    consents: Mapping[str, Any] = field(default_factory=dict)


def make_plan(options: SubmitOptions, registry: Registry) -> Plan:
    """Choose a run for each task.

    Raises:
        UnknownNameError: No task, group or run of a name that was given.
        ConfigError: The names that were given do not go together.
        SubmissionError: A task that was asked for cannot be submitted, or none can.
    """
    targets = registry.targets(options.targets)
    named, groups = targets.tasks, targets.groups
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
    store = RunStore(options.runs_dir)
    plan = Plan(
        tasks=tasks,
        store=store,
        archive=archive,
        writer=options.writer or _writer(tasks),
        offline=options.offline,
        consents=options.consents,
    )
    if archive and len(_groups(tasks)) > 1:
        raise ConfigError(f"one archive cannot hold {' and '.join(sorted(_groups(tasks)))}")
    wanted = [
        task
        for task in tasks
        if task.name in asked or task.trained_on in asked or task.group in groups
    ]
    model = options.model or _common_model(plan, wanted, options, registry)
    for task in tasks:
        if task in wanted:
            _choose(plan, task, (options, model), registry, required=task.name in asked)
        else:
            plan.fillers[task.name] = "it was not asked for"
    if not plan.jobs:
        raise SubmissionError(
            f"there is no run to submit for {' '.join(options.targets)}",
            where=str(options.runs_dir),
            remedy="\n".join(f"  {name}: {reason}" for name, reason in plan.fillers.items()),
        )
    return plan


def _common_model(
    plan: Plan, wanted: Sequence[TaskSpec], options: SubmitOptions, registry: Registry
) -> str:
    """The model that all of a submission comes from; empty if each task may have its own.

    A table's row is one model's. It is the one that has runs of the most tasks; of several, the one
    whose scores have the highest mean over the tasks.
    """
    learnt = {learner(task, registry).name for task in wanted}
    if options.run or options.mix or len(learnt) < 2:
        return ""
    scores: dict[str, dict[str, float]] = {}
    for record in without_reproductions(plan.store.listed()):
        trained = record.status == "completed" and record.kind == "training"
        fits = trained and not REFUSED & set(record.marks)
        if fits and record.task in learnt and options.seed in {None, record.seed}:
            of_model = scores.setdefault(record.model, {})
            of_model[record.task] = max(of_model.get(record.task, -1.0), record.primary or 0.0)
    if len(scores) < 2:
        return ""
    best = max(scores, key=lambda name: (len(scores[name]), sum(scores[name].values()), name))
    plan.why = (
        f"all files come from {best}, which has runs of {len(scores[best])} of {len(learnt)} "
        f"tasks; --model takes another of {len(scores)}, --mix the best of each task"
    )
    return best


def _choose(
    plan: Plan,
    task: TaskSpec,
    how: tuple[SubmitOptions, str],
    registry: Registry,
    *,
    required: bool,
) -> None:
    options, model = how
    try:
        choice = choose_run(
            plan.store, learner(task, registry), options.run, model=model, seed=options.seed
        )
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
