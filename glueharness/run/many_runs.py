"""Several runs together: tasks × settings × seeds, without repeating completed ones."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError, GlueharnessError, Interrupted, RunFolderError
from glueharness.plugin.status import describe
from glueharness.record.best import Wanted
from glueharness.record.record import MODEL_FOLDER, ParentRecord
from glueharness.record.seals import check_model_seal
from glueharness.record.store import RunStore
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.run.evaluate import evaluate_run, require_dev
from glueharness.run.grid import OPTION, points_of, with_preset
from glueharness.run.one_run import run
from glueharness.run.outcomes import Outcome
from glueharness.run.prepare import require_learner
from glueharness.run.trained_model import check_alike
from glueharness.settings.fields import Layer, convert, settings_of
from glueharness.settings.run_options import RunOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.run.config import RunConfig
    from glueharness.run.grid import Grid
    from glueharness.run.one_run import RunResult
    from glueharness.specs import Choose, PresetSpec, TaskSpec

PRETRAINED = "pretrained"
"""Start from the pretrained encoder, whatever the preset says."""
_MAX_SEEDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What is to be run.

    Attributes:
        names: Tasks and groups of tasks.
        layers: Settings, strongest first.
        seeds: Seeds to run each task with; empty for the one that the settings give.
        preset: Name of a preset; empty for none.
        init_from: Task whose best run with the same model and seed gives its encoder to those of
            the tasks that usually start from it, or to the only one named; :data:`PRETRAINED` for
            none; empty for what the preset says.
        resume: Run to resume (see :class:`glueharness.run.config.RunConfig`).
        rerun: Repeat what is there already.
        grid: Values of settings to try, beside those of the preset.
    """

    names: Sequence[str]
    layers: Sequence[Layer]
    seeds: Sequence[int] = ()
    preset: str = ""
    init_from: str = ""
    resume: str = ""
    rerun: bool = False
    grid: Grid = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """A run to be done.

    Attributes:
        config: The run, checked.
        layers: The settings it was made from, strongest first.
        init_from: Task whose encoder it starts from; empty for the pretrained one.
        evaluated: Task without training data that the trained model is then scored on; empty for
            none.
        point: The settings that a grid gives it.
        choose: What counts of several seeds.
    """

    config: RunConfig
    layers: Sequence[Layer]
    init_from: str = ""
    evaluated: str = ""
    point: Mapping[str, Any] = field(default_factory=dict)
    choose: Choose = "mean"


def trainable_tasks(names: Sequence[str], registry: Registry) -> list[str]:
    """Names of the tasks that are meant; of a group those that have training data.

    Raises:
        UnknownNameError: A name is neither a task nor a group.
    """
    targets = registry.targets(names)
    named = {task.name for task in targets.tasks}
    return [
        task.name
        for task in registry.tasks_of(targets)
        if task.name in named or not task.trained_on
    ]


def parse_seeds(text: str, first: int) -> list[int]:
    """``"5"`` means five seeds from ``first`` on, ``"1,7,42"`` these three.

    Raises:
        ConfigError: It is neither.
    """
    try:
        numbers = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        numbers = []
    if "," in text and numbers and min(numbers) >= 0 and len(set(numbers)) == len(numbers):
        return numbers
    if "," not in text and len(numbers) == 1 and 1 <= numbers[0] <= _MAX_SEEDS:
        return list(range(first, first + numbers[0]))
    raise ConfigError(
        f"--seeds must be a number of seeds (1 to {_MAX_SEEDS}) or a list of different seeds "
        f"such as 1,7,42, not {text!r}"
    )


def first_seed(layers: Sequence[Layer]) -> int:
    """The seed that the settings give, from which several are counted.

    Raises:
        ConfigError: It is malformed or out of range.
    """
    item = next(item for item in settings_of(RunOptions) if item.name == "seed")
    for layer in layers:
        if item.name in layer.values:
            return int(convert(item, layer.values[item.name], layer.origin))
    return int(item.default)


def build_plan(request: PlanRequest, registry: Registry) -> list[PlannedRun]:
    """Every run that is asked for, checked before the first one starts.

    Raises:
        ConfigError: A setting is unknown, malformed or out of range.
        UnknownNameError: No such task, group, model or preset.
    """
    preset = registry.presets.get(request.preset) if request.preset else None
    init_from, asked = _init_from(request, preset, registry)
    _refuse_twice(request)
    plan = []
    tasks = trainable_tasks(request.names, registry)
    # The task that others start from comes first.
    for name in sorted(tasks, key=lambda name: name != init_from):
        task, evaluated = _learnt(registry.task(name), registry)
        usual = registry.task(task).starts_from == init_from
        starts = task != init_from and (usual or (asked and len(tasks) == 1))
        for point in points_of(with_preset(request.grid, preset, request.layers, task)):
            for seed, origin in _seeds(request, preset):
                layers = point_layers(request, preset, point, task)
                if seed is not None:
                    layers.insert(0, Layer(origin=origin, values={"seed": seed}))
                config = build_config(
                    task, layers, registry, resume=request.resume, rerun=request.rerun
                )
                require_learner(registry.model(config.options.model), registry.task(task))
                plan.append(
                    PlannedRun(
                        config=config,
                        layers=layers,
                        init_from=init_from if starts else "",
                        evaluated=evaluated,
                        point=point,
                        choose=preset.choose if preset is not None else "mean",
                    )
                )
    if request.resume and len(plan) != 1:
        raise ConfigError(
            f"--resume is for one run, and this command names {len(plan)}",
            remedy="Leave it out: what is unfinished is resumed anyway.",
        )
    return plan


def _init_from(
    request: PlanRequest, preset: PresetSpec | None, registry: Registry
) -> tuple[str, bool]:
    """The task to start from, empty for none; and whether the user asked for it.

    Raises:
        UnknownNameError: There is no such task.
    """
    if request.init_from in {"", PRETRAINED}:
        of_preset = preset.init_from if preset is not None and not request.init_from else ""
        return of_preset, False
    return registry.task(request.init_from).name, True


def _seeds(request: PlanRequest, preset: PresetSpec | None) -> Sequence[tuple[int | None, str]]:
    """The seeds to run each task with, and who says so; None for that of the settings."""
    if request.seeds:
        return [(seed, "--seeds") for seed in request.seeds]
    given = any("seed" in layer.values for layer in request.layers)
    if preset is None or given or not preset.seeds:
        return [(None, "")]
    return [(seed, f"preset {preset.name}") for seed in preset.seeds]


def _learnt(task: TaskSpec, registry: Registry) -> tuple[str, str]:
    """The task that a model for ``task`` is trained on; and ``task``, if that is another one.

    Raises:
        ConfigError: A task without training data has no labelled rows either.
    """
    if not task.trained_on:
        return task.name, ""
    require_dev(task)
    check_alike(registry.task(task.trained_on), task)
    return task.trained_on, task.name


def point_layers(
    request: PlanRequest, preset: PresetSpec | None, point: Mapping[str, Any], task: str
) -> list[Layer]:
    """The settings of a point of the grid, strongest first: the user's, then the preset's."""
    own = {name: value for name, value in point.items() if name in request.grid}
    layers = [Layer(origin=OPTION, values=own)] if own else []
    layers += request.layers
    if preset is not None:
        others = {name: value for name, value in point.items() if name not in own}
        values = {**preset.fixed(task), **others}
        layers.append(Layer(origin=f"preset {preset.name}", values=values))
    return layers


def _refuse_twice(request: PlanRequest) -> None:
    """Refuse a setting that has one value on the command line and several in the grid.

    Raises:
        ConfigError: It names the setting.
    """
    for layer in request.layers:
        for name in layer.values:
            if name in request.grid and layer.origin == COMMAND_LINE:
                flag = "--" + name.replace("_", "-")
                raise ConfigError(
                    f"{name} is given twice: with {flag}, and with values to try",
                    remedy=f"Leave {flag} out, or the grid of {name}.",
                )


def run_plan(
    plan: Sequence[PlannedRun],
    registry: Registry,
    announce: Callable[[int, RunConfig], None],
    tell: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """Do every run of a plan; one that fails does not stop the others.

    Args:
        plan: The runs.
        registry: Where names are looked up.
        announce: Called before each run with its position, 0 for the first.
        tell: Hears in one line what is waited for, and which run another one starts from.

    Raises:
        Interrupted: The user stopped it; completed runs are kept and not repeated next time.
    """
    outcomes: list[Outcome] = []
    for position, planned in enumerate(plan):
        config = planned.config
        announce(position, config)
        try:
            result = do_planned(planned, registry, tell)[-1]
            outcomes.append(
                Outcome(
                    config=config_told(planned),
                    result=result,
                    point=planned.point,
                    choose=planned.choose,
                )
            )
        except Interrupted as stop:
            if len(plan) == 1:
                raise
            raise Interrupted(
                f"stopped after {position} of {len(plan)} runs",
                where=stop.where,
                remedy="The same command continues from here.",
            ) from stop
        except GlueharnessError as error:
            outcomes.append(
                Outcome(config=config, error=error, point=planned.point, choose=planned.choose)
            )
        except Exception as error:  # a model's defect must not cost the other tasks their runs
            if len(plan) == 1:
                raise
            failure = GlueharnessError(f"internal error: {describe(error)}")
            outcomes.append(
                Outcome(config=config, error=failure, point=planned.point, choose=planned.choose)
            )
    return outcomes


def do_planned(
    planned: PlannedRun, registry: Registry, tell: Callable[[str], None]
) -> list[RunResult]:
    """Do one run of a plan.

    Args, raises: As :func:`glueharness.run.one_run.run`.

    Returns:
        Its result, the last of the list; before it the training, if that was of another task.
    """
    config = planned.config
    if planned.evaluated:
        tell(
            f"{planned.evaluated} has no training data: it is scored with a run of "
            f"{config.task}, which comes first"
        )
    if planned.init_from:
        config = _started_from(planned, registry, tell)
    result = run(config, registry, tell)
    if not planned.evaluated:
        return [result]
    return [result, evaluate_run(result.record, planned.evaluated, config, registry, tell)]


def config_told(planned: PlannedRun) -> RunConfig:
    """What was asked for, under the task that its result is of."""
    if not planned.evaluated:
        return planned.config
    return dataclasses.replace(planned.config, task=planned.evaluated)


def _started_from(
    planned: PlannedRun, registry: Registry, tell: Callable[[str], None]
) -> RunConfig:
    """The config with the weights of the run that it starts from.

    Raises:
        ConfigError: There is no such run, or the model takes no weights.
        RunFolderError: Its model has changed since it was completed.
    """
    config, options = planned.config, planned.config.options
    store = RunStore(options.runs_dir)
    wanted = Wanted(
        task=planned.init_from,
        purpose="start from",
        model=options.model,
        seed=options.seed,
        remedy=f"Run {planned.init_from} first, or name it in the same command; or begin with the "
        f"pretrained encoder: --init-from {PRETRAINED}",
    )
    try:
        choice = store.best(wanted)
    except RunFolderError as error:
        raise ConfigError(
            f"{config.task} cannot start from {planned.init_from}: {error.what}",
            where=error.where,
            remedy=error.remedy,
        ) from error
    best = choice.record
    check_model_seal(choice.folder, best)
    marks = f", marked {', '.join(best.marks)}" if best.marks else ""
    tell(f"{config.task} starts from run {best.id} ({choice.why}{marks})")
    folder = choice.folder / MODEL_FOLDER
    layer = Layer(origin=f"--init-from {planned.init_from}", values={"weights": str(folder)})
    made = build_config(
        config.task, [layer, *planned.layers], registry, resume=config.resume, rerun=config.rerun
    )
    parent = ParentRecord(id=best.id, identity=best.identity, marks=best.marks)
    return dataclasses.replace(made, parent=parent)
