"""Makes and checks everything that a run works with, be it a training or an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glueharness.data.opening import open_data
from glueharness.data.table import check, head, labelled
from glueharness.errors import ConfigError, DataError
from glueharness.scoring.scorer import Scorer
from glueharness.specs import DataOptions, ModelContext, Remarked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from glueharness.data.opening import OpenedData
    from glueharness.plugin.guarded import GuardedModel, OfferedModel
    from glueharness.plugin.registry import Registry
    from glueharness.record.computation import Kind
    from glueharness.record.record import RunRecord
    from glueharness.run.config import RunConfig
    from glueharness.specs import Role, Split, TaskSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedSplit:
    """A split, and the part of it that a run uses.

    Attributes:
        whole: As the source has it.
        used: The rows that the run uses.
    """

    whole: Split
    used: Split


@dataclass(slots=True, kw_only=True)
class Loaded:
    """A model that is there already, and is only to be evaluated.

    Attributes:
        model: The model, ready to predict.
        learnt: The task whose labels and columns it knows.
        run: The run that trained it; None for a model from elsewhere.
        trained: Hash of that run's model; empty for another model.
        notes: What the model told of itself, for the record.
        warnings: What the user should know.
    """

    model: GuardedModel
    learnt: TaskSpec
    run: RunRecord | None = None
    trained: str = ""
    notes: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def note(self, name: str, value: Any) -> None:
        """Keep a fact about the model."""
        self.notes[name] = value

    def warn(self, message: str) -> None:
        """Keep a warning."""
        self.warnings.append(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a run works with.

    Attributes:
        config: What it is asked to do.
        task: The task.
        offered: The model as its plugin offers it.
        model: The untrained model, or the one to be evaluated.
        data: The opened source.
        train: The training split, by name; empty for an evaluation.
        dev: The dev splits, by name.
        scorer: Scores predictions of the dev splits.
        loaded: What is known of a model that is only evaluated; None: it is to be trained.
    """

    config: RunConfig
    task: TaskSpec
    offered: OfferedModel
    model: GuardedModel
    data: OpenedData
    train: Mapping[str, UsedSplit]
    dev: Mapping[str, UsedSplit]
    scorer: Scorer
    loaded: Loaded | None = None

    @property
    def kind(self) -> Kind:
        """What kind of run it is."""
        return "training" if self.loaded is None else "evaluation"

    @property
    def learnt(self) -> TaskSpec:
        """The task whose labels and columns the model knows."""
        return self.task if self.loaded is None else self.loaded.learnt

    @property
    def remarks(self) -> Sequence[str]:
        """What the data's source and the model have to say before the work begins."""
        data = self.data.data
        of_data = data.remarks if isinstance(data, Remarked) else ()
        return [*of_data, *(self.loaded.warnings if self.loaded is not None else ())]

    @property
    def splits(self) -> dict[str, UsedSplit]:
        """All splits by name, the training split first."""
        return {**self.train, **self.dev}

    @property
    def train_rows(self) -> Split:
        """The rows to learn from."""
        return next(iter(self.train.values())).used

    @property
    def dev_rows(self) -> dict[str, Split]:
        """The rows to be scored on, by split."""
        return {name: split.used for name, split in self.dev.items()}


def prepare(config: RunConfig, registry: Registry) -> Prepared:
    """Make the model to be trained, open the data, read and check the splits.

    Raises:
        ConfigError: The task has no training data of its own, or the model does not train.
        DataError: The data are missing, unlabelled or not what the task says.
        GlueharnessError: The model cannot be made.
    """
    task = registry.task(config.task)
    if task.trained_on:
        raise ConfigError(
            f"{task.name} has no training data, and is predicted with a model of {task.trained_on}",
            remedy=f"Train that (glueharness run {task.trained_on}), then score it: "
            f"glueharness evaluate {task.name}",
        )
    require_learner(registry.model(config.options.model), task)
    return _prepare(config, registry, make_model(config, registry), None)


def prepare_evaluation(config: RunConfig, registry: Registry, loaded: Loaded) -> Prepared:
    """As :func:`prepare`, for a model that is ready to predict; no training split is read.

    Raises:
        DataError: The data are missing, unlabelled or not what the task says.
    """
    return _prepare(config, registry, loaded.model, loaded)


def make_model(config: RunConfig, registry: Registry) -> GuardedModel:
    """The model of a config, untrained.

    Raises:
        GlueharnessError: It cannot be made.
    """
    options = config.options
    offered = registry.model(options.model)
    context = ModelContext(
        task=registry.task(config.task),
        settings=config.settings,
        seed=options.seed,
        origins=config.origins,
        argument=offered.argument,
        offline=options.offline,
        engines=tuple(registry.engines),
    )
    return offered.make(context)


def require_learner(offered: OfferedModel, task: TaskSpec) -> None:
    """Refuse to train a model that only predicts.

    Raises:
        ConfigError: It says how the model is asked.
    """
    if not offered.spec.trains:
        name = f"{offered.spec.name}:{offered.argument}".rstrip(":")
        raise ConfigError(
            f"the model {name!r} does not train: it only predicts",
            remedy=f"Use evaluate: glueharness evaluate {task.name} --model {name}",
        )


def _prepare(
    config: RunConfig, registry: Registry, model: GuardedModel, loaded: Loaded | None
) -> Prepared:
    task, options = registry.task(config.task), config.options
    wanted = DataOptions(source=options.data, folder=options.data_dir, offline=options.offline)
    data = open_data(task, wanted, registry.sources_for(task))
    train = {} if loaded is not None else _load(task, data, "train", options.limit_train)
    dev = _load(task, data, "dev", options.limit_dev)
    used = {name: split.used for name, split in dev.items()}
    return Prepared(
        config=config,
        task=task,
        offered=registry.model(options.model),
        model=model,
        data=data,
        train=train,
        dev=dev,
        scorer=Scorer(
            task,
            used,
            registry.tasks.owner(task.name),
            registry.model(options.model).spec.score_kind,
        ),
        loaded=loaded,
    )


def _load(task: TaskSpec, data: OpenedData, role: Role, limit: int | None) -> dict[str, UsedSplit]:
    loaded = {}
    for spec in task.splits_of(role):
        whole = data.load(spec.name)
        check(whole, task, name=spec.name, where=data.where)
        if not labelled(whole):
            raise DataError(f"the {spec.name} split of {task.name} has no labels", where=data.where)
        loaded[spec.name] = UsedSplit(whole=whole, used=head(whole, limit))
    if not loaded:
        raise DataError(f"{task.name} has no split with the role {role!r}")
    return loaded
