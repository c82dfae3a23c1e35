"""Guards around what plugins make, so that whatever their code raises names the plugin.

The registry hands these out, so that no caller needs to know whose code it calls. A
:class:`glueharness.GlueharnessError` passes as it is: it is meant for the user.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError, PluginError
from glueharness.plugin.blame import blamed
from glueharness.specs import (
    Bundler,
    Checker,
    Finetuned,
    Fingerprint,
    Fingerprinted,
    FromFiles,
    Model,
    Report,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from glueharness.plugin.status import PluginStatus
    from glueharness.specs import (
        DataOptions,
        FitContext,
        FloatArray,
        ModelContext,
        ModelSpec,
        Notes,
        Prediction,
        Predictor,
        SourceSpec,
        Split,
        TaskData,
        TaskSpec,
        Writer,
        WriterSpec,
    )


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """A model as its plugin offers it.

    Attributes:
        spec: Its facts.
        argument: What stands behind the colon in ``hf:NAME``; empty for other models.
        owner: The plugin.
    """

    spec: ModelSpec
    argument: str
    owner: PluginStatus

    def make(self, context: ModelContext) -> GuardedModel:
        """The untrained model.

        Raises:
            ConfigError: The task is one of multiple choice, and the model does not know such.
            PluginError: The factory raised something.
        """
        if context.task.choices and not self.spec.multiple_choice:
            raise ConfigError(
                f"the model {self.spec.name!r} does not know multiple choice, which "
                f"{context.task.name} is",
                remedy="Take another model: glueharness models shows which do.",
            )
        with blamed(f"the model {self.spec.name!r}", self.owner, "cannot be made"):
            return GuardedModel(self.spec.factory(context), self.spec.name, self.owner)


class GuardedModel:
    """A model inside the guard; a full disk is no fault of the model's and passes as it is.

    Args:
        model: What the factory made.
        name: The model's name.
        owner: Whose it is.
    """

    def __init__(self, model: Predictor, name: str, owner: PluginStatus) -> None:
        self._model, self._name, self._owner = model, name, owner

    @property
    def takes_finetuned(self) -> bool:
        """Whether it can predict with a checkpoint that was fine-tuned elsewhere."""
        return isinstance(self._model, Finetuned)

    @property
    def packages(self) -> frozenset[str]:
        """The packages whose code the model is made of: that of its class and what it builds on."""
        return frozenset(kind.__module__.partition(".")[0] for kind in type(self._model).__mro__)

    def fit(self, train: Split, dev: Mapping[str, Split], context: FitContext) -> None:
        """Learn; see :meth:`glueharness.Model.fit`."""
        model = self._learner()
        with self._guard("failed"):
            model.fit(train, dev, context)

    def predict(self, split: Split) -> FloatArray:
        """Score every row; see :meth:`glueharness.Model.predict`."""
        with self._guard("failed"):
            return self._model.predict(split)

    def save(self, folder: Path) -> None:
        """Write the model; see :meth:`glueharness.Model.save`."""
        model = self._learner()
        with self._guard("failed to save itself"):
            model.save(folder)

    def load(self, folder: Path) -> None:
        """Become the model that was saved; see :meth:`glueharness.Model.load`."""
        model = self._learner()
        with blamed(f"the model {self._name!r}", self._owner, "failed to load what it saved"):
            model.load(folder)

    def load_finetuned(self, notes: Notes) -> None:
        """Take its checkpoint as it is; see :meth:`glueharness.Finetuned.load_finetuned`."""
        assert isinstance(self._model, Finetuned)  # noqa: S101 - the caller asked
        with self._guard("failed to load its checkpoint"):
            self._model.load_finetuned(notes)

    def fingerprint(self) -> Fingerprint:
        """What the result follows from besides the settings; nothing if the model does not say."""
        if not isinstance(self._model, Fingerprinted):
            return Fingerprint()
        with self._guard("failed to tell its fingerprint"):
            found: Any = self._model.fingerprint()
        if not isinstance(found, Fingerprint):
            raise PluginError(
                f"the model {self._name!r} of {self._owner.owner} told a {type(found).__name__} as "
                "its fingerprint",
                remedy="Its fingerprint() must return a glueharness.Fingerprint.",
            )
        return found

    def _learner(self) -> Model:
        """The model, if it can learn.

        Raises:
            PluginError: It cannot, though its spec does not say so.
        """
        if not isinstance(self._model, Model):
            raise PluginError(
                f"the model {self._name!r} of {self._owner.owner} has no fit, save and load",
                remedy="Report it to the plugin's author: one that only predicts says "
                "trains=False in its ModelSpec.",
            )
        return self._model

    def _guard(self, failure: str) -> AbstractContextManager[None]:
        return blamed(f"the model {self._name!r}", self._owner, failure, passing=(OSError,))


@dataclass(frozen=True, slots=True)
class OfferedSource:
    """A data source as its plugin or its task offers it.

    Attributes:
        spec: Its facts.
        owner: The plugin; None for one that is not registered.
    """

    spec: SourceSpec
    owner: PluginStatus | None = None

    def open(self, task: TaskSpec, options: DataOptions) -> TaskData:
        """Find the task's data.

        Raises:
            SourceUnavailable: It has none here.
            DataError: They are damaged.
            PluginError: It raised something else.
        """
        with blamed(
            f"the data source {self.spec.name!r}", self.owner, f"failed to open {task.name}"
        ):
            return self.spec.factory().open(task, options)

    def load(self, data: TaskData, split: str) -> Split:
        """Read one split of what :meth:`open` found.

        Raises:
            DataError: It is not there, or damaged.
            PluginError: The source raised something else.
        """
        part = f"the data source {self.spec.name!r}"
        with blamed(part, self.owner, f"failed to read the split {split!r}"):
            return data.load(split)

    def files(self, data: TaskData) -> dict[str, Path]:
        """The file of each split of what :meth:`open` found; empty if the data are in no files.

        Raises:
            PluginError: The source raised something.
        """
        if not isinstance(data, FromFiles):
            return {}
        part = f"the data source {self.spec.name!r}"
        with blamed(part, self.owner, "failed to say which files it reads"):
            return {split: Path(file) for split, file in data.files.items()}


class GuardedWriter:
    """A submission writer inside the guard.

    Args:
        spec: The writer's facts.
        owner: Whose it is.

    Raises:
        PluginError: Its factory raised something, or made what cannot write.
    """

    def __init__(self, spec: WriterSpec, owner: PluginStatus) -> None:
        self._part, self._owner = f"the submission writer {spec.name!r}", owner
        with blamed(self._part, owner, "cannot be made"):
            self._writer: Writer = spec.factory()
        if not callable(getattr(self._writer, "write", None)):
            made = type(self._writer).__name__
            raise self._broken(f"is a {made} that cannot write", "its factory must make a Writer")

    @property
    def bundles(self) -> bool:
        """Whether it can pack a whole submission into one file."""
        return isinstance(self._writer, Bundler)

    @property
    def checks(self) -> bool:
        """Whether it can check a submission."""
        return isinstance(self._writer, Checker)

    def write(self, predictions: Sequence[Prediction], folder: Path) -> Sequence[Path]:
        """Write the files; see :meth:`glueharness.Writer.write`."""
        with blamed(self._part, self._owner, "failed", passing=(OSError,)):
            found: Any = self._writer.write(predictions, folder)
        return self._written(found, "write")

    def bundle(
        self, predictions: Sequence[Prediction], folder: Path, manifest: Mapping[str, Any]
    ) -> Sequence[Path]:
        """Pack a whole submission; see :meth:`glueharness.Bundler.bundle`."""
        assert isinstance(self._writer, Bundler)  # noqa: S101 - the caller asked `bundles`
        with blamed(self._part, self._owner, "failed", passing=(OSError,)):
            found: Any = self._writer.bundle(predictions, folder, manifest)
        return self._written(found, "bundle")

    def check(self, path: Path, tasks: Sequence[TaskSpec]) -> Report:
        """Check a submission; see :meth:`glueharness.Checker.check`."""
        assert isinstance(self._writer, Checker)  # noqa: S101 - the caller asked `checks`
        with blamed(self._part, self._owner, "failed to check", passing=(OSError,)):
            found: Any = self._writer.check(path, tasks)
        if not isinstance(found, Report):
            raise self._broken(
                f"gave a {type(found).__name__} for a check", "check() must return a Report"
            )
        return found

    def _written(self, found: Any, method: str) -> list[Path]:
        """What was written, if it is a list of files that are there."""
        rule = f"{method}() must return the files that it wrote"
        if isinstance(found, str | bytes) or not isinstance(found, Sequence):
            raise self._broken(f"told a {type(found).__name__} for what it wrote", rule)
        paths = []
        for item in found:
            if not isinstance(item, str | Path):
                raise self._broken(f"told of a {type(item).__name__} among its files", rule)
            if not Path(item).is_file():
                raise self._broken(f"told of {str(item)!r}, which is not there", rule)
            paths.append(Path(item))
        if not paths:
            raise self._broken("wrote nothing", rule)
        return paths

    def _broken(self, how: str, rule: str) -> PluginError:
        return PluginError(
            f"{self._part} of {self._owner.owner} {how}",
            remedy=f"Report it to the plugin's author: {rule}.",
        )
