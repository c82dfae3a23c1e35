"""What the hub's clients keep on this machine, read without asking the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness import DataError
from glueharness_hub import (
    datasets_cache,
    in_words,
    prepared_name,
    quiet_datasets,
    read_prepared,
)

if TYPE_CHECKING:
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
        return _read(prepared, read_prepared)
    downloaded = _downloaded_folder(layout)
    if downloaded is not None and _described(downloaded, layout):
        return _read(
            downloaded, lambda datasets, folder: _read_downloaded(datasets, folder, layout)
        )
    return None


def _prepared_folder(layout: HubLayout) -> Path | None:
    repository = prepared_name(layout.repository)
    # Formerly the data set had no namespace; that cache holds the same files.
    for name in (repository, layout.repository.rpartition("/")[2]):
        folder = datasets_cache() / name / layout.config / "0.0.0" / layout.revision
        if (folder / "dataset_info.json").is_file():
            return folder
    return None


def _downloaded_folder(layout: HubLayout) -> Path | None:
    from huggingface_hub import constants

    repository = f"datasets--{layout.repository.replace('/', '--')}"
    snapshot = Path(constants.HF_HUB_CACHE) / repository / "snapshots" / layout.revision
    folder = snapshot / layout.config
    return folder if all(_parquet(folder, split) for split in layout.splits.values()) else None


def _described(folder: Path, layout: HubLayout) -> bool:
    """Whether the files say themselves what their labels' numbers mean, as far as that matters.

    Of GLUE's it is known; of others it may stand in the repository's card alone, which ``datasets``
    reads.
    """
    import pyarrow.parquet as pq

    if layout.form is None:
        return True
    schemas = [pq.read_schema(_parquet(folder, split)[0]) for split in layout.splits.values()]
    return all(b"huggingface" in (schema.metadata or {}) for schema in schemas)


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


def _read_downloaded(datasets: Any, folder: Path, layout: HubLayout) -> dict[str, Any]:
    import pyarrow as pa

    return {
        split: datasets.Dataset(pa.concat_tables(map(_table, _parquet(folder, split))))
        for split in layout.splits.values()
    }


def _table(file: Path) -> Any:
    """A file's columns, read on this thread: a process that ends as others start is aborted."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(file, pre_buffer=False) as opened:
        return opened.read(use_threads=False)
