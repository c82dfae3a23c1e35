"""What the hub's clients keep on this machine, read without asking the hub."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness import DataError
from glueharness_hub import in_words, quiet_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueharness import HubLayout


def read_cached(layout: HubLayout) -> dict[str, Any] | None:
    """The splits of exactly the pinned revision, by the hub's names; None if they are not here.

    Two caches may have them: that of ``datasets``, filled by an earlier run, and that of the
    hub's client, filled by ``hf download nyu-mll/glue --repo-type dataset --revision ...`` for a
    machine with no network.

    Raises:
        DataError: They are here, and damaged.
    """
    prepared = _prepared_folder(layout)
    if prepared is not None:
        return _read(prepared, _read_prepared)
    downloaded = _downloaded_folder(layout)
    if downloaded is not None:
        return _read(
            downloaded, lambda datasets, folder: _read_downloaded(datasets, folder, layout)
        )
    return None


def _prepared_folder(layout: HubLayout) -> Path | None:
    from huggingface_hub import constants

    root = Path(os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME) / "datasets")
    repository = layout.repository.replace("/", "___")
    # Formerly the data set had no namespace; that cache holds the same files.
    for name in (repository, layout.repository.rpartition("/")[2]):
        folder = root.expanduser() / name / layout.config / "0.0.0" / layout.revision
        if (folder / "dataset_info.json").is_file():
            return folder
    return None


def _downloaded_folder(layout: HubLayout) -> Path | None:
    from huggingface_hub import constants

    repository = f"datasets--{layout.repository.replace('/', '--')}"
    snapshot = Path(constants.HF_HUB_CACHE) / repository / "snapshots" / layout.revision
    folder = snapshot / layout.config
    return folder if all(_parquet(folder, split) for split in layout.splits.values()) else None


def _parquet(folder: Path, split: str) -> list[Path]:
    """A split's files, if all of them are here."""
    files = sorted(folder.glob(f"{split}-*-of-*.parquet"))
    return files if files and files[0].stem.endswith(f"-of-{len(files):05d}") else []


def _read(folder: Path, read: Any) -> dict[str, Any]:
    with quiet_datasets() as datasets:
        try:
            splits: dict[str, Any] = read(datasets, folder)
        except Exception as error:
            raise DataError(
                f"the cached data cannot be read: {in_words(error)}",
                where=str(folder),
                remedy=f"Remove the folder {folder}; the data are then downloaded again.",
            ) from error
    return splits


def _read_prepared(datasets: Any, folder: Path) -> dict[str, Any]:
    # Read directly: `load_dataset` would ask the hub first.
    info = datasets.DatasetInfo.from_directory(str(folder))
    return {
        name: datasets.concatenate_datasets(
            [datasets.Dataset.from_file(str(file)) for file in _arrow(folder, name)]
        )
        for name in info.splits
    }


def _arrow(folder: Path, split: str) -> list[Path]:
    files = sorted([*folder.glob(f"*-{split}.arrow"), *folder.glob(f"*-{split}-*-of-*.arrow")])
    if not files:
        raise FileNotFoundError(f"there is no file of the {split} split")
    return files


def _read_downloaded(datasets: Any, folder: Path, layout: HubLayout) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    return {
        split: datasets.Dataset(
            pa.concat_tables([pq.read_table(file) for file in _parquet(folder, split)])
        )
        for split in layout.splits.values()
    }


@contextmanager
def quiet_datasets() -> Iterator[Any]:
    """The library, quiet: what went wrong is told once, by us, and a log wants no progress bar."""
    import datasets

    library = datasets.logging  # its levels are those of the standard library
    verbosity = library.get_verbosity()
    bars = datasets.are_progress_bars_disabled()
    library.set_verbosity(library.CRITICAL)
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    try:
        with quiet_client():
            yield datasets
    finally:
        library.set_verbosity(verbosity)
        if not bars:
            datasets.enable_progress_bars()
