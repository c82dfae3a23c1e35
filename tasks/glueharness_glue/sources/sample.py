"""The bundled sample: sentences of a task's form that this package makes up."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from glueharness import LABEL_COLUMN, DataError, DataOrigin, SourceUnavailable, Table, __version__
from glueharness_glue.sample import GENERATORS, generate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness import DataOptions, TaskSpec

NAME = "sample"


class SampleSource:
    """Makes up a task's data."""

    def open(self, task: TaskSpec, options: DataOptions) -> SampleData:  # noqa: ARG002 - needs none
        """Find the generator.

        Raises:
            SourceUnavailable: There is none for the task.
        """
        if task.name not in GENERATORS:
            raise SourceUnavailable(f"there is no sample for {task.name}")
        return SampleData(task)


class SampleData:
    """Made-up data of one task.

    Args:
        task: The task.
    """

    def __init__(self, task: TaskSpec) -> None:
        self.task = task

    @property
    def origin(self) -> DataOrigin:
        """The program that made them; marked as a sample."""
        return DataOrigin(
            source=NAME, location=f"made by glueharness {__version__}", revision="", sample=True
        )

    @property
    def available(self) -> list[str]:
        """The splits that the generator makes."""
        return list(self._splits)

    def load(self, split: str) -> Table:
        """The rows of a split; a test split has no labels.

        Raises:
            DataError: The generator makes no such split.
        """
        rows = self._splits.get(split)
        if not rows:
            raise DataError(f"the sample of {self.task.name} has no {split} split")
        hidden = {LABEL_COLUMN} if self.task.split(split).role == "test" else set()
        names = [name for name in rows[0] if name not in hidden]
        return Table({name: [row[name] for row in rows] for name in names})

    @cached_property
    def _splits(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return generate(self.task.name)
