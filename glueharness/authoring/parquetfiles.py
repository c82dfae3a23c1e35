"""A data source for tasks whose splits are Parquet files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.authoring.datafiles import FileForm, FileFormat, FileSource, refuse_missing
from glueharness.errors import DataError
from glueharness.specs import SourceSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PIECE = 10_000  # rows


def parquet_source(folder: Path | str | None = None, form: FileForm | None = None) -> SourceSpec:
    """A source that reads a task's Parquet files; put it into the task's ``sources``.

    More columns than the task has are ignored. A test file's labels are not read.

    Args:
        folder: Where the files are, for data that come with the plugin; None means the folder
            that the user gives with ``--data-dir``.
        form: How the files differ from plain ones.
    """
    return SourceSpec(
        name="parquet",
        description="Parquet files, one per split",
        factory=partial(
            FileSource, PARQUET, None if folder is None else Path(folder), form or FileForm()
        ),
        order=5,
    )


def read_parquet(
    path: Path, form: FileForm, needed: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the records of a file; see :class:`glueharness.authoring.datafiles.Reader`.

    The place is ``file: row N``, counted from 0: a Parquet file has no lines.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.exists() and not path.is_file():
        raise DataError("cannot be read: it is no regular file", where=str(path))
    row = 0
    try:
        with pq.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            refuse_missing(names, needed, str(path), form)
            columns = sorted({*needed.values()}) or names
            # On this thread: a process that ends while others start is aborted.
            for piece in file.iter_batches(batch_size=_PIECE, columns=columns, use_threads=False):
                for record in piece.to_pylist():
                    yield f"{path}: row {row}", record
                    row += 1
    except (pa.ArrowException, OSError) as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"cannot be read as Parquet: {said}", where=str(path)) from error


PARQUET = FileFormat(name="parquet", read=read_parquet)
