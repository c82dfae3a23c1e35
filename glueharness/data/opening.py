"""Open a task's data: the source that was asked for, or the first that has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueharness.errors import NotInFolder, SourceUnavailable, UnknownNameError
from glueharness.plugin.blame import blamed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueharness.plugin.status import PluginStatus
    from glueharness.specs import DataOptions, SourceSpec, Split, TaskData, TaskSpec

AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedData:
    """A task's data and how they were found.

    Attributes:
        data: The opened source.
        passed_over: Sources tried before in vain: name and reason.
        owner: The plugin that offers the source; None if it was not asked for.
    """

    data: TaskData
    passed_over: tuple[tuple[str, str], ...] = ()
    owner: PluginStatus | None = None

    def load(self, split: str) -> Split:
        """Read one split.

        Raises:
            DataError: It is not there, or damaged.
            PluginError: The source raised something else.
        """
        part = f"the data source {self.data.origin.source!r}"
        with blamed(part, self.owner, f"failed to read the split {split!r}"):
            return self.data.load(split)


def sources_for(task: TaskSpec, shared: Sequence[SourceSpec]) -> list[SourceSpec]:
    """The sources of a task in the order of ``--data auto``: its own, then the shared ones."""
    own = sorted(task.sources, key=lambda spec: spec.order)
    names = {spec.name for spec in own}
    others = [spec for spec in shared if spec.name not in names]
    return [*own, *sorted(others, key=lambda spec: (spec.order, spec.name))]


def open_data(
    task: TaskSpec,
    options: DataOptions,
    shared: Sequence[SourceSpec],
    owner_of: Callable[[TaskSpec, SourceSpec], PluginStatus | None] = lambda *_: None,
) -> OpenedData:
    """Open the source that ``options`` name, or for ``auto`` the first that has the task's data.

    Args:
        task: The task.
        options: Which source, and what it needs to know.
        shared: The sources that serve any task.
        owner_of: Says which plugin offers a source, for messages; best
            :meth:`glueharness.plugin.registry.Registry.owner_of_source`.

    Raises:
        UnknownNameError: No source of that name.
        SourceUnavailable: None has the data; every one tried is named with its reason.
        NotInFolder: The user named a folder, and it does not have the task: whoever names data
            is not to get others.
        DataError: A source has data for the task, and they are damaged.
        PluginError: A source raised something else.
    """

    def try_source(spec: SourceSpec) -> tuple[TaskData, PluginStatus | None]:
        owner = owner_of(task, spec)
        with blamed(f"the data source {spec.name!r}", owner, f"failed to open {task.name}"):
            return spec.factory().open(task, options), owner

    candidates = sources_for(task, shared)
    if options.source != AUTO:
        chosen = [spec for spec in candidates if spec.name == options.source]
        if not chosen:
            names = [AUTO, *(spec.name for spec in candidates)]
            raise UnknownNameError.among("data source", options.source, names)
        data, owner = try_source(chosen[0])
        return OpenedData(data=data, owner=owner)
    tried: list[tuple[str, str]] = []
    for spec in candidates:
        try:
            data, owner = try_source(spec)
        except NotInFolder:
            raise
        except SourceUnavailable as reason:
            tried.append((spec.name, reason.what))
        else:
            return OpenedData(data=data, passed_over=tuple(tried), owner=owner)
    listing = "\n".join(f"  {name}: {reason}" for name, reason in tried)
    raise SourceUnavailable(
        f"no source has data for {task.name}",
        remedy=f"Tried:\n{listing}" if tried else "No data source is installed.",
    )
