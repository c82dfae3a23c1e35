"""Checkpoints that survive a crash: written to a temporary name, synced, renamed, and verified.

A folder holds::

    start/          configuration and tokenizer, written once
    best-0002/      weights of the best epoch so far
    000007/         weights, optimizer and progress; the two newest are kept
    damaged-000006/ a checkpoint whose checksums are wrong
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glueharness import RunFolderError
from glueharness.system.atomic import replace, whole_folder
from glueharness_finetune.checksums import (
    Damaged,
    read_tensors,
    seal,
    size_of,
    verify,
    write_tensors,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_SCHEMA = 1
_STATE = "state.json"
_WEIGHTS, _OPTIMISER = "model.safetensors", "optimiser.safetensors"
_KEPT = 2
_SPARE_BYTES = 16 * 2**20
_MB = 10**6  # what is needed is rounded up and what is free down: the two must not look alike


@dataclass(slots=True, kw_only=True)
class Epoch:
    """An epoch that is over.

    Attributes:
        number: 1 for the first.
        metrics: Dev scores by split and metric.
        primary: Mean of the primary metric.
        values: Mean loss, last learning rate and steps done.
        losses: Mean dev loss by split; none in checkpoints of earlier versions.
    """

    number: int
    metrics: dict[str, dict[str, float]]
    primary: float
    values: dict[str, float]
    losses: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far training is. Random numbers depend only on the seed and ``step``, so none are kept.

    Attributes:
        plan: What the steps depend on; a checkpoint of another plan is not used.
        step: Optimizer steps done so far.
        position: Steps done in the current epoch.
        loss: Sum of the losses of the current epoch, over rows.
        rows: Rows seen in the current epoch.
        history: The epochs that are over.
        best: Number of the best epoch; 0: none yet.
    """

    plan: str
    step: int = 0
    position: int = 0
    loss: float = 0.0
    rows: int = 0
    history: list[Epoch] = field(default_factory=list)
    best: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A checkpoint that was read.

    Attributes:
        progress: How far training was.
        weights: The model's tensors by name.
        optimiser: The optimizer's tensors by name.
        best: The best epoch's weights; None if there is no best epoch.
    """

    progress: Progress
    weights: Mapping[str, Any]
    optimiser: Mapping[str, Any]
    best: Mapping[str, Any] | None


class CheckpointFolder:
    """The checkpoints of a run.

    Args:
        folder: Where they are kept.
        warn: Called with a sentence about what went wrong and what happens next.
        read: Reads tensors: PyTorch's, or numpy's.
    """

    def __init__(
        self,
        folder: Path,
        warn: Callable[[str], None],
        read: Callable[[Path], Mapping[str, Any]] = read_tensors,
    ) -> None:
        self.folder = folder
        self._warn = warn
        self._tensors = read
        # Folders of best weights that this process wrote, or read and goes on from: what else lies
        # there may be damaged, or of a training that was begun anew in another way.
        self._sound: set[str] = set()

    @property
    def start(self) -> Path:
        """The folder of configuration and tokenizer."""
        return self.folder / "start"

    def write_start(self, write: Callable[[Path], None]) -> None:
        """Write configuration and tokenizer, once; ``write`` fills a folder."""
        with whole_folder(self.start) as aside:
            write(aside)
            seal(aside)

    def require_space(self, needed: int) -> None:
        """Refuse to start if two checkpoints and the model would not fit on the disk.

        Args:
            needed: Bytes.

        Raises:
            RunFolderError: It says how much is needed and how much is free.
        """
        free = _free_bytes(self.folder)
        if free < needed + _SPARE_BYTES:
            raise RunFolderError(
                f"the disk has {free // _MB:,} MB free; checkpoints and the model need "
                f"{-(-(needed + _SPARE_BYTES) // _MB):,} MB",
                where=str(self.folder),
                remedy="Free some space or choose another folder with --runs-dir.",
            )

    def save(
        self,
        progress: Progress,
        weights: Mapping[str, Any],
        optimiser: Mapping[str, Any],
        best: Mapping[str, Any] | None,
    ) -> bool:
        """Write a checkpoint; the previous one is kept until this one is complete.

        A failure causes a warning and not an error, because training is worth more than its
        checkpoint.

        Args:
            progress: How far training is.
            weights: The model's tensors.
            optimiser: The optimiser's tensors.
            best: The best epoch's weights, if ``progress.best`` names an epoch.

        Returns:
            Whether it was written.
        """
        try:
            self._check_space(weights, optimiser)
            if best is not None:
                self._save_best(self._best(progress), best)
            numbers = self._numbers()
            with whole_folder(self._named(numbers[-1] + 1 if numbers else 1)) as aside:
                write_tensors(aside / _WEIGHTS, weights)
                write_tensors(aside / _OPTIMISER, optimiser)
                state = {"schema": _SCHEMA, **dataclasses.asdict(progress)}
                (aside / _STATE).write_text(json.dumps(state, indent=1), encoding="utf-8")
                seal(aside)
        except OSError as error:
            if self.folder.parent.is_dir():  # if not, the run has ended, and says so itself
                self._warn(
                    f"The checkpoint of step {progress.step} could not be saved "
                    f"({error.strerror or error}); training goes on. {self._newest_in_words()}"
                )
            return False
        self._tidy(progress)
        return True

    def load(self, plan: str) -> Saved | None:
        """The newest complete checkpoint; damaged ones are renamed, with a warning.

        Args:
            plan: What the steps depend on; a checkpoint of another plan is left alone.
        """
        for number in reversed(self._numbers()):
            folder = self._named(number)
            try:
                saved = self._read(folder)
            except Damaged as error:
                self._set_aside(folder, str(error))
                continue
            if saved.progress.plan == plan:
                self._sound = {self._best(saved.progress).name}
                return saved
            self._warn(f"The checkpoint {folder.name} is of another run and is not used.")
        return None

    def start_is_whole(self) -> bool:
        """Whether configuration and tokenizer exist and are undamaged."""
        try:
            verify(self.start)
        except Damaged:
            return False
        return True

    def _read(self, folder: Path) -> Saved:
        verify(folder)
        state: dict[str, Any] = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        if state.pop("schema") != _SCHEMA:
            raise Damaged("another version wrote it")
        history = [Epoch(**epoch) for epoch in state.pop("history")]
        progress = Progress(**state, history=history)
        best = None
        if progress.best:
            verify(self._best(progress))
            best = self._tensors(self._best(progress) / _WEIGHTS)
        return Saved(
            progress=progress,
            weights=self._tensors(folder / _WEIGHTS),
            optimiser=self._tensors(folder / _OPTIMISER),
            best=best,
        )

    def _save_best(self, folder: Path, best: Mapping[str, Any]) -> None:
        if folder.name in self._sound and folder.is_dir():
            return
        with whole_folder(folder) as aside:
            write_tensors(aside / _WEIGHTS, best)
            seal(aside)
        self._sound.add(folder.name)

    def _set_aside(self, folder: Path, reason: str) -> None:
        target = folder.with_name(f"damaged-{folder.name}")
        shutil.rmtree(target, ignore_errors=True)
        replace(folder, target)
        self._warn(
            f"The checkpoint {folder.name} is damaged ({reason}); it is now {target.name}, and "
            "the one before is taken."
        )

    def _check_space(self, weights: Mapping[str, Any], optimiser: Mapping[str, Any]) -> None:
        needed = 2 * size_of(weights) + size_of(optimiser) + _SPARE_BYTES
        free = _free_bytes(self.folder)
        if free < needed:
            raise OSError(f"{-(-needed // _MB):,} MB are needed, {free // _MB:,} MB are free")

    def _newest_in_words(self) -> str:
        numbers = self._numbers() if self.folder.is_dir() else []
        if not numbers:
            return "There is no earlier one."
        return f"The last good one is {self._named(numbers[-1]).name}."

    def _tidy(self, progress: Progress) -> None:
        """Remove checkpoints that newer ones replace, and best weights that no checkpoint uses."""
        numbers = self._numbers()
        for number in numbers[:-_KEPT]:
            shutil.rmtree(self._named(number), ignore_errors=True)
        needed = {self._best(progress).name}
        for number in numbers[-_KEPT:]:
            try:
                state = json.loads((self._named(number) / _STATE).read_text(encoding="utf-8"))
                needed.add(f"best-{state['best']:04d}")
            except (OSError, ValueError, KeyError):
                return
        for folder in self.folder.glob(".*.part"):
            shutil.rmtree(folder, ignore_errors=True)  # what a killed process left half-written
        for folder in self.folder.glob("best-*"):
            if folder.name not in needed:
                shutil.rmtree(folder, ignore_errors=True)

    def _numbers(self) -> list[int]:
        return sorted(int(entry.name) for entry in self.folder.iterdir() if entry.name.isdigit())

    def _named(self, number: int) -> Path:
        return self.folder / f"{number:06d}"

    def _best(self, progress: Progress) -> Path:
        return self.folder / f"best-{progress.best:04d}"


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free
