"""`run` and `evaluate` as Python functions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.api.completed import Run, Runs
from glueharness.api.requests import layers_of, seeds_of, space_of, with_data_files
from glueharness.api.session import registry, shown
from glueharness.cli.run import layers_of_run
from glueharness.errors import ConfigError, GlueharnessError
from glueharness.record.store import LATEST
from glueharness.run.elsewhere import LOCAL
from glueharness.run.grid import only_values, remarks_on
from glueharness.run.outcomes import by_task
from glueharness.run.recorded_task import knowing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.run.elsewhere import Where
    from glueharness.run.grid import Space
    from glueharness.run.outcomes import Outcome
    from glueharness.run.plan import PlannedRun, PlanRequest

_ORIGIN = "call of run()"


def run(  # noqa: PLR0913 - its parameters are the command's options
    *tasks: str,
    seeds: int | Sequence[int] | None = None,
    preset: str = "",
    init_from: str = "",
    resume: str = "",
    rerun: bool = False,
    grid: Mapping[str, Sequence[Any] | str] | None = None,
    search: int | str = "",
    config: str | Path | None = None,
    executor: str = LOCAL,
    jobs: int | None = None,
    **settings: Any,
) -> Runs:
    """Train a model on tasks, score it on their dev splits, and keep everything in run folders.

    It is ``glueharness run``: the same call continues after an interruption, and what is there
    already is not repeated.

    Args:
        tasks: Tasks, or groups of tasks such as ``"glue"``.
        seeds: How many seeds to run each task with, or which; None for the one that ``seed`` gives.
        preset: Name of a preset: settings of a paper or tutorial.
        init_from: Task from whose run those start that usually do.
        resume: Unfinished run to resume: its id, or ``"latest"``.
        rerun: Repeat runs that were completed before.
        grid: Values of settings to try in all combinations: ``{"learning_rate": [1e-5, 3e-5]}``.
        search: Try so many settings, each chosen by how those before it did; ``grid`` then says
            what is chosen from, by values or ranges: ``{"learning_rate": "1e-5..1e-4"}``.
        config: TOML file with settings; what the call says goes before.
        executor: Where the runs are done.
        jobs: Runs at a time.
        settings: Any other option of ``glueharness run`` by its name, for instance ``model``,
            ``epochs``, ``data_dir``, ``runs_dir`` or ``seed``; and ``train_file``, ``dev_file``,
            ``text``, ``label`` or ``dataset``, for a task that is made of data of your own.

    Returns:
        The completed runs, also if it is only one.

    Raises:
        GlueharnessError: It could not be done. If some of several runs failed, the others are
            complete all the same, and the same call returns them when the fault is mended.
    """
    from glueharness.run.config import read_toml, read_toml_grid
    from glueharness.run.elsewhere import Where
    from glueharness.run.plan import PlanRequest, build_plan

    for task in tasks:
        _check_name(task, "run")
    where = Where.parse(executor, jobs)
    told: list[str] = []
    tasks = with_data_files(tasks, settings, told.append)
    layers = layers_of(settings, _ORIGIN)
    file = Path(config) if config is not None else None
    layers += [read_toml(file)] if file is not None else []
    if resume not in {"", LATEST}:
        layers += layers_of_run(resume, layers, registry())
    space = space_of(grid, read_toml_grid(file) if file is not None else {})
    request = PlanRequest(
        names=tasks, layers=layers, seeds=seeds_of(seeds, layers), preset=preset,
        init_from=init_from, resume=resume, rerun=rerun,
        grid={} if search else only_values(space),
    )  # fmt: skip
    if search:
        return _completed(_search(request, space, str(search), where, told))
    plan = build_plan(request, registry())
    if preset:
        told += remarks_on(registry().presets.get(preset), [each.config.task for each in plan])
    return _completed(_do(plan, where, told))


def _search(
    request: PlanRequest, space: Space, text: str, where: Where, told: Sequence[str]
) -> Sequence[Outcome]:
    """Search for settings, and show how it goes; one that was stopped early is no run."""
    from glueharness.cli.plan_progress import PlanDisplay
    from glueharness.run.search import SearchRequest, parse_search, run_search

    searcher, count = parse_search(text)
    wanted = SearchRequest(
        request=request, space=space, count=count, searcher=searcher, where=where
    )
    with PlanDisplay() as display:
        for line in told:
            display.tell(line)
        display.expect(count * max(1, len(request.seeds)))
        outcomes = run_search(wanted, registry(), display.hear, display.tell)
    return [outcome for outcome in outcomes if not outcome.stopped]


def _do(plan: Sequence[PlannedRun], where: Where, told: Sequence[str]) -> Sequence[Outcome]:
    """Do a plan, and show how it goes.

    Args:
        plan: The runs.
        where: Where they are done.
        told: What the user should know beforehand.
    """
    if where.here:
        from glueharness.run.many_runs import run_plan

        with shown(len(plan)) as display:
            for lines in told:
                display.tell(lines)
            return run_plan(plan, registry(), display.announce, display.tell)
    from glueharness.cli.output import stderr
    from glueharness.cli.plan_progress import PlanDisplay
    from glueharness.run.elsewhere import run_elsewhere

    for lines in told:
        stderr().print(lines, markup=False, highlight=False, soft_wrap=True)
    with PlanDisplay() as plan_display:
        plan_display.expect(len(plan))
        return run_elsewhere(plan, registry(), where, plan_display.hear)


def evaluate(task: str, *, run: str = "", rerun: bool = False, **settings: Any) -> Run:
    """Score a model that is trained already on the dev splits of a task, and keep it as a run.

    It is ``glueharness evaluate``.

    Args:
        task: The task.
        run: The run whose model to score: its id or ``"latest"``; empty for the best of the task.
        rerun: Repeat what was evaluated before.
        settings: Any option of ``glueharness evaluate`` by its name, for instance ``model``.

    Raises:
        GlueharnessError: It could not be done.
    """
    from glueharness.run.evaluate import EvaluationRequest
    from glueharness.run.evaluate import evaluate as evaluate_request

    _check_name(task, "evaluate")
    layers = layers_of(settings, "call of evaluate()")
    request = EvaluationRequest(task=task, layers=layers, run=run, rerun=rerun)
    with shown(1) as display:
        result = evaluate_request(request, registry(), display.tell)
    spec = knowing(result.record, registry()).task(task)
    return Run(result.record, result.folder, result.reused, spec)


def _check_name(task: object, function: str) -> None:
    """Refuse what is no name of a task, for instance a list of them.

    Raises:
        ConfigError: With how it is written.
    """
    if not isinstance(task, str):
        several = "; several one after the other" if function == "run" else ""
        example = ', "rte"' if function == "run" else ""
        raise ConfigError(
            f"{function}(): a task is given by its name, a text, not by {type(task).__name__}",
            remedy=f'For instance: {function}("qnli"{example}){several}.',
        )


def _completed(outcomes: Sequence[Outcome]) -> Runs:
    """The runs, if all were completed.

    Raises:
        GlueharnessError: That of the first one that was not.
    """
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if failed and len(outcomes) == 1 and failed[0].error is not None:
        raise failed[0].error
    if failed:
        first = failed[0]
        raise GlueharnessError(
            f"{len(failed)} of {len(outcomes)} runs failed, first {first.config.task} with seed "
            f"{first.config.options.seed}: {first.error}",
            remedy="The others are kept: the same call returns them when this is mended.",
        ) from first.error
    return Runs(
        [
            Run(
                outcome.result.record,
                outcome.result.folder,
                outcome.result.reused,
                registry().task(outcome.result.record.task),
            )
            for outcome in outcomes
            if outcome.result is not None
        ],
        by_task(outcomes),
    )
