"""``prepare``: makes and checks everything that a run works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueharness.data.opening import open_data
from glueharness.data.table import check, head, labelled
from glueharness.errors import ConfigError, DataError
from glueharness.scoring.scorer import Scorer
from glueharness.specs import DataOptions, ModelContext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness.data.opening import OpenedData
    from glueharness.plugin.guarded import GuardedModel, OfferedModel
    from glueharness.plugin.registry import Registry
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a run works with.

    Attributes:
        config: What it is asked to do.
        task: The task.
        offered: The model as its plugin offers it.
        model: The untrained model.
        data: The opened source.
        train: The training split, by name.
        dev: The dev splits, by name.
        scorer: Scores predictions of the dev splits.
    """

    config: RunConfig
    task: TaskSpec
    offered: OfferedModel
    model: GuardedModel
    data: OpenedData
    train: Mapping[str, UsedSplit]
    dev: Mapping[str, UsedSplit]
    scorer: Scorer

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
    """Make the model, open the data, read and check the splits.

    Raises:
        ConfigError: The task has no training data of its own.
        DataError: The data are missing, unlabelled or not what the task says.
        GlueharnessError: The model cannot be made.
    """
    task, options = registry.task(config.task), config.options
    if task.trained_on:
        raise ConfigError(
            f"{task.name} has no training data",
            remedy=f"It is predicted with the {task.trained_on} model: use {task.trained_on}.",
        )
    offered = registry.model(options.model)
    context = ModelContext(
        task=task,
        settings=config.settings,
        seed=options.seed,
        origins=config.origins,
        argument=offered.argument,
        offline=options.offline,
        engines=tuple(registry.engines),
    )
    model = offered.make(context)
    wanted = DataOptions(source=options.data, folder=options.data_dir, offline=options.offline)
    data = open_data(task, wanted, registry.sources_for(task))
    train = _load(task, data, "train", options.limit_train)
    dev = _load(task, data, "dev", options.limit_dev)
    used = {name: split.used for name, split in dev.items()}
    return Prepared(
        config=config,
        task=task,
        offered=offered,
        model=model,
        data=data,
        train=train,
        dev=dev,
        scorer=Scorer(task, used, registry.tasks.owner(task.name)),
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
