"""The plan of several runs: tasks × settings × seeds, each with the run that it starts from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.run.evaluate import require_dev
from glueharness.run.grid import OPTION, points_of, with_preset
from glueharness.run.prepare import require_learner
from glueharness.run.trained_model import check_alike
from glueharness.settings.fields import Layer, require_effect, settings_of
from glueharness.settings.run_options import RunOptions
from glueharness.settings.values import convert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.run.config import RunConfig
    from glueharness.run.grid import Grid
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
        chosen_by: The option that gives the grid.
    """

    names: Sequence[str]
    layers: Sequence[Layer]
    seeds: Sequence[int] = ()
    preset: str = ""
    init_from: str = ""
    resume: str = ""
    rerun: bool = False
    grid: Grid = field(default_factory=dict)
    chosen_by: str = OPTION


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
                require_effect(config.settings, _given(request))
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
    _refuse_same(plan, request)
    if request.resume and len(plan) != 1:
        raise ConfigError(
            f"--resume is for one run, and this command names {len(plan)}",
            remedy="Leave it out: what is unfinished is resumed anyway.",
        )
    return plan


def _given(request: PlanRequest) -> dict[str, str]:
    """The settings that the user gave, and where."""
    places = dict.fromkeys(request.grid, request.chosen_by)
    for layer in reversed(request.layers):
        places |= dict.fromkeys(layer.values, layer.origin)
    return places


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
    layers = [Layer(origin=request.chosen_by, values=own)] if own else []
    layers += request.layers
    if preset is not None:
        others = {name: value for name, value in point.items() if name not in own}
        values = {**preset.fixed(task), **others}
        layers.append(Layer(origin=f"preset {preset.name}", values=values))
    return layers


def same_run(planned: PlannedRun) -> tuple[Any, ...]:
    """What two planned runs share only if they are one, however their settings were written."""
    options = planned.config.options
    return planned.config.task, options.model, options.seed, planned.config.settings


def _refuse_same(plan: Sequence[PlannedRun], request: PlanRequest) -> None:
    """Refuse values that are the same: ``0.5`` and ``0.50`` are not two settings to try.

    Raises:
        ConfigError: It names them.
    """
    if not request.grid:
        return
    known: dict[str, PlannedRun] = {}
    for planned in plan:
        other = known.setdefault(repr((same_run(planned), planned.config.options)), planned)
        if other.point != planned.point:
            told = [
                f"{name}={value} and {name}={other.point[name]}"
                for name, value in planned.point.items()
                if value != other.point[name]
            ]
            raise ConfigError(
                f"the grid names the same twice: {', '.join(told)}",
                remedy="Name each value once: every one counts as a setting that was tried.",
            )


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
