"""What a plugin tells the core: frozen facts and lazy factories.

A spec is data. Making one imports nothing heavy; the factory in it is called only when a run
needs the thing itself, so that listing two hundred tasks costs no more than listing two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from glueharness.errors import SpecError
from glueharness.settings import DEFAULT, RECIPE_OF

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import click

    from glueharness.protocols import Metric, Model, Source, Writer

Role = Literal["train", "dev", "test"]
Location = TypeVar("Location")

LABEL_COLUMN = "label"
"""Split column with label names (classification) or floats (regression); absent if unlabelled."""
INDEX_COLUMN = "index"
"""Split column with the row's number in a submission, 0 … n-1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSpec:
    """One split of a task's data.

    Attributes:
        name: The split's name, for instance ``"dev_matched"``.
        role: What it serves for. Only ``train`` and ``dev`` carry labels that may be scored.
        rows: Rows of the complete split; None if the task's author does not say. A split with
            another number is marked partial and is not ranked beside complete ones.
    """

    name: str
    role: Role
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """A metric of a task.

    Attributes:
        name: Field name, for instance ``"matthews_correlation"``; the key in run records.
        title: Column heading, for instance ``"Matthews corr."``.
        bounds: Worst and best value. Higher is better.
        factory: Makes the metric for a task; an ``evaluate.Metric`` is one.
    """

    name: str
    title: str
    factory: Callable[[TaskSpec], Metric]
    bounds: tuple[float, float] = (0.0, 1.0)


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
    """

    name: str
    split: str
    values: Mapping[str, str] = field(default_factory=dict)
    decimals: int = 3
    superseded: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """A task: what goes in, what comes out, how it is scored, where its data come from.

    Attributes:
        name: The name on the command line, lower case.
        title: The name in print, for instance ``"QNLI"``.
        description: One sentence.
        columns: The one or two text columns that the model sees, in this order.
        labels: Label names, the position is the id in data that number them; empty for a
            regression. Labels cross every seam by name.
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
        url: The task's page.
    """

    name: str
    title: str
    description: str
    columns: tuple[str, ...]
    labels: tuple[str, ...]
    splits: tuple[SplitSpec, ...]
    metrics: tuple[MetricSpec, ...]
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
    url: str = ""

    def __post_init__(self) -> None:
        """Refuse a spec that contradicts itself."""
        for problem in _problems(self):
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
    def num_outputs(self) -> int:
        """Values the model gives a row: one a label, or one for a regression."""
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


def _problems_of_columns(columns: tuple[str, ...]) -> list[str]:
    # A column's name is also an option of `predict` and a heading in files.
    taken = {LABEL_COLUMN, INDEX_COLUMN, "help"}
    found = [
        f"a column cannot be called {column!r}; use one word"
        for column in columns
        if not column.isidentifier() or column in taken
    ]
    if len(columns) not in {1, 2}:
        found.append(f"columns must be one or two, not {len(columns)}")
    if len(set(columns)) != len(columns):
        found.append("two columns have the same name")
    return found


def _problems(task: TaskSpec) -> list[str]:
    """What contradicts itself in ``task``; empty if nothing does."""
    found = []
    if not task.name or task.name != task.name.lower() or ":" in task.name:
        found.append("the name must be lower case, not empty and without ':'")
    found += _problems_of_columns(task.columns)
    if len(task.labels) == 1 or len(set(task.labels)) != len(task.labels):
        found.append("labels must be at least two different names, or none for a regression")
    if task.labels and task.score_range is not None:
        found.append("score_range is for a regression, which has no labels")
    if not task.metrics:
        found.append("at least one metric is needed; the first is the primary one")
    names = [split.name for split in task.splits]
    if len(set(names)) != len(names):
        found.append("two splits have the same name")
    for file in task.submission:
        if file.split not in names:
            found.append(f"{file.name} is made from split {file.split!r}, which is not listed")
        if task.labels and set(file.values) != set(task.labels):
            found.append(f"{file.name} must say what is written for each label")
    return found


@dataclass(frozen=True, slots=True)
class NoSettings:
    """The settings of a model that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelContext:
    """What a model's factory is given.

    Attributes:
        task: The task to be learnt.
        settings: An instance of the spec's ``settings`` class, resolved and checked.
        seed: Seed of everything random in the model.
        origins: Setting name to the place its value came from.
        argument: What stands behind the colon in ``hf:NAME``; empty for other models.
        offline: Whether the network must not be touched.
    """

    task: TaskSpec
    settings: Any
    seed: int
    origins: Mapping[str, str] = field(default_factory=dict)
    argument: str = ""
    offline: bool = False

    def chosen_by_user(self, name: str) -> bool:
        """Whether a setting's value is the user's, and not a default or the model's recipe."""
        origin = self.origins.get(name, DEFAULT)
        return origin != DEFAULT and not origin.startswith(RECIPE_OF)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model: its facts and how to make it.

    Attributes:
        name: The name on the command line. A family such as ``hf`` is asked for as ``hf:NAME``.
        description: One sentence.
        factory: Makes the untrained model.
        settings: Frozen dataclass of the model's settings, its fields made with
            :func:`glueharness.settings.setting`; each becomes an option of ``run``.
        recipe: The model's own defaults for some of these settings.
        family: Whether the name needs an argument behind a colon.
        checkpoint: Hub id of the pretrained checkpoint, if any.
        revision: Its pinned revision.
        parameters: Number of parameters, if fixed.
        citation: Paper or page.
    """

    name: str
    description: str
    factory: Callable[[ModelContext], Model]
    settings: type[Any] = NoSettings
    recipe: Mapping[str, Any] = field(default_factory=dict)
    family: bool = False
    checkpoint: str = ""
    revision: str = ""
    parameters: int | None = None
    citation: str = ""


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
class WriterSpec:
    """A way to write a submission.

    Attributes:
        name: What a task's ``writer`` or ``submit --writer`` takes.
        description: One sentence.
        factory: Makes the writer.
    """

    name: str
    description: str
    factory: Callable[[], Writer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of ``glueharness doctor``.

    Attributes:
        name: What it is about, for instance ``"GPU"``.
        value: What was found.
        remedy: What to do if it is not as it should be; empty if all is well.
    """

    name: str
    value: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticSpec:
    """What a plugin can tell ``glueharness doctor`` about this machine.

    Attributes:
        name: Name of the diagnostic, and heading of its lines.
        factory: Looks and tells, within a few seconds; True stands for "touch no network".
    """

    name: str
    factory: Callable[[bool], Sequence[Fact]]


Scores = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Metric values by task, split and metric name, as the metrics give them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSpec:
    """Tasks that are run, submitted and scored together.

    Attributes:
        name: The name on the command line; what a task's ``group`` says.
        title: The name in print.
        description: One sentence: how the score is made.
        tasks: Names of the tasks that count, in the order of their columns.
        score: The group's score from its tasks' scores, a fraction in [0, 1]; None unless all
            of them are there.
        citation: Where the rule comes from.
    """

    name: str
    title: str
    description: str
    tasks: tuple[str, ...]
    score: Callable[[Scores], float | None]
    citation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSpec:
    """Scores that somebody has published, to stand beside one's own.

    Attributes:
        name: The model as its authors call it.
        scores: Metric values by task, split and metric name, as the metrics give them: fractions.
        source: Where they were published.
        group: Group of the tasks; empty if none.
        group_score: The group's score as published, a fraction; None if none was.
        versions: Task name to the version of its data, where it is not the current one.
        note: What else one should know to compare them; empty if nothing.
    """

    name: str
    scores: Scores
    source: str
    group: str = ""
    group_score: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetSpec:
    """Settings that belong together, for instance those of a paper; ``run --preset NAME``.

    Attributes:
        name: The name on the command line.
        description: One sentence.
        settings: Setting name to value; options and files win over them.
        grid: Setting name to the values to try; each combination is a run, and the best on the
            dev splits counts.
        citation: Where they come from.
    """

    name: str
    description: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    citation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerSpec:
    """Something that follows runs elsewhere, asked for with ``run --track NAME``.

    Attributes:
        name: What ``--track`` takes.
        description: One sentence.
        factory: Makes the listener: an object whose methods implement the run-event hooks,
            marked with ``@glueharness.hookimpl``. Called before a run begins; raise a
            :class:`glueharness.ConfigError` there if a library is missing.
    """

    name: str
    description: str
    factory: Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """A command that a plugin adds.

    Attributes:
        name: The word after ``glueharness``.
        help: One line for ``glueharness --help``.
        factory: Imports and returns the command, when it is called.
    """

    name: str
    help: str
    factory: Callable[[], click.Command]
