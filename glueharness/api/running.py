"""`run` and `evaluate` as Python functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueharness.api.completed import Run, Runs
from glueharness.api.session import registry, shown
from glueharness.cli.app import environment_layer
from glueharness.errors import ConfigError, GlueharnessError
from glueharness.run.outcomes import by_task
from glueharness.settings.fields import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.run.outcomes import Outcome

_ORIGIN = "call of run()"


def run(
    *tasks: str,
    seeds: int | Sequence[int] | None = None,
    preset: str = "",
    init_from: str = "",
    rerun: bool = False,
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
        rerun: Repeat runs that were completed before.
        settings: Any option of ``glueharness run`` by its name, for instance ``model``, ``epochs``,
            ``learning_rate``, ``data_dir``, ``runs_dir`` or ``seed``.

    Returns:
        The completed runs, also if it is only one.

    Raises:
        GlueharnessError: It could not be done. If some of several runs failed, the others are
            complete all the same, and the same call returns them when the fault is mended.
    """
    from glueharness.run.grid import remarks_on
    from glueharness.run.many_runs import run_plan
    from glueharness.run.plan import PlanRequest, build_plan

    if not tasks:
        raise ConfigError("run() needs a task", remedy='For instance: run("qnli")')
    for task in tasks:
        _check_name(task, "run")
    request = PlanRequest(
        names=tasks, layers=_layers(settings, _ORIGIN), seeds=_seeds(seeds, settings),
        preset=preset, init_from=init_from, rerun=rerun,
    )  # fmt: skip
    plan = build_plan(request, registry())
    with shown(len(plan)) as display:
        if preset:
            remarks = remarks_on(registry().presets.get(preset), [p.config.task for p in plan])
            display.tell("\n".join(remarks))
        outcomes = run_plan(plan, registry(), display.announce, display.tell)
    return _completed(outcomes)


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
    layers = _layers(settings, "call of evaluate()")
    request = EvaluationRequest(task=task, layers=layers, run=run, rerun=rerun)
    with shown(1) as display:
        result = evaluate_request(request, registry(), display.tell)
    spec = registry().task(task)
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


def _layers(settings: dict[str, Any], origin: str) -> list[Layer]:
    given = {name: value for name, value in settings.items() if value is not None}
    return [Layer(origin=origin, values=given), environment_layer()]


def _seeds(seeds: int | Sequence[int] | None, settings: dict[str, Any]) -> Sequence[int]:
    """The seeds that are meant.

    Raises:
        ConfigError: They are neither a number of seeds nor a list of different ones.
    """
    from glueharness.run.plan import first_seed, parse_seeds

    if seeds is None:
        return ()
    text = str(seeds) if isinstance(seeds, int) else "".join(f"{seed}," for seed in seeds)
    return parse_seeds(text, first_seed(_layers(settings, _ORIGIN)))


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
