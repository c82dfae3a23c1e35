"""Predictions of a split as a Parquet file in the run folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from glueharness.data.table import labelled, row_numbers
from glueharness.errors import RunFolderError
from glueharness.record.record import PREDICTIONS_FOLDER
from glueharness.record.seals import check_seal
from glueharness.scoring.scorer import decide
from glueharness.specs import LABEL_COLUMN
from glueharness.system import atomic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt
    import pyarrow as pa

    from glueharness.record.record import RunRecord
    from glueharness.specs import FloatArray, Split, TaskSpec

SCORE_COLUMN = "score:"
"""What the names of columns with a label's scores begin with."""
UNIT_COLUMN = "unit:"
"""What the names of columns begin with that say which rows belong together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPredictions:
    """What a run predicted for a split.

    Attributes:
        index: Row numbers; length n.
        values: Label names, or floats for a regression; length n.
        references: The truth, in the same form; None for an unlabelled split.
    """

    index: Sequence[int]
    values: Sequence[Any]
    references: Sequence[Any] | None


def write_predictions(
    folder: Path, name: str, task: TaskSpec, split: Split, scores: FloatArray
) -> Path:
    """Write ``predictions/<name>.parquet``: index, prediction, label if known, scores by label.

    A metric's ``unit`` column goes in too, as ``unit:NAME``, so that whoever resamples the rows
    knows which belong together.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {
        "index": pa.array(row_numbers(split), pa.int64()),
        "prediction": pa.array(decide(scores, task)),
    }
    # The labels of a test split are placeholders, or not ours to look at.
    if labelled(split) and task.split(name).role != "test":
        columns[LABEL_COLUMN] = pa.array(list(split[LABEL_COLUMN]))
    if not task.regression:
        for position, label in enumerate(task.labels):
            columns[f"{SCORE_COLUMN}{label}"] = pa.array(scores[:, position])
    for unit in sorted({metric.unit for metric in task.metrics} & {*split.column_names}):
        columns[f"{UNIT_COLUMN}{unit}"] = pa.array([str(value) for value in split[unit]])
    # For a submission, a task with no training data is predicted in the run of another task, which
    # has a test split too.
    foreign = task.trained_on and task.split(name).role == "test"
    stem = f"{task.name}.{name}" if foreign else name
    path = folder / PREDICTIONS_FOLDER / f"{stem}.parquet"
    path.parent.mkdir(exist_ok=True)
    # Open files, since Arrow encodes a path as UTF-8, which not every path is.
    with atomic.whole_file(path) as aside, aside.open("wb") as stream:
        pq.write_table(pa.table(columns), stream)
    return path


def read_predictions(folder: Path, record: RunRecord, name: str) -> SplitPredictions:
    """Read what a run predicted for a split.

    Args:
        folder: The run folder.
        record: Its record, which has the file's seal.
        name: Name of the split.

    Raises:
        RunFolderError: The file is not there, damaged, or changed since the run was completed.
    """
    import pyarrow as pa

    file = f"{PREDICTIONS_FOLDER}/{name}.parquet"
    check_seal(folder, record, file)
    path = folder / file
    try:
        with path.open("rb") as stream:
            table = _read(stream)
        index, values = table["index"].to_pylist(), table["prediction"].to_pylist()
    except (OSError, KeyError, pa.ArrowException) as error:
        reason = f"there is no column {error}" if isinstance(error, KeyError) else error
        raise RunFolderError(f"predictions cannot be read: {reason}", where=str(path)) from error
    names = table.column_names
    return SplitPredictions(
        index=index,
        values=values,
        references=table[LABEL_COLUMN].to_pylist() if LABEL_COLUMN in names else None,
    )


def _read(stream: IO[bytes]) -> pa.Table:
    """All columns, on this thread.

    Not by ``read_table``: it imports pandas, and starts threads; a process that ends while they
    start is aborted on a busy machine, with the exit code 134.
    """
    import pyarrow.parquet as pq

    return pq.ParquetFile(stream, pre_buffer=False).read(use_threads=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredScores(SplitPredictions):
    """Predictions of a split with all that was stored of them.

    Attributes:
        labels: The labels that have scores, in order.
        scores: float32 ``[n, k]``; None for a regression.
        units: Columns that say which rows belong together, by name.
    """

    labels: tuple[str, ...] = ()
    scores: FloatArray | None = None
    units: Mapping[str, Sequence[str]] = field(default_factory=dict)


def read_scores(folder: Path, record: RunRecord, name: str) -> StoredScores:
    """As :func:`read_predictions`, with the scores of each label.

    Raises:
        RunFolderError: As :func:`read_predictions`.
    """
    import numpy as np
    import pyarrow as pa

    read = read_predictions(folder, record, name)
    path = folder / PREDICTIONS_FOLDER / f"{name}.parquet"
    try:
        with path.open("rb") as stream:
            table = _read(stream)
        labels = [column for column in table.column_names if column.startswith(SCORE_COLUMN)]
        columns = [np.asarray(table[column].to_numpy(), dtype=np.float32) for column in labels]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise RunFolderError(f"predictions cannot be read: {error}", where=str(path)) from error
    units = [column for column in table.column_names if column.startswith(UNIT_COLUMN)]
    return StoredScores(
        index=read.index,
        values=read.values,
        references=read.references,
        labels=tuple(label.removeprefix(SCORE_COLUMN) for label in labels),
        scores=np.stack(columns, axis=1) if columns else None,
        units={column.removeprefix(UNIT_COLUMN): table[column].to_pylist() for column in units},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitDifference:
    """How the predictions of two runs for the same rows differ.

    Attributes:
        rows: Rows of the split.
        other: Rows with another predicted label, or another value of a regression.
        identical: Whether all predictions and scores are the same, bit by bit.
        largest: Largest difference of a label's scores, or of a regression's values.
    """

    rows: int
    other: int
    identical: bool
    largest: float


def differing_predictions(
    first: tuple[Path, RunRecord], again: tuple[Path, RunRecord], name: str
) -> SplitDifference:
    """Compare what two runs predicted for a split.

    Args:
        first: Folder and record of one run.
        again: Those of the other.
        name: Name of the split.

    Raises:
        RunFolderError: Predictions are missing, damaged, changed, or for other rows.
    """
    import numpy as np

    tables = [_numbers(folder, record, name) for folder, record in (first, again)]
    (there, before), (here, now) = tables
    if there.index != here.index or before.keys() != now.keys():
        raise RunFolderError(
            f"the two runs did not predict the same rows of {name}", where=str(again[0])
        )
    pairs = [(before[column], now[column]) for column in before]
    largest = [float(np.abs(a - b).max()) for a, b in pairs if len(a)]
    return SplitDifference(
        rows=len(there.index),
        other=sum(a != b for a, b in zip(there.values, here.values, strict=True)),
        identical=list(there.values) == list(here.values)
        and all(a.tobytes() == b.tobytes() for a, b in pairs),
        largest=max(largest, default=0.0),
    )


def _numbers(
    folder: Path, record: RunRecord, name: str
) -> tuple[StoredScores, dict[str, npt.NDArray[Any]]]:
    """Predictions of a split, and the numbers they follow from: a column a label, or values."""
    import numpy as np

    read = read_scores(folder, record, name)
    if read.scores is not None:
        return read, {label: read.scores[:, at] for at, label in enumerate(read.labels)}
    values = [float(value) for value in read.values if not isinstance(value, str)]
    return read, {"prediction": np.array(values, dtype=np.float64)}
