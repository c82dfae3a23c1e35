"""GLUE on the Hugging Face hub, at a pinned revision; its cache comes first."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness import DataError, DataOrigin, SourceUnavailable
from glueharness.network import why_unreachable
from glueharness_glue.layouts import HubLayout
from glueharness_glue.sources.hubtable import table_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
        cached = _cached(layout)
        if cached is not None:
            return HubData(task=task, layout=layout, splits=_read_cache(cached))
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


def _cached(layout: HubLayout) -> Path | None:
    """The folder where ``datasets`` keeps exactly this revision, if it is there."""
    from huggingface_hub import constants

    root = Path(os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME) / "datasets")
    repository = layout.repository.replace("/", "___")
    # Formerly the data set had no namespace; that cache holds the same files.
    for name in (repository, layout.repository.rpartition("/")[2]):
        folder = root.expanduser() / name / layout.config / "0.0.0" / layout.revision
        if (folder / "dataset_info.json").is_file():
            return folder
    return None


def _read_cache(folder: Path) -> dict[str, Any]:
    """The splits of a cache folder. Read directly: ``load_dataset`` would ask the hub first.

    Raises:
        DataError: A file is missing or damaged.
    """
    with _datasets() as datasets:
        try:
            info = datasets.DatasetInfo.from_directory(str(folder))
            return {
                name: datasets.concatenate_datasets(
                    [datasets.Dataset.from_file(str(file)) for file in _shards(folder, name)]
                )
                for name in info.splits
            }
        except Exception as error:
            raise DataError(
                f"the cached data cannot be read: {_text(error)}",
                where=str(folder),
                remedy=f"Remove the folder {folder}; the data are then downloaded again.",
            ) from error


def _shards(folder: Path, split: str) -> list[Path]:
    files = sorted([*folder.glob(f"*-{split}.arrow"), *folder.glob(f"*-{split}-*-of-*.arrow")])
    if not files:
        raise FileNotFoundError(f"there is no file of the {split} split")
    return files


def _download(layout: HubLayout) -> dict[str, Any]:
    """Fetch a configuration into the cache.

    Raises:
        SourceUnavailable: The hub does not have it.
        DataError: The download broke off, or is not what the hub's own description says.
    """
    with _datasets() as datasets:
        try:
            builder = datasets.load_dataset_builder(
                layout.repository, layout.config, revision=layout.revision
            )
        except Exception as error:
            raise _unavailable(layout, _text(error)) from error
        if builder.hash != layout.revision:
            # When the hub answers with an error, datasets falls back to any revision it has.
            raise _unavailable(layout, "the hub did not give it")
        try:
            builder.download_and_prepare()
            return dict(builder.as_dataset())
        except Exception as error:
            raise DataError(
                f"the download from {_endpoint()} broke off: {_text(error)}",
                where=_place(layout),
                remedy="Run the same command again: files that have arrived are kept. Or give a "
                "folder with the GLUE files: --data-dir FOLDER",
            ) from error


@contextmanager
def _datasets() -> Iterator[Any]:
    """The library, quiet: what went wrong is told once, by us, and a log wants no progress bar."""
    import datasets
    from huggingface_hub.utils import logging as client

    library = datasets.logging  # its levels are those of the standard library
    verbosity, client_verbosity = library.get_verbosity(), client.get_verbosity()
    bars = datasets.are_progress_bars_disabled()
    library.set_verbosity(library.CRITICAL)
    client.set_verbosity(library.CRITICAL)
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    try:
        yield datasets
    finally:
        library.set_verbosity(verbosity)
        client.set_verbosity(client_verbosity)
        if not bars:
            datasets.enable_progress_bars()


def _text(error: BaseException) -> str:
    """The first line of an error and, where it has none, its kind."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
