"""What each file of a submission must contain, according to the installed tasks."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glueharness_submission.form import HEADER, vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness import SubmissionFile, TaskSpec

_SPARE_BYTES = 1 << 20
_LONGEST_NUMBER = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One file that belongs in a submission.

    Attributes:
        task: Its task.
        file: What is written into it.
        rows: Number of predictions in it; None if the task does not say.
        hints: Other row counts, with what a file of that length probably is.
    """

    task: TaskSpec
    file: SubmissionFile
    rows: int | None
    hints: Mapping[int, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.name

    @property
    def limit(self) -> int:
        """The most bytes that are read of a file: more than twice the longest correct one."""
        longest = max((len(value) for value in vocabulary(self.file)), default=_LONGEST_NUMBER)
        rows = 1_000_000 if self.rows is None else self.rows
        return 2 * (len(HEADER) + rows * (longest + len(str(rows)) + 2)) + _SPARE_BYTES


def expected_files(tasks: Sequence[TaskSpec]) -> list[Expected]:
    """The files of all these tasks, in the tasks' order."""
    found = [(task, file) for task in tasks for file in task.submission]
    return [
        Expected(
            task=task,
            file=file,
            rows=task.split(file.split).rows,
            hints=_hints(task, file, found),
        )
        for task, file in found
    ]


def _hints(
    task: TaskSpec, file: SubmissionFile, others: Sequence[tuple[TaskSpec, SubmissionFile]]
) -> dict[int, str]:
    """Row counts of files that are easily confused with it, with the likeliest explanation."""
    hints: dict[int, str] = {}
    for other_task, other in others:
        rows = other_task.split(other.split).rows
        if rows is not None and other.name != file.name:
            hints[rows] = f"{other.name} holds as many"
    for split in task.splits:
        if split.rows is not None and split.name != file.split:
            hints[split.rows] = f"the {split.name} split has as many"
    for other_task, other in others:
        rows = other_task.split(other.split).rows
        if other_task is task and rows is not None and other.name != file.name:
            hints[rows] = f"{other.name} holds as many"
    hints.update({rows: f"this is {what}" for rows, what in file.superseded.items()})
    return hints


def groups(expected: Sequence[Expected]) -> dict[str, list[Expected]]:
    """The files that make up a submission, by score group; a task without a group is alone."""
    found: dict[str, list[Expected]] = {}
    for item in expected:
        found.setdefault(item.task.group or item.task.name, []).append(item)
    return found


def likeness(name: str, item: Expected) -> int:
    """How well a file's name fits: 0 exactly, 1 but for case, 2 but for punctuation, 3 not."""
    if name == item.name:
        return 0
    if name.casefold() == item.name.casefold():
        return 1
    return 2 if _letters(name) == _letters(item.name) else 3


@functools.lru_cache(maxsize=1 << 14)
def _letters(name: str) -> str:
    """Letters and digits of a name without extensions: ``SST-2.tsv.txt`` becomes ``sst2``."""
    stem = re.sub(r"(\.(tsv|txt|csv))+$", "", name.casefold())
    return re.sub(r"[^a-z0-9]", "", stem)
