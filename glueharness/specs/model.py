"""Specs and protocols of models, and what their factories are given.

Nothing to inherit: any object with these methods will do. Shapes: n = rows, k = labels.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the fields' types are read by tools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, get_args, runtime_checkable

from glueharness.errors import SpecError
from glueharness.record.score_kind import ScoreKind
from glueharness.settings.fields import DEFAULT, RECIPE_OF

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from glueharness.specs.data import FloatArray, Split
    from glueharness.specs.engine import EngineSpec
    from glueharness.specs.task import TaskSpec

FRESH = "fresh"
"""The weights of a model that should start from pretrained ones, but started without them."""


@dataclass(frozen=True, slots=True)
class NoSettings:
    """The settings of a model that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelContext:
    """What a model's factory is given.

    Attributes:
        task: The task to learn.
        settings: An instance of the spec's ``settings`` class, resolved and checked.
        seed: Seed of everything random in the model.
        origins: Setting name to the place its value came from.
        argument: The text after the colon in ``hf:NAME``; empty for other models.
        offline: Whether the network must not be touched.
        engines: Engines of any plugin that may compute an encoder.
    """

    task: TaskSpec
    settings: Any
    seed: int
    origins: Mapping[str, str] = field(default_factory=dict)
    argument: str = ""
    offline: bool = False
    engines: tuple[EngineSpec, ...] = ()

    def chosen_by_user(self, name: str) -> bool:
        """Whether a setting's value is the user's, and not a default or the model's recipe."""
        origin = self.origins.get(name, DEFAULT)
        return origin != DEFAULT and not origin.startswith(RECIPE_OF)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model: its facts and how to make it.

    Attributes:
        name: The name on the command line. A family such as ``hf`` is used as ``hf:NAME``.
        description: One sentence.
        factory: Makes the untrained model.
        settings: Frozen dataclass of the model's settings, its fields made with
            :func:`glueharness.setting`; each becomes an option of ``run``.
        recipe: The model's own defaults for some of these settings.
        family: Whether the name needs an argument after a colon.
        checkpoint: Hub id of the pretrained checkpoint, if any.
        revision: Its pinned revision.
        parameters: Number of parameters, if fixed.
        citation: Paper or page.
        trains: Whether it learns from a task's training rows. A model that does not has only
            :meth:`Predictor.predict`, and is asked by ``evaluate``.
        score_kind: What :meth:`Predictor.predict` gives for labels: ``logits``, of which a softmax
            makes probabilities, ``probabilities``, or ``margins``, of which it does not. Of the
            first two a run keeps the dev loss.
        multiple_choice: Whether it also knows tasks of multiple choice, which have more than two
            columns (see ``choices`` of :class:`glueharness.TaskSpec`).
        together: For a model that trains in several processes, whose settings have ``devices``:
            a region in which it trains in all those that torchrun or accelerate launch started.
            Called in each of them; what it gives says whether this is the first, which does the
            runs. In the others it follows the first until that one leaves the region.
        search: What ``run --search`` chooses from where the user does not say it: setting name to
            values in the form of ``--grid``, for instance ``{"learning_rate": "1e-5..1e-4"}``.
    """

    name: str
    description: str
    factory: Callable[[ModelContext], Predictor]
    settings: type[Any] = NoSettings
    recipe: Mapping[str, Any] = field(default_factory=dict)
    family: bool = False
    checkpoint: str = ""
    revision: str = ""
    parameters: int | None = None
    citation: str = ""
    trains: bool = True
    score_kind: ScoreKind = "not known"
    multiple_choice: bool = False
    together: Callable[[], AbstractContextManager[bool]] | None = None
    search: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a kind of scores that there is not."""
        kinds = [kind for kind in get_args(ScoreKind) if kind != "values"]
        if self.score_kind not in kinds:
            raise SpecError(
                f"model {self.name!r}: score_kind must be one of {', '.join(kinds)}, not "
                f"{self.score_kind!r}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far long work is. Listeners get a few reports per second at most.

    Attributes:
        phase: What is being done, for instance ``"train"``; shown to the user.
        done: Units done in this phase.
        total: Units in all; 0 if unknown.
        unit: What is counted, for instance ``"steps"``.
        values: Further values, for instance ``{"loss": 0.61, "epoch": 2}``.
    """

    phase: str
    done: int
    total: int
    unit: str = "steps"
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Scores of the dev splits at one moment of training.

    Attributes:
        metrics: Values by split and metric name.
        primary: Mean of the primary metric over the dev splits, which picks the best epoch.
        losses: Mean loss by split, where the model's scores have one.
    """

    metrics: Mapping[str, Mapping[str, float]]
    primary: float
    losses: Mapping[str, float] = field(default_factory=dict)


class FitContext(Protocol):
    """What the run offers a model while it trains."""

    @property
    def folder(self) -> Path:
        """A folder for checkpoints. It survives an interruption and is deleted after the run."""
        ...

    @property
    def resume(self) -> bool:
        """Whether to resume from the checkpoint in ``folder``."""
        ...

    def score(self, predictions: Mapping[str, FloatArray]) -> Evaluation:
        """Score predictions of the dev splits, as :meth:`Model.predict` returns them, by split."""
        ...

    def report(self, progress: Progress) -> None:
        """Report how far the work is; cheap enough to call at every step."""
        ...

    def epoch(self, epoch: int, evaluation: Evaluation, values: Mapping[str, float]) -> None:
        """Report the end of an epoch; ``values`` has, for instance, its mean training loss.

        After resuming, report the epochs that were finished before again, in order.
        """
        ...

    def note(self, name: str, value: Any) -> None:
        """Put a fact about the model into the run record; its value must be valid for JSON.

        The run measures by some, if they are told: ``parameters``, their number; ``speed``, a
        mapping of ``rows``, ``steps`` and ``seconds`` of training, ``rows_scored`` and
        ``seconds_of_scoring`` of the evaluations in these seconds, ``rows_tokenized`` and
        ``seconds_of_tokenizing`` of dev rows before; ``peak_gpu_memory_bytes``.
        """
        ...

    def adjust(self, name: str, value: Any, origin: str) -> None:
        """Report that a setting has another value than the one asked for, and why.

        For values that are known only when the work begins, for instance because weights are
        fresh. A value that the user chose must be kept (see :meth:`ModelContext.chosen_by_user`).
        """
        ...

    def warn(self, message: str) -> None:
        """Warn the user, and keep the warning in the record, for instance of fresh weights."""
        ...

    def interruptible(self) -> AbstractContextManager[Callable[[], bool]]:
        """A region in which Ctrl-C only asks to stop; calling its value says whether it did.

        A loop that polls it can save a checkpoint and raise :class:`glueharness.Interrupted`.
        A second Ctrl-C stops at once. Outside such a region, the first one does.
        """
        ...


@runtime_checkable
class Predictor(Protocol):
    """A model that only predicts: one behind an API, or one with rules."""

    def predict(self, split: Split) -> FloatArray:
        """Score every row, in the split's order.

        Returns:
            float32 ``[n, k]`` with columns in the order of the task's labels, where the highest
            is the prediction; ``[n]`` for a regression.
        """
        ...


@runtime_checkable
class Model(Predictor, Protocol):
    """A model of one task that learns it."""

    def fit(self, train: Split, dev: Mapping[str, Split], context: FitContext) -> None:
        """Learn from ``train``; ``dev`` (by split name) is for picking the best epoch."""
        ...

    def save(self, folder: Path) -> None:
        """Write what :meth:`load` needs into an existing empty folder."""
        ...

    def load(self, folder: Path) -> None:
        """Load the model that was saved in ``folder``."""
        ...


class Notes(Protocol):
    """Where a model puts what is to be known of it."""

    def note(self, name: str, value: Any) -> None:
        """Put a fact about the model into the run record; its value must be valid for JSON."""
        ...

    def warn(self, message: str) -> None:
        """Warn the user, and keep the warning in the record."""
        ...


@runtime_checkable
class Finetuned(Protocol):
    """A model whose checkpoint may have been fine-tuned for the task already, elsewhere."""

    def load_finetuned(self, notes: Notes) -> None:
        """Load the checkpoint with the head that it has, for :meth:`Predictor.predict`.

        Nothing of it may be made anew, and its outputs are matched to the task's labels by name.

        Raises:
            ModelError: It has no such head, or its labels are not those of the task.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What a model's result depends on besides the settings that it was given.

    It becomes part of a run's identity: two runs with equal fingerprints, settings, task and data
    must compute the same.

    Attributes:
        weights: What it starts from: a commit on the hub, a hash of files, or :data:`FRESH` if it
            should start from weights and has none; empty for a model that starts from nothing.
        settings: The values that settings will have instead of the given ones, for instance
            because of a recipe for the encoder that was found.
        engine: What computes it, for instance ``"torch"``.
        device: Kind of device as resolved: ``"cpu"``, ``"cuda"``.
        precision: Number format as resolved, for instance ``"bf16"``.
        packages: Distributions whose major versions matter, for instance ``"torch"``.
        devices: How many processes compute it together, where numbers depend on that.
    """

    weights: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    engine: str = ""
    device: str = ""
    precision: str = ""
    packages: tuple[str, ...] = ()
    devices: int = 1


@runtime_checkable
class Fingerprinted(Protocol):
    """A model that can say before it trains what its result depends on."""

    def fingerprint(self) -> Fingerprint:
        """What the result depends on; called before :meth:`Model.fit` and again after it.

        The first time counts for what it starts from, that is for weights and settings. The second
        time tells by which engine, on which device and in which precision it was computed: what
        was planned may turn out not to work, and then the run is recorded under what took over.

        Of a model that is only evaluated: after :meth:`Model.load` or
        :meth:`Finetuned.load_finetuned`, and then of what was loaded.

        It may look for weights and read their files, and uses the network only as ``fit`` would.
        """
        ...
