"""Open a task's data: the source that was asked for, or the first that has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueharness.errors import SourceUnavailable, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.protocols import DataOptions, TaskData
    from glueharness.specs import SourceSpec, TaskSpec

AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedData:
    """A task's data and how they were found.

    Attributes:
        data: The opened source.
        passed_over: Sources tried before in vain: name and reason.
    """

    data: TaskData
    passed_over: tuple[tuple[str, str], ...] = ()


def sources_for(task: TaskSpec, shared: Sequence[SourceSpec]) -> list[SourceSpec]:
    """The sources of a task in the order of ``--data auto``: its own, then the shared ones."""
    own = sorted(task.sources, key=lambda spec: spec.order)
    names = {spec.name for spec in own}
    others = [spec for spec in shared if spec.name not in names]
    return [*own, *sorted(others, key=lambda spec: (spec.order, spec.name))]


def open_data(task: TaskSpec, options: DataOptions, shared: Sequence[SourceSpec]) -> OpenedData:
    """Open the source that ``options`` name, or for ``auto`` the first that has the task's data.

    Raises:
        UnknownNameError: No source of that name.
        SourceUnavailable: None has the data; every one tried is named with its reason.
        DataError: A source has data for the task, and they are damaged.
    """
    candidates = sources_for(task, shared)
    if options.source != AUTO:
        chosen = [spec for spec in candidates if spec.name == options.source]
        if not chosen:
            names = [AUTO, *(spec.name for spec in candidates)]
            raise UnknownNameError.among("data source", options.source, names)
        return OpenedData(data=chosen[0].factory().open(task, options))
    tried: list[tuple[str, str]] = []
    for spec in candidates:
        try:
            data = spec.factory().open(task, options)
        except SourceUnavailable as reason:
            tried.append((spec.name, reason.what))
        else:
            return OpenedData(data=data, passed_over=tuple(tried))
    listing = "\n".join(f"  {name}: {reason}" for name, reason in tried)
    raise SourceUnavailable(
        f"no source has data for {task.name}",
        remedy=f"Tried:\n{listing}" if tried else "No data source is installed.",
    )
