"""Specs and protocols of tasks: labels, metrics, sources, files of a submission."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003 - the fields' types are read by tools
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from glueharness.errors import SpecError
from glueharness.specs.data import LABEL_COLUMN, Role, SplitSpec
from glueharness.specs.file_names import file_name_problem, has_control
from glueharness.specs.problems import (
    problems_of_columns,
    problems_of_labels,
    problems_of_splits,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueharness.specs.data import DataOptions, TaskData

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_RESERVED = frozenset({"all"})
_LONGEST = 200
Location = TypeVar("Location")


@runtime_checkable
class Metric(Protocol):
    """A metric. An ``evaluate.Metric`` is one."""

    def compute(self, *, predictions: Sequence[Any], references: Sequence[Any]) -> Any:
        """Score predictions.

        Args:
            predictions: Label names, or floats for a regression; length n.
            references: The same for the truth.

        Returns:
            A mapping that has the metric's name as a key and a float as its value.
        """
        ...


@runtime_checkable
class GroupedMetric(Metric, Protocol):
    """A metric that looks at rows together, for instance at all answers to one question.

    The column that says which rows belong together is its spec's ``unit``. It is called in the
    place of :meth:`Metric.compute`, which cannot know and may raise a ``ValueError``.
    """

    def compute_grouped(
        self, *, predictions: Sequence[Any], references: Sequence[Any], units: Sequence[str]
    ) -> Any:
        """Score predictions.

        Args:
            predictions: As for :meth:`Metric.compute`; length n.
            references: The same for the truth.
            units: What each row's ``unit`` column holds: rows with the same value belong
                together; length n.

        Returns:
            As :meth:`Metric.compute`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """A metric of a task.

    Attributes:
        name: Field name, for instance ``"matthews_correlation"``; the key in run records.
        title: Column heading, for instance ``"Matthews corr."``.
        bounds: Worst and best value. Higher is better.
        factory: Makes the metric for a task; an ``evaluate.Metric`` is one.
        unit: Column of the data that says which rows belong together, for instance the number of
            a question that has several rows; intervals and tests then count its values, not
            rows, and a :class:`GroupedMetric` is given them. Empty if every row stands alone.
    """

    name: str
    title: str
    factory: Callable[[TaskSpec], Metric]
    bounds: tuple[float, float] = (0.0, 1.0)
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionFile:
    """What one file of a submission holds; the writer knows how such a file looks.

    Attributes:
        name: File name with the exact case the server expects, for instance ``"QNLI.tsv"``.
        split: The split whose predictions go into it.
        values: Label name to what is written for it; empty for a regression.
        decimals: Digits after the point for a regression; predictions are clipped to the
            task's ``score_range`` first.
        superseded: Row counts of versions that the server no longer takes, with what they are:
            ``{5740: "QNLI v1, expired on 2019-01-30"}``.
        names_taken: Whether the server is said to take label names where ``values`` has others.
        keys: Columns of the split that say which row is which, for a writer that names rows by
            more than their number: the passage, the question and the answer, for instance.
    """

    name: str
    split: str
    values: Mapping[str, str] = field(default_factory=dict)
    decimals: int = 3
    superseded: Mapping[int, str] = field(default_factory=dict)
    names_taken: bool = False
    keys: tuple[str, ...] = ()


@runtime_checkable
class Source(Protocol):
    """A place that data can come from."""

    def open(self, task: TaskSpec, options: DataOptions) -> TaskData:
        """Find the task's data.

        Raises:
            SourceUnavailable: This source has no data for the task here; ``--data auto`` then
                tries the next one. It must decide within a few seconds.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """A place that data can come from.

    Attributes:
        name: What ``--data NAME`` takes.
        description: One sentence, shown by ``doctor`` and in messages.
        factory: Makes the source.
        order: Position in ``--data auto``, lowest first. The bundled ones are: folder 10,
            hub 20, sample 90.
    """

    name: str
    description: str
    factory: Callable[[], Source]
    order: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """A task: what goes in, what comes out, how it is scored, where its data come from.

    Attributes:
        name: The name on the command line, lower case.
        title: The name in print, for instance ``"QNLI"``.
        description: One sentence.
        columns: The one or two text columns that the model sees, in this order; in a task of
            multiple choice the choices follow.
        labels: Label names, the position is the id in data that number them; empty for a
            regression. Labels cross every seam by name.
        choices: In a task of multiple choice, those columns, the last ones, that a row's choices
            are in: as many as there are labels, and the first label says that the first choice is
            right. Empty for other tasks.
        score_range: Lowest and highest score of a regression; None for classification.
        splits: All splits of the task.
        metrics: The metrics, the primary one first: it picks the best epoch and ranks runs.
        locations: Where the data lie: one record for each source that has them. A source finds
            its own record by type (see :meth:`location`), the core reads none of them.
        sources: Sources that belong to this task alone; they are tried before the shared ones.
        writer: Name of the submission writer; empty if the task has no submission.
        submission: What the writer writes.
        group: Score group, for instance ``"glue"``; empty if none.
        version: Data version where scores of several are in circulation, for instance ``"v2"``.
        starts_from: Name of the task whose trained encoder is a usual start for this one, for
            ``run --init-from``; empty if there is none.
        trained_on: Name of the task whose model predicts this one, for a task with no training
            data of its own; empty otherwise.
        citation: Paper and, if known, its URL.
        licence: Licence of the data, in words.
        texts_may_be_shared: Whether the licence lets anybody pass on some of the texts, with the
            source named; a page for others, such as that of ``report``, quotes no others.
        url: The task's page.
    """

    name: str
    title: str
    description: str
    columns: tuple[str, ...]
    labels: tuple[str, ...]
    splits: tuple[SplitSpec, ...]
    metrics: tuple[MetricSpec, ...]
    choices: tuple[str, ...] = ()
    score_range: tuple[float, float] | None = None
    locations: tuple[object, ...] = ()
    sources: tuple[SourceSpec, ...] = ()
    writer: str = ""
    submission: tuple[SubmissionFile, ...] = ()
    group: str = ""
    version: str = ""
    starts_from: str = ""
    trained_on: str = ""
    citation: str = ""
    licence: str = ""
    texts_may_be_shared: bool = False
    url: str = ""

    def __post_init__(self) -> None:
        """Refuse a spec that contradicts itself."""
        for problem in _problems_of_types(self) or _problems(self):
            raise SpecError(f"task {self.name!r}: {problem}")

    @property
    def primary(self) -> MetricSpec:
        """The metric that picks the best epoch and ranks runs."""
        return self.metrics[0]

    @property
    def regression(self) -> bool:
        """Whether the model predicts a number and not a label."""
        return not self.labels

    @property
    def context(self) -> tuple[str, ...]:
        """The columns that are no choices: all of them, but in a task of multiple choice."""
        return self.columns[: len(self.columns) - len(self.choices)]

    @property
    def num_outputs(self) -> int:
        """Values that a model computes per row: one per label, or one for a regression.

        A choice has a label of its own, so that there is one for each choice.
        """
        return len(self.labels) or 1

    def split(self, name: str) -> SplitSpec:
        """The split of that name.

        Raises:
            SpecError: The task has no such split.
        """
        for split in self.splits:
            if split.name == name:
                return split
        known = ", ".join(split.name for split in self.splits)
        raise SpecError(f"task {self.name!r} has no split {name!r}; it has {known}")

    def splits_of(self, role: Role) -> tuple[SplitSpec, ...]:
        """The splits with that role, in the spec's order."""
        return tuple(split for split in self.splits if split.role == role)

    def location(self, kind: type[Location]) -> Location | None:
        """The task's location record of that type, for the source that understands it."""
        return next((place for place in self.locations if isinstance(place, kind)), None)


def _problems_of_types(task: TaskSpec) -> list[str]:
    """Fields that hold something of another kind than they must."""
    found = [
        f"{item.name} must be a tuple, not {type(value).__name__}: {item.name}=(...,)"
        for item in fields(task)
        if str(item.type).startswith("tuple[") and item.name != "score_range"
        for value in [getattr(task, item.name)]
        # The comma that makes a tuple of one thing is easily missed.
        if not isinstance(value, tuple | list)
    ]
    if found:
        return found
    inside: tuple[tuple[str, type[Any], tuple[object, ...]], ...] = (
        ("label", str, task.labels),
        ("column", str, task.columns),
        ("choice", str, task.choices),
        ("split", SplitSpec, task.splits),
        ("metric", MetricSpec, task.metrics),
        ("submission file", SubmissionFile, task.submission),
    )
    return [
        f"a {what} must be a {kind.__name__}, not the {type(value).__name__} {value!r}"
        for what, kind, values in inside
        for value in values
        if not isinstance(value, kind)
    ]


def _problems_of_metrics(metrics: tuple[MetricSpec, ...]) -> list[str]:
    if not metrics:
        return ["at least one metric is needed; the first is the primary one"]
    names = [metric.name for metric in metrics]
    found = [
        f"two metrics are called {name!r}" for name in dict.fromkeys(names) if names.count(name) > 1
    ]
    found += [
        f"a metric cannot be called {name!r}"
        for name in names
        if not name.strip() or has_control(name)
    ]
    found += [
        f"the metric {metric.name!r} takes rows of one label for rows that belong together: unit "
        "must be another column"
        for metric in metrics
        if metric.unit == LABEL_COLUMN
    ]
    found += [
        f"the bounds of the metric {metric.name!r} must be its worst and its best value, not "
        f"{metric.bounds!r}"
        for metric in metrics
        if not metric.bounds[0] < metric.bounds[1]  # which no comparison with NaN is
    ]
    return found


def _problems_of_files(task: TaskSpec) -> list[str]:
    found = []
    splits = [split.name for split in task.splits]
    for file in task.submission:
        if problem := file_name_problem(file.name):
            found.append(f"the name of the submission file {file.name!r} {problem}")
        if file.split not in splits:
            found.append(f"{file.name} is made from split {file.split!r}, which is not listed")
        if not isinstance(file.keys, tuple | list) or {LABEL_COLUMN, *task.columns} & {*file.keys}:
            found.append(f"the keys of {file.name} must be a tuple of columns that are no texts")
        if task.labels and set(file.values) != set(task.labels):
            found.append(f"{file.name} must say what is written for each label")
    # Some systems take qnli.tsv and QNLI.tsv for the same file.
    if len({file.name.lower() for file in task.submission}) != len(task.submission):
        found.append("two submission files have the same name")
    return found


def _problems(task: TaskSpec) -> list[str]:
    """What contradicts itself in ``task``; empty if nothing does."""
    found = []
    if not _NAME.fullmatch(task.name):
        found.append("the name must be one lower-case word of letters, digits, '.', '_' and '-'")
    if task.name in _RESERVED:
        found.append(f"the name {task.name!r} means something else: every task")
    if len(task.version) > _LONGEST:
        found.append(f"the version has more than {_LONGEST} characters")
    found += problems_of_columns(task.columns, task.choices, task.labels)
    found += problems_of_labels(task.labels)
    if task.labels and task.score_range is not None:
        found.append("score_range is for a regression, which has no labels")
    found += _problems_of_metrics(task.metrics)
    found += problems_of_splits(task.splits)
    return found + _problems_of_files(task)
