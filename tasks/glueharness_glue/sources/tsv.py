"""The official GLUE files in a folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glueharness import DataError, DataOrigin, NotInFolder, SourceUnavailable, TsvLayout
from glueharness_glue.sources.reading import read_split
from glueharness_glue.sources.tsvfile import first_fields
from glueharness_glue.tasks import TASKS

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness import DataOptions, Table, TaskSpec

NAME = "dir"
_FOLDERS = frozenset(
    place.folder.lower()
    for task in TASKS
    for place in task.locations
    if isinstance(place, TsvLayout)
)
_REMEDY = "Give a folder in the layout of the GLUE download: --data-dir FOLDER"
_NAMED = f"{_REMEDY} (or GLUE_DATA_DIR). To use other data in its place, say so: --data hub, or "
_NAMED += "--data sample."


class TsvSource:
    """Looks for a task's files below the folder that the user gave."""

    def open(self, task: TaskSpec, options: DataOptions) -> TsvData:
        """Find the task's folder.

        Raises:
            SourceUnavailable: No folder was given, or the task has no such files.
            NotInFolder: A folder was given, and it has no files of the task.
        """
        layouts = [place for place in task.locations if isinstance(place, TsvLayout)]
        if not layouts:
            raise SourceUnavailable(f"{task.name} has no known file layout")
        if options.folder is None:
            raise SourceUnavailable("no folder was given", remedy=_REMEDY)
        if not options.folder.is_dir():
            raise NotInFolder(f"the data folder {options.folder} is not there", remedy=_NAMED)
        for layout in layouts:
            folder = _task_folder(options.folder, layout, task)
            if folder is not None:
                return TsvData(task=task, layout=layout, folder=folder)
        wanted = " or ".join(_wanted(layout) for layout in layouts)
        raise NotInFolder(f"the data folder {options.folder} has no {wanted}", remedy=_NAMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class TsvData:
    """The files of one task.

    Attributes:
        task: The task.
        layout: How its files look.
        folder: Where they lie.
        remarks: What the user should know about files that were read, for instance how many
            broken rows were left out.
    """

    task: TaskSpec
    layout: TsvLayout
    folder: Path
    remarks: list[str] = field(default_factory=list)

    @property
    def origin(self) -> DataOrigin:
        """The folder."""
        return DataOrigin(source=NAME, location=str(self.folder))

    @property
    def available(self) -> list[str]:
        """The splits that have a file."""
        return [name for name, file in self.layout.files.items() if (self.folder / file).is_file()]

    def load(self, split: str) -> Table:
        """Read one split.

        Raises:
            DataError: With file and line.
        """
        file = self.layout.files.get(split)
        if file is None or not (self.folder / file).is_file():
            there = ", ".join(self.layout.files[name] for name in self.available)
            raise DataError(
                f"the {split} split of {self.task.name} is not here; this folder has {there}",
                where=str(self.folder / (file or split)),
                remedy=_REMEDY,
            )
        return read_split(self.folder / file, split, self.task, self.layout, self.remarks)


def _wanted(layout: TsvLayout) -> str:
    """``QNLI/train.tsv (or dev.tsv, test.tsv)``."""
    first, *others = layout.files.values()
    return f"{layout.folder}/{first}" + (f" (or {', '.join(others)})" if others else "")


def _task_folder(given: Path, layout: TsvLayout, task: TaskSpec) -> Path | None:
    """The folder with the task's files: below the given one, or that one itself."""
    for folder in _named(given, layout.folder):
        if _present(folder, layout):
            return folder
    present = _present(given, layout)
    name = given.resolve().name.lower()
    if not present or name in _FOLDERS - {layout.folder.lower()}:
        return None
    if name == layout.folder.lower() or _looks_like(given / present[0], layout, task):
        return given
    return None


def _named(parent: Path, name: str) -> list[Path]:
    """Folders of that name; those in another case, as some downloads have them, come last."""
    exact = parent / name
    try:
        others = [entry for entry in parent.iterdir() if entry.name.lower() == name.lower()]
    except OSError as error:
        raise NotInFolder(
            f"the data folder {parent} cannot be listed: {error.strerror}", remedy=_NAMED
        ) from error
    folders = [exact, *sorted(others)] if exact in others else sorted(others)
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def _present(folder: Path, layout: TsvLayout) -> list[str]:
    return [file for file in layout.files.values() if (folder / file).is_file()]


def _looks_like(path: Path, layout: TsvLayout, task: TaskSpec) -> bool:
    """Whether a file has the task's headings; one with no header is not recognised."""
    headings = {layout.columns.get(column, column) for column in task.columns}
    return headings <= set(first_fields(path))
