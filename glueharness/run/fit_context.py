"""What a model can use while it trains: scoring, progress, notes, warnings."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glueharness.errors import RunFolderError
from glueharness.plugin.events import RunAdjusted, RunEvaluated, RunProgress, RunWarned
from glueharness.record.computation import LARGEST_NUMBER
from glueharness.record.record import CHECKPOINT_FOLDER, EpochRecord, SettingRecord
from glueharness.record.run_file import is_keepable, write_record
from glueharness.settings.fields import ADJUSTED
from glueharness.system.interrupts import interruptible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from glueharness.plugin.plugins import Plugins
    from glueharness.record.record import RunRecord
    from glueharness.scoring.scorer import Scorer
    from glueharness.specs import Evaluation, FloatArray, Progress

_SECONDS_BETWEEN_REPORTS = 0.1


@dataclass(slots=True, kw_only=True)
class RunFitContext:
    """The :class:`glueharness.specs.FitContext` of a run.

    Attributes:
        record: The run's record; history, notes and warnings go into it.
        run_folder: The run folder.
        scorer: Scores the dev splits.
        plugins: Who hears of it.
        resume: Whether to resume from the checkpoint folder.
    """

    record: RunRecord
    run_folder: Path
    scorer: Scorer
    plugins: Plugins
    resume: bool = False
    _last_report: float = field(default=0.0, init=False)
    _last_phase: str = field(default="", init=False)

    @property
    def folder(self) -> Path:
        """The folder for checkpoints."""
        return self.run_folder / CHECKPOINT_FOLDER

    def score(self, predictions: Mapping[str, FloatArray]) -> Evaluation:
        """Score predictions of the dev splits."""
        return self.scorer.evaluate(predictions)

    def report(self, progress: Progress) -> None:
        """Pass progress on, at most ten times per second; always the first and last of a phase.

        Raises:
            RunFolderError: The run folder is gone, and so all that training could lead to.
        """
        now = time.monotonic()
        edge = progress.phase != self._last_phase or progress.done == progress.total
        if not edge and now - self._last_report < _SECONDS_BETWEEN_REPORTS:
            return
        self._last_report, self._last_phase = now, progress.phase
        require_folder(self.run_folder)
        event = RunProgress(run=self.record.id, progress=progress)
        self.plugins.notify("glueharness_run_progress", event)

    def epoch(self, epoch: int, evaluation: Evaluation, values: Mapping[str, float]) -> None:
        """Put an epoch into the history and tell the listeners.

        Raises:
            ValueError: A value has no name.
        """
        if "" in values:
            raise ValueError(f"epoch {epoch}: a value has no name")
        self.record.history.append(
            EpochRecord(
                epoch=epoch,
                primary=evaluation.primary,
                metrics={name: dict(scores) for name, scores in evaluation.metrics.items()},
                losses=dict(evaluation.losses),
                # A loss that has run away is told as null, as one that is not a number is.
                values={
                    name: value if abs(value) <= LARGEST_NUMBER else None
                    for name, value in values.items()
                },
            )
        )
        self._write()
        self.plugins.notify(
            "glueharness_run_evaluated",
            RunEvaluated(run=self.record.id, epoch=epoch, evaluation=evaluation, values=values),
        )

    def note(self, name: str, value: Any) -> None:
        """Put a fact about the model into the record.

        Raises:
            ValueError: It is nothing that JSON has, or nested too deeply.
        """
        if not is_keepable({name: value}):
            raise ValueError(
                f"note({name!r}): a {type(value).__name__} like this cannot be kept as JSON"
            )
        self.record.notes[name] = value

    def adjust(self, name: str, value: Any, origin: str) -> None:
        """Put the value that a setting really has into the record, and tell the listeners."""
        known = self.record.settings.get(name, SettingRecord(value=None, origin=""))
        self.record.settings[name] = dataclasses.replace(
            known, value=value, origin=f"{ADJUSTED}{origin}"
        )
        self._write()  # for whoever asks what a run that is going on really does
        event = RunAdjusted(run=self.record.id, setting=name, value=value, reason=origin)
        self.plugins.notify("glueharness_run_adjusted", event)

    def warn(self, message: str) -> None:
        """Put a warning into the record and tell the listeners."""
        self.record.warnings.append(message)
        self.plugins.notify(
            "glueharness_run_warned", RunWarned(run=self.record.id, message=message)
        )

    def interruptible(self) -> AbstractContextManager[Callable[[], bool]]:
        """A region in which the first Ctrl-C only asks."""
        return interruptible()

    def _write(self) -> None:
        try:
            write_record(self.run_folder, self.record)
        except OSError as error:
            require_folder(self.run_folder)
            # A full disk now may have room again when the run ends; training is not thrown away.
            self.warn(f"The record could not be written: {error.strerror or error}.")


def require_folder(folder: Path) -> None:
    """Stop where somebody has deleted the folder of the run that is going on.

    Raises:
        RunFolderError: It is gone.
    """
    try:
        folder.stat()
    except FileNotFoundError as error:
        raise RunFolderError(
            "the run folder was removed while the run was going on",
            where=str(folder),
            remedy="The same command begins a new run.",
        ) from error
    except OSError:
        return  # a network drive that is away for a moment may be back when it is needed
