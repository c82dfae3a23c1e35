"""GLUE on the Hugging Face hub, at a pinned revision; its cache comes first."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness import DataError, DataOrigin, HubLayout, SourceUnavailable
from glueharness_glue.sources.hubcache import read_cached
from glueharness_glue.sources.hubtable import table_from
from glueharness_hub import (
    Unreachable,
    ask,
    check_environment,
    download,
    endpoint,
    explain,
    quiet_datasets,
    unmistakable,
    why_not_asked,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness import DataOptions, Table, TaskSpec

NAME = "hub"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_OTHER_WAYS = "Or give a folder with the GLUE files (--data-dir FOLDER), or try it on made-up data "
_OTHER_WAYS += "(--data sample)."
_WAYS_ON = (
    "You can give a folder with the GLUE files (--data-dir FOLDER), run where {endpoint} or its "
    "cache (HF_HOME) can be reached, or try it on made-up data (--data sample)."
)
_WAY_ON = "Run where {endpoint} or its cache (HF_HOME) can be reached."


class HubSource:
    """Finds a task's data in the cache of ``datasets``, or downloads them."""

    def open(self, task: TaskSpec, options: DataOptions) -> HubData:
        """Find the data; a download takes place here.

        Raises:
            SourceUnavailable: They are not in the cache, and the hub is not to be asked or no
                connection to it can be made. That is known within seconds.
            DataError: The hub does not give them, or the download broke off.
        """
        layout = task.location(HubLayout)
        if layout is None:
            raise SourceUnavailable(f"{task.name} is not known to be on the hub")
        check_environment()
        cached = read_cached(layout)
        if cached is not None:
            return HubData(task=task, layout=layout, splits=cached)
        if reason := why_not_asked(offline=options.offline):
            raise _unavailable(layout, reason)
        try:
            ask("datasets", layout.repository, layout.revision)
        except Unreachable as reason_of:
            reason = f"{endpoint()} cannot be reached: {reason_of}"
            raise _unavailable(layout, reason) from reason_of
        except Exception as error:
            # A hub that answers is there: to go on with other data now would be a lie.
            raise _refused(layout, error, "the data cannot be downloaded") from error
        return HubData(task=task, layout=layout, splits=_download(layout))


@dataclass(frozen=True, slots=True, kw_only=True)
class HubData:
    """One task's data from the hub.

    Attributes:
        task: The task.
        layout: Where it lies there.
        splits: The hub's name of a split to its data set.
    """

    task: TaskSpec
    layout: HubLayout
    splits: Mapping[str, Any]

    @property
    def origin(self) -> DataOrigin:
        """Repository, configuration and revision."""
        return DataOrigin(
            source=NAME,
            location=_place(self.layout),
            revision=self.layout.revision,
            # A commit never changes; a branch does.
            official=bool(_COMMIT.fullmatch(self.layout.revision)),
        )

    @property
    def available(self) -> list[str]:
        """The splits that were found, by the task's names."""
        return [name for name, there in self.layout.splits.items() if there in self.splits]

    def load(self, split: str) -> Table:
        """One split, with label names.

        Raises:
            DataError: It is not there, or is not what the task says.
        """
        there = self.layout.splits.get(split)
        if there is None or there not in self.splits:
            raise DataError(
                f"the {split} split of {self.task.name} is not there", where=_place(self.layout)
            )
        where = f"{_place(self.layout)}:{there}"
        return table_from(self.splits[there], split, self.task, self.layout, where)


def _place(layout: HubLayout) -> str:
    return f"{layout.repository}/{layout.config}"


def _other_ways(layout: HubLayout) -> str:
    """What else GLUE's tasks could be run on; other data sets are nowhere else."""
    return "" if layout.form is not None else f"\n{_OTHER_WAYS}"


def _unavailable(layout: HubLayout, reason: str) -> SourceUnavailable:
    ways = _WAYS_ON if layout.form is None else _WAY_ON
    return SourceUnavailable(
        f"no {_place(layout)} at revision {layout.revision[:12]}: "
        f"the cache does not have it, and {reason}",
        remedy=ways.format(endpoint=endpoint()),
    )


def _refused(layout: HubLayout, error: BaseException, what: str) -> DataError:
    told = explain(error, layout.repository)
    return DataError(
        f"{what}: {told.what}",
        where=f"{_place(layout)} at revision {layout.revision[:12]}",
        remedy=f"{told.remedy}{_other_ways(layout)}",
    )


def _download(layout: HubLayout) -> dict[str, Any]:
    """Fetch a configuration into the cache.

    Raises:
        DataError: The download broke off, or is not what the hub's own description says.
    """
    with quiet_datasets() as datasets:
        try:
            # GLUE's configurations have a folder each: the client fetches it, and checks it.
            patterns = ["README.md", f"{layout.config}/*"]
            bars = sys.stderr.isatty()
            download("datasets", layout.repository, layout.revision, patterns, bars=bars)
            arrived = read_cached(layout)
            if arrived is not None:
                return arrived
            # Others may have their files in another order, which `datasets` knows about.
            builder = datasets.load_dataset_builder(
                unmistakable(layout.repository), layout.config, revision=layout.revision
            )
            if builder.hash == layout.revision:
                builder.download_and_prepare()
                return dict(builder.as_dataset())
        except DataError:
            raise
        except Exception as error:
            raise _refused(layout, error, "the download of the data broke off") from error
    # When the hub answers with an error, datasets takes any revision it has.
    raise DataError(
        f"{endpoint()} did not give revision {layout.revision}, but {builder.hash}",
        where=_place(layout),
        remedy=f"Run the same command again.{_other_ways(layout)}",
    )
