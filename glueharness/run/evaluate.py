"""Evaluates a model that is there already: of a stored run, or fine-tuned elsewhere."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError
from glueharness.record.best import Choice, Wanted
from glueharness.record.record import ParentRecord
from glueharness.record.seals import model_hash
from glueharness.record.store import RunStore
from glueharness.run.config import RunConfig, build_config
from glueharness.run.one_run import complete
from glueharness.run.prepare import Loaded, make_model, prepare_evaluation
from glueharness.run.recorded_task import knowing, knowing_named
from glueharness.run.trackers import tracked
from glueharness.run.trained_model import (
    check_alike,
    load_trained,
    task_problem,
    trained_settings,
)
from glueharness.settings.fields import Layer, settings_of
from glueharness.settings.run_options import RunOptions
from glueharness.settings.values import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.run.one_run import RunResult
    from glueharness.run.prepare import Prepared
    from glueharness.specs import TaskSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequest:
    """What is to be evaluated.

    Attributes:
        task: Name of the task whose dev splits score the model.
        layers: Settings, strongest first. If they name a model it is evaluated, else that of a run.
        run: The run whose model it is: its id, a part of it, or ``latest``; empty for the best run
            of the task, or of the task that it is predicted with.
        rerun: Repeat what is there already.
    """

    task: str
    layers: Sequence[Layer]
    run: str = ""
    rerun: bool = False


def evaluate(
    request: EvaluationRequest, registry: Registry, tell: Callable[[str], None] = lambda _: None
) -> RunResult:
    """Score a model on a task's dev splits, and leave a run folder of the kind ``evaluation``.

    Args:
        request: What to evaluate.
        registry: Where names are looked up; its plugins hear the run's events.
        tell: Hears in one line which run was chosen, and what is waited for.

    Returns:
        The completed evaluation; an earlier one that computed the same is not repeated, unless
        ``request.rerun`` says so.

    Raises:
        ConfigError: The task has no labelled rows, the model does not fit it, or the request
            contradicts itself.
        ModelError: The checkpoint has no head for the task.
        GlueharnessError: It could not be done; the record, if there is one, says why.
    """
    options: RunOptions = resolve(RunOptions, _shared(request.layers), owner="evaluate").settings
    registry = _knowing(request, options, registry)
    with tracked(options.track, registry):
        return complete(prepare_request(request, registry, tell), registry, tell)


def prepare_request(
    request: EvaluationRequest, registry: Registry, tell: Callable[[str], None] = lambda _: None
) -> Prepared:
    """What an evaluation works with; arguments and errors as of :func:`evaluate`.

    The registry must have the task.
    """
    named = any("model" in layer.values for layer in request.layers)
    if named and request.run:
        raise ConfigError("--run and --model exclude each other: a run has its own model")
    options: RunOptions = resolve(RunOptions, _shared(request.layers), owner="evaluate").settings
    store = RunStore(options.runs_dir)
    task = registry.task(request.task)
    require_dev(task)
    if named:
        config = build_config(task.name, list(request.layers), registry, rerun=request.rerun)
        return _from_elsewhere(config, registry)
    choice = _choose(request, store, registry)
    tell(f"evaluating the model of run {choice.record.id}: {choice.why}")
    return _of_run(choice.record, request, registry)


def _knowing(request: EvaluationRequest, options: RunOptions, registry: Registry) -> Registry:
    """The registry with the task, if only runs have it: the one that was named, or the newest."""
    store = RunStore(options.runs_dir)
    return knowing_named([request.task], store, registry, options.data_dir, request.run)


def evaluate_run(
    record: RunRecord,
    task: str,
    config: RunConfig,
    registry: Registry,
    tell: Callable[[str], None] = lambda _: None,
) -> RunResult:
    """Score the model of a run that was just done on another task, with the run's own options.

    Args:
        record: The run.
        task: Name of the other task.
        config: What the run was asked to do.
        registry: Where names are looked up.
        tell: As for :func:`evaluate`.

    Returns, raises: As :func:`evaluate`.
    """
    options = dataclasses.asdict(config.options)
    given = {name: options[name] for name in _OPTIONS_OF_BOTH}
    layer = Layer(origin=f"run {record.id}", values=given)
    request = EvaluationRequest(task=task, layers=[layer], run=record.id, rerun=config.rerun)
    return evaluate(request, registry, tell)


_OPTIONS_OF_BOTH = ("data", "data_dir", "limit_dev", "runs_dir", "offline", "track")
"""Options of a run that also serve the evaluation of its model on another task."""


def require_dev(task: TaskSpec) -> None:
    """Refuse a task that has nothing to score a model on.

    Raises:
        ConfigError: It says what can be done with the task.
    """
    if task.splits_of("dev"):
        return
    learnt = task.trained_on or task.name
    raise ConfigError(
        f"{task.name} has no labelled rows to score a model on",
        remedy=f"It can be predicted for a submission: glueharness submit {task.name}, with a run "
        f"of {learnt}"
        if task.submission
        else f"Its texts can be predicted: glueharness predict {task.name}",
    )


def _choose(request: EvaluationRequest, store: RunStore, registry: Registry) -> Choice:
    """The run that was named, or the best of the task, or of the task it is predicted with.

    Raises:
        RunFolderError: There is none.
        ConfigError: The run that was named learnt other labels.
    """
    task = registry.task(request.task)
    if request.run:
        record = store.find(request.run)
        check_alike(knowing(record, registry).task(record.task), task)
        folder = store.path(record)
        return Choice(record=record, folder=folder, why="the one that was asked for")
    learnt = registry.task(task.trained_on) if task.trained_on else task
    check_alike(learnt, task)
    return store.best(
        Wanted(
            task=learnt.name,
            purpose="evaluate",
            metric=learnt.primary.title,
            fits=lambda record: not task_problem(record, learnt),
            remedy=f"Train one (glueharness run {learnt.name}), or name a model that is fine-tuned "
            "already: --model hf:NAME",
        )
    )


def _config_of_run(record: RunRecord, request: EvaluationRequest, registry: Registry) -> RunConfig:
    """The config of a run's evaluation: the settings that its model was trained with.

    What cannot change a result, such as the device, and what only the user may allow comes from
    the present command.

    Raises:
        ConfigError: A setting is given that the model was trained with.
    """
    shared = {item.name for item in settings_of(RunOptions)}
    model = registry.model(record.model).spec
    known = {item.name: item.info for item in settings_of(model.settings)}
    given: dict[str, Any] = {}
    for layer in request.layers:
        for name, value in layer.values.items():
            info = known.get(name)
            fixed = info is not None and info.changes_result and not info.consent
            if name == "seed" or fixed:
                raise ConfigError(
                    f"--{name.replace('_', '-')} is given, which the model of run {record.id} was "
                    "trained with",
                    where=layer.origin,
                    remedy="Leave it out: a run is evaluated with its own settings.",
                )
            if name not in shared:
                given.setdefault(name, value)
    own = {"model": record.model, "seed": record.seed, **_data_of(record, request)}
    options = resolve(
        RunOptions,
        [Layer(origin=f"run {record.id}", values=own), *_shared(request.layers)],
        owner="evaluate",
    )
    trained = trained_settings(record, registry, given)
    return RunConfig(
        task=request.task,
        options=options.settings,
        settings=trained.settings,
        origins={**options.origins, **trained.origins},
        rerun=request.rerun,
        parent=ParentRecord(id=record.id, identity=record.identity, marks=record.marks),
    )


def _data_of(record: RunRecord, request: EvaluationRequest) -> dict[str, Any]:
    """Where a run's data lay, if its own task is asked for and the user names no data."""
    named = {name for layer in request.layers for name in layer.values} & {"data", "data_dir"}
    if named or record.task != request.task:
        return {}
    folder = record.settings.get("data_dir")
    return {"data": record.data.source, "data_dir": folder.value if folder else None}


def _shared(layers: Sequence[Layer]) -> list[Layer]:
    """What the layers say of the settings of every run."""
    known = {item.name for item in settings_of(RunOptions)}
    return [
        dataclasses.replace(
            layer, values={name: value for name, value in layer.values.items() if name in known}
        )
        for layer in layers
    ]


def _of_run(record: RunRecord, request: EvaluationRequest, registry: Registry) -> Prepared:
    """The trained model of a run, and the rows to score it on.

    Raises:
        GlueharnessError: It cannot be loaded, or the rows cannot be read.
    """
    config = _config_of_run(record, request, registry)
    store = RunStore(config.options.runs_dir)
    known = {item.name for item in settings_of(RunOptions)}
    given = {
        name: value
        for layer in reversed(request.layers)
        for name, value in layer.values.items()
        if name not in known
    }
    model = load_trained(store, record, registry, consents=given, offline=config.options.offline)
    loaded = Loaded(
        model=model,
        learnt=knowing(record, registry).task(record.task),
        run=record,
        trained=model_hash(store.path(record)),
    )
    return prepare_evaluation(config, registry, loaded)


def _from_elsewhere(config: RunConfig, registry: Registry) -> Prepared:
    """A model that was not trained here, and the rows to score it on.

    Raises:
        ConfigError: The model knows nothing before it is trained.
        ModelError: Its checkpoint could not be found, or has no head for the task.
    """
    task, offered = registry.task(config.task), registry.model(config.options.model)
    model = make_model(config, registry)
    loaded = Loaded(model=model, learnt=task)
    if offered.spec.trains:
        if not model.takes_finetuned:
            learnt = task.trained_on or task.name
            raise ConfigError(
                f"the model {config.options.model!r} knows nothing before it is trained",
                remedy=f"Train it (glueharness run {learnt} --model {config.options.model}), then "
                f"evaluate the run: glueharness evaluate {task.name} --run ID",
            )
        model.load_finetuned(loaded)
    return prepare_evaluation(config, registry, loaded)
