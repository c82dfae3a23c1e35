"""Specs and protocols of models, and what their factories are given.

Nothing to inherit: any object with these methods will do. Shapes: n = rows, k = labels.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the fields' types are read by tools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from glueharness.settings.fields import DEFAULT, RECIPE_OF

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from glueharness.specs.data import FloatArray, Split
    from glueharness.specs.engine import EngineSpec
    from glueharness.specs.task import TaskSpec

FRESH = "fresh"
"""The weights of a model that is meant to begin from pretrained ones, and began without."""


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
        name: The name on the command line. A family such as ``hf`` is asked for as ``hf:NAME``.
        description: One sentence.
        factory: Makes the untrained model.
        settings: Frozen dataclass of the model's settings, its fields made with
            :func:`glueharness.setting`; each becomes an option of ``run``.
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
class Progress:
    """How far a piece of long work is. Throttled: a few a second at most reach the listeners.

    Attributes:
        phase: What is being done, for instance ``"train"``; shown to the user.
        done: Units done in this phase.
        total: Units in all; 0 if unknown.
        unit: What is counted, for instance ``"steps"``.
        values: What else is known, for instance ``{"loss": 0.61, "epoch": 2}``.
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
        primary: Mean of the primary metric over the dev splits: what picks the best epoch.
    """

    metrics: Mapping[str, Mapping[str, float]]
    primary: float


class FitContext(Protocol):
    """What a model can ask of the run while it trains."""

    @property
    def folder(self) -> Path:
        """A folder for checkpoints; it survives an interrupt and goes when the run is done."""
        ...

    @property
    def resume(self) -> bool:
        """Whether to resume from the checkpoint in ``folder``."""
        ...

    def score(self, predictions: Mapping[str, FloatArray]) -> Evaluation:
        """Score predictions of the dev splits, by split name; as :meth:`Model.predict` gives."""
        ...

    def report(self, progress: Progress) -> None:
        """Tell how far the work is; cheap enough to call at every step."""
        ...

    def epoch(self, epoch: int, evaluation: Evaluation, values: Mapping[str, float]) -> None:
        """Tell that an epoch is over; ``values`` holds for instance its mean training loss.

        After a resume, tell the epochs that were finished before again, in order.
        """
        ...

    def note(self, name: str, value: Any) -> None:
        """Put a fact about the model into the run record (JSON-able), e.g. its checkpoint."""
        ...

    def adjust(self, name: str, value: Any, origin: str) -> None:
        """Tell that a setting has another value than the one asked for, and why.

        For what is known only when the work begins, for instance that weights are fresh. A
        value that the user chose stays (see :meth:`ModelContext.chosen_by_user`).
        """
        ...

    def warn(self, message: str) -> None:
        """Tell the user loudly, and the record too, for instance that weights are fresh."""
        ...

    def interruptible(self) -> AbstractContextManager[Callable[[], bool]]:
        """A region in which Ctrl-C asks, not kills: the value says whether to stop.

        A loop that polls it can save a checkpoint and raise :class:`glueharness.Interrupted`.
        A second Ctrl-C stops at once. Outside such a region the first one does.
        """
        ...


@runtime_checkable
class Model(Protocol):
    """A model of one task."""

    def fit(self, train: Split, dev: Mapping[str, Split], context: FitContext) -> None:
        """Learn from ``train``; ``dev`` (by split name) serves to pick the best epoch."""
        ...

    def predict(self, split: Split) -> FloatArray:
        """Score every row, in the split's order.

        Returns:
            float32 ``[n, k]``, columns in the order of the task's labels, the highest wins;
            ``[n]`` for a regression.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write what :meth:`load` needs into an existing empty folder."""
        ...

    def load(self, folder: Path) -> None:
        """Become the model that was saved in ``folder``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What a model's result follows from besides the settings that it was given.

    It becomes part of a run's identity: two runs with equal fingerprints, settings, task and data
    must compute the same.

    Attributes:
        weights: What it begins from: a commit on the hub, a hash of files, or
            :data:`FRESH` where a model that is meant to begin from weights has none; empty for
            a model that begins from nothing.
        settings: The values that settings will have in the place of the given ones, for instance
            by a recipe for the encoder that was found.
        engine: What computes it, for instance ``"torch"``.
        device: Kind of device as resolved: ``"cpu"``, ``"cuda"``.
        precision: Number format as resolved, for instance ``"bf16"``.
        packages: Distributions whose major versions matter, for instance ``"torch"``.
    """

    weights: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    engine: str = ""
    device: str = ""
    precision: str = ""
    packages: tuple[str, ...] = ()


@runtime_checkable
class Fingerprinted(Protocol):
    """A model that can tell before it trains what its result follows from."""

    def fingerprint(self) -> Fingerprint:
        """What the result follows from; called once, before :meth:`Model.fit`.

        It may look weights up and read their files, and touches the network only as ``fit`` would.
        """
        ...
