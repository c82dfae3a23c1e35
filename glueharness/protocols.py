"""What a factory must return. Nothing to inherit: any object with these methods will do.

Shapes: n = rows, k = labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from glueharness.checking import Report
    from glueharness.specs import SubmissionFile, TaskSpec

# A string, so that numpy is not imported by a plugin that merely describes itself.
FloatArray: TypeAlias = "npt.NDArray[np.float32]"
"""A numpy array of float32: the scores that a model gives."""


@runtime_checkable
class Split(Protocol):
    """A read-only table. A ``datasets.Dataset`` is one, and so is :class:`glueharness.Table`."""

    @property
    def column_names(self) -> Sequence[str]:
        """The columns: the task's texts, and as far as known ``index`` and ``label``."""
        ...

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def __getitem__(self, column: str, /) -> Sequence[Any]:
        """A whole column; labels are names, or floats for a regression."""
        ...


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """Where the user wants the data from.

    Attributes:
        source: ``"auto"`` or a source's name.
        folder: The data folder, if one was given.
        offline: Whether the network must not be touched.
    """

    source: str = "auto"
    folder: Path | None = None
    offline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOrigin:
    """Where data come from, for the record.

    Attributes:
        source: Name of the source.
        location: Folder, hub id with config, or generator.
        revision: Pinned revision or generator version; empty if there is none.
        sample: Whether these are made-up data whose scores mean nothing outside of a trial.
    """

    source: str
    location: str
    revision: str = ""
    sample: bool = False


@runtime_checkable
class TaskData(Protocol):
    """An opened source: the splits of one task."""

    @property
    def origin(self) -> DataOrigin:
        """Where the data come from."""
        ...

    @property
    def available(self) -> Sequence[str]:
        """Names of the splits that can be loaded."""
        ...

    def load(self, split: str) -> Split:
        """Read one split whole.

        Raises:
            DataError: The data are not what the task says; ``where`` is ``file:line``.
        """
        ...


@runtime_checkable
class Remarked(Protocol):
    """Opened data that may have something to tell of what they read, e.g. rows left out."""

    @property
    def remarks(self) -> Sequence[str]:
        """One sentence each, with file and line; grows as splits are loaded."""
        ...


@runtime_checkable
class Source(Protocol):
    """A place that data can come from."""

    def open(self, task: TaskSpec, options: DataOptions) -> TaskData:
        """Find the task's data.

        Raises:
            SourceUnavailable: This source has no data for the task here; ``--data auto`` then
                goes on to the next one. Decided within a few seconds.
        """
        ...


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
        """Whether to go on from what lies in ``folder``."""
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
class Prediction:
    """Predictions of one split, ready to be written.

    Attributes:
        task: The task.
        file: The submission file to write.
        index: Row numbers as the data give them; length n.
        values: Label names, or floats for a regression; length n.
        run: Id of the run that they come from; empty for a filler.
        folder: That run's folder, whose record tells scores and settings; None for a filler.
    """

    task: TaskSpec
    file: SubmissionFile
    index: Sequence[int]
    values: Sequence[str] | Sequence[float]
    run: str = ""
    folder: Path | None = None


@runtime_checkable
class Writer(Protocol):
    """A way to write a submission."""

    def write(self, predictions: Sequence[Prediction], folder: Path) -> Sequence[Path]:
        """Write a submission into ``folder``, whole or not at all.

        Returns:
            The files written.

        Raises:
            SubmissionError: The server would not accept it.
        """
        ...


@runtime_checkable
class Bundler(Protocol):
    """A writer that can also pack a whole submission into one file for the upload."""

    def bundle(
        self, predictions: Sequence[Prediction], folder: Path, manifest: Mapping[str, Any]
    ) -> Sequence[Path]:
        """Write the files, an archive of them, and beside it the manifest: all or nothing.

        Args:
            predictions: One a file, fillers included.
            folder: Where to write.
            manifest: What the predictions are (JSON-able); the writer adds checksums.

        Returns:
            The files written, the archive first.

        Raises:
            SubmissionError: The server would not accept it.
        """
        ...


@runtime_checkable
class Checker(Protocol):
    """A writer that can also check what it or another program has written."""

    def check(self, path: Path, tasks: Sequence[TaskSpec]) -> Report:
        """Compare a submission with what the tasks say, without the network.

        Args:
            path: One file, a folder or an archive; it is not trusted.
            tasks: The tasks whose files may be in it.

        Raises:
            SubmissionError: There is nothing there, or it cannot be read.
        """
        ...
