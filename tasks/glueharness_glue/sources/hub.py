"""GLUE on the Hugging Face hub, at a pinned revision; its cache comes first."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness import DataError, DataOrigin, HubLayout, SourceUnavailable
from glueharness.system.network import why_unreachable
from glueharness_glue.sources.hubcache import in_words, quiet_datasets, read_cached
from glueharness_glue.sources.hubtable import table_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness import DataOptions, Table, TaskSpec

NAME = "hub"
_SECONDS = 2.5
_WAYS_ON = (
    "Three ways on: give a folder with the GLUE files (--data-dir FOLDER); run where {endpoint} "
    "or its cache (HF_HOME) can be reached; try it on made-up data (--data sample)."
)


class HubSource:
    """Finds a task's data in the cache of ``datasets``, or downloads them."""

    def open(self, task: TaskSpec, options: DataOptions) -> HubData:
        """Find the data; a download takes place here.

        Raises:
            SourceUnavailable: They are not in the cache, and the hub cannot be asked or has
                nothing of that revision. Whether it answers is known within seconds.
            DataError: The hub has them and the download broke off.
        """
        layout = task.location(HubLayout)
        if layout is None:
            raise SourceUnavailable(f"{task.name} is not known to be on the hub")
        cached = read_cached(layout)
        if cached is not None:
            return HubData(task=task, layout=layout, splits=cached)
        reason = _why_not_asked(layout, options)
        if reason:
            raise _unavailable(layout, f"the cache does not have it, and {reason}")
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
        return DataOrigin(source=NAME, location=_place(self.layout), revision=self.layout.revision)

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


def _endpoint() -> str:
    from huggingface_hub import constants

    return str(constants.ENDPOINT)


def _unavailable(layout: HubLayout, reason: str) -> SourceUnavailable:
    return SourceUnavailable(
        f"no {_place(layout)} at revision {layout.revision[:12]}: {reason}",
        remedy=_WAYS_ON.format(endpoint=_endpoint()),
    )


def _why_not_asked(layout: HubLayout, options: DataOptions) -> str:
    """Why the network is not to be used, or the hub does not answer; empty if it does."""
    from huggingface_hub import constants

    if options.offline:
        return "the network is not to be used (--offline)"
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(name, "").upper() in constants.ENV_VARS_TRUE_VALUES:
            return f"the network is not to be used ({name} is set)"
    page = f"{_endpoint()}/datasets/{layout.repository}/resolve/{layout.revision}/README.md"
    reason = why_unreachable(page, _SECONDS, any_answer=False)
    return f"{_endpoint()} cannot be reached: {reason}" if reason else ""


def _download(layout: HubLayout) -> dict[str, Any]:
    """Fetch a configuration into the cache.

    Raises:
        SourceUnavailable: The hub does not have it.
        DataError: The download broke off, or is not what the hub's own description says.
    """
    with quiet_datasets() as datasets:
        try:
            builder = datasets.load_dataset_builder(
                layout.repository, layout.config, revision=layout.revision
            )
        except Exception as error:
            raise _unavailable(layout, in_words(error)) from error
        if builder.hash != layout.revision:
            # When the hub answers with an error, datasets falls back to any revision it has.
            raise _unavailable(layout, "the hub did not give it")
        try:
            builder.download_and_prepare()
            return dict(builder.as_dataset())
        except Exception as error:
            raise DataError(
                f"the download from {_endpoint()} broke off: {in_words(error)}",
                where=_place(layout),
                remedy="Run the same command again: files that have arrived are kept. Or give a "
                "folder with the GLUE files: --data-dir FOLDER",
            ) from error
