"""Opens a task's data: from the source asked for, or the first that has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueharness.errors import NotInFolder, SourceUnavailable, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glueharness.plugin.guarded import OfferedSource
    from glueharness.specs import DataOptions, Split, TaskData, TaskSpec

AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedData:
    """A task's data and how they were found.

    Attributes:
        data: The opened source.
        source: The source, which reads them.
        passed_over: Sources tried before in vain: name and reason.
    """

    data: TaskData
    source: OfferedSource
    passed_over: tuple[tuple[str, str], ...] = ()

    @property
    def where(self) -> str:
        """The place, for messages."""
        return f"{self.data.origin.source}: {self.data.origin.location}"

    def load(self, split: str) -> Split:
        """Read one split.

        Raises:
            DataError: It is not there, or damaged.
            PluginError: The source raised something else.
        """
        return self.source.load(self.data, split)

    def files(self) -> dict[str, Path]:
        """The file of each split; empty if the data are in no files.

        Raises:
            PluginError: The source raised something.
        """
        return self.source.files(self.data)


def open_data(task: TaskSpec, options: DataOptions, sources: Sequence[OfferedSource]) -> OpenedData:
    """Open the source that ``options`` name, or for ``auto`` the first that has the task's data.

    Args:
        task: The task.
        options: Which source, and what it needs to know.
        sources: The sources in the order of ``auto``: ``registry.sources_for(task)``.

    Raises:
        UnknownNameError: No source of that name.
        SourceUnavailable: None has the data; every one tried is named with its reason.
        NotInFolder: The user named a folder, and it does not have the task: whoever names data
            is not to get others.
        DataError: A source has data for the task, and they are damaged.
        PluginError: A source raised something else.
    """
    if options.source != AUTO:
        chosen = [source for source in sources if source.spec.name == options.source]
        if not chosen:
            names = [AUTO, *(source.spec.name for source in sources)]
            raise UnknownNameError.among("data source", options.source, names)
        return OpenedData(data=chosen[0].open(task, options), source=chosen[0])
    tried: list[tuple[str, str]] = []
    for source in sources:
        try:
            data = source.open(task, options)
        except NotInFolder:
            raise
        except SourceUnavailable as reason:
            tried.append((source.spec.name, reason.what))
        else:
            return OpenedData(data=data, source=source, passed_over=tuple(tried))
    listing = "\n".join(f"  {name}: {reason}" for name, reason in tried)
    raise SourceUnavailable(
        f"no source has data for {task.name}",
        remedy=f"Tried:\n{listing}" if tried else "No data source is installed.",
    )
