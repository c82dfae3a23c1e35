"""Specs and protocols of submission writers and checkers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from glueharness.specs.task import SubmissionFile, TaskSpec

Answer = Literal["accepted", "probably accepted", "scored wrongly", "rejected"]
"""What the server would answer, as far as its rules are known; in doubt the worse.

"Probably accepted" is for a form that is not as it should be, and of which somebody tells that it
was scored all the same.
"""


def worst(answers: Iterable[Answer]) -> Answer:
    """The worst of several answers; accepted if there are none."""
    return max(answers, key=get_args(Answer).index, default="accepted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A mistake in a submission.

    Attributes:
        file: The file's name as found, with its path inside an archive or folder; empty if the
            submission as a whole is meant.
        what: One sentence that says what is wrong, on the first of ``lines``.
        answer: What the server would answer because of it.
        lines: The first few lines with this mistake, counted from 1; empty if it is not in a line.
        count: Number of lines with this mistake, at least ``len(lines)``.
        remedy: What to do about it; empty if that is obvious.
    """

    file: str
    what: str
    answer: Answer = "rejected"
    lines: tuple[int, ...] = ()
    count: int = 1
    remedy: str = ""

    @property
    def where(self) -> str:
        """The place, as ``file:line``."""
        return f"{self.file}:{self.lines[0]}" if self.lines else self.file

    def as_json(self) -> dict[str, Any]:
        """The finding as a value for JSON."""
        return {
            "file": self.file,
            "line": self.lines[0] if self.lines else None,
            "lines": list(self.lines),
            "count": self.count,
            "what": self.what,
            "answer": self.answer,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What a checker found in one file of a submission.

    Attributes:
        name: The name it must have.
        task: Name of its task.
        rows: Predictions found in it; None if it is missing or was not read.
        expected: Number of predictions that it must have; None if the task does not say.
        values: How often each value occurs; empty for a regression or if it was not read.
        findings: What is wrong with it, the first few kinds.
        more: Kinds of findings that are not listed.
    """

    name: str
    task: str
    rows: int | None = None
    expected: int | None = None
    values: Mapping[str, int] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    more: int = 0

    @property
    def answer(self) -> Answer:
        """What the server would answer to this file."""
        return worst(finding.answer for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The report as a JSON-able value."""
        return {
            "file": self.name,
            "task": self.task,
            "answer": self.answer,
            "rows": self.rows,
            "expected_rows": self.expected,
            "values": dict(self.values),
            "findings": [finding.as_json() for finding in self.findings],
            "more_findings": self.more,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a checker found in a submission.

    Attributes:
        path: What was checked.
        files: One for each file that the submission must have.
        findings: What is wrong with the submission as a whole, or with files that do not belong
            in it; the first few.
        more: Number of such findings that are not listed.
        recognised: Number of files found that belong to a submission.
        notes: What the user has still to know or do, and is no mistake; a sentence each.
    """

    path: Path
    files: Sequence[FileReport] = ()
    findings: Sequence[Finding] = ()
    more: int = 0
    recognised: int = 0
    notes: Sequence[str] = ()

    @property
    def all_findings(self) -> list[Finding]:
        """The findings of the submission as a whole, then those of each file."""
        return [*self.findings, *(finding for file in self.files for finding in file.findings)]

    @property
    def clean(self) -> bool:
        """Whether everything is exactly as it must be."""
        return not self.all_findings

    @property
    def answer(self) -> Answer:
        """What the server would answer to the whole submission."""
        return worst(finding.answer for finding in self.all_findings)

    def as_json(self) -> dict[str, Any]:
        """The report as a JSON-able value."""
        return {
            "path": str(self.path),
            "answer": self.answer,
            "clean": self.clean,
            "findings": [finding.as_json() for finding in self.findings],
            "more_findings": self.more,
            "notes": list(self.notes),
            "files": [file.as_json() for file in self.files],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Predictions of one split, ready to be written.

    Attributes:
        task: The task.
        file: The submission file to write.
        index: Row numbers as the data give them; length n.
        values: Label names, or floats for a regression; length n.
        run: Id of the run that they come from; empty for a filler.
        folder: That run's folder, with the record of its scores and settings; None for a filler.
        keys: What the split's columns hold that the file names as its ``keys``, by column; length
            n each. Empty for a filler, which is made without the data.
    """

    task: TaskSpec
    file: SubmissionFile
    index: Sequence[int]
    values: Sequence[str] | Sequence[float]
    run: str = ""
    folder: Path | None = None
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)


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
            predictions: One for each file, fillers included.
            folder: Where to write.
            manifest: What the predictions are, as a value for JSON; the writer adds checksums.

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
