"""Runs' predictions of the dev splits, side by side on the same rows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness.errors import ConfigError, RunFolderError
from glueharness.record.record import PREDICTIONS_FOLDER
from glueharness.record.seals import check_content
from glueharness.specs import LABEL_COLUMN
from glueharness_leaderboard.evidence.predictions_file import dev_splits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glueharness.record.record import RunRecord
    from glueharness.specs import TaskSpec
    from glueharness_leaderboard.statistics.influence import Values

_ODD = (KeyError, TypeError, ValueError, BufferError)
"""What reading a file raises, too, whose columns are of other kinds than they should be."""

UNIT_COLUMN = "unit:"
"""Begins the name of a column that says which rows belong together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A column of labels as positions in a list, or of numbers.

    Attributes:
        values: ``[n]``, positions in ``words``, or floats.
        words: The labels; None for numbers.
    """

    values: Values
    words: tuple[str, ...] | None

    def ids(self, labels: Mapping[str, int]) -> Values:
        """The labels' ids.

        Raises:
            KeyError: A label that is not among them.
        """
        if self.words is None:
            return self.values
        places: Values = np.array([labels[word] for word in self.words], dtype=np.int64)
        return places[self.values] if len(places) else self.values


@dataclass(frozen=True, slots=True, kw_only=True)
class OneSplit:
    """What one run predicted for one split.

    Attributes:
        index: ``[n]``, row numbers.
        predictions: The predictions.
        truth: The truth.
        units: By name of the column: which rows belong together.
    """

    index: Values
    predictions: Coded
    truth: Coded
    units: Mapping[str, Coded]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitValues:
    """What runs predicted for one split, row by row.

    Attributes:
        name: The split's name.
        index: ``[n]``, row numbers.
        truth: ``[n]``, label ids or floats.
        predictions: ``[m, n]``, one line a run.
        labels: Label names, the position is the id; empty for a regression.
        units: ``[n]`` by name of the column: each row's unit, 0 … u-1.
    """

    name: str
    index: Values
    truth: Values
    predictions: Values
    labels: tuple[str, ...]
    units: Mapping[str, Values]

    def of(self, runs: Sequence[int]) -> SplitValues:
        """Only those runs, by position."""
        return SplitValues(
            name=self.name,
            index=self.index,
            truth=self.truth,
            predictions=self.predictions[list(runs)],
            labels=self.labels,
            units=self.units,
        )


def read_run(record: RunRecord, runs_dir: Path) -> dict[str, OneSplit]:
    """Read what a run predicted, by dev split.

    Raises:
        RunFolderError: A file is missing, damaged, sealed otherwise, or not what the record says.
    """
    return {name: _read_split(record, runs_dir, name) for name in dev_splits(record)}


def _read_split(record: RunRecord, runs_dir: Path, split: str) -> OneSplit:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Texts, not paths: there are ten thousand of them in a large store.
    path = f"{runs_dir}/{record.id}/{PREDICTIONS_FOLDER}/{split}.parquet"
    if not os.path.isfile(path):  # noqa: PTH113 - a pipe would be waited for without end
        raise RunFolderError("there are no predictions", where=path)
    try:
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123
            content = stream.read()
        check_content(record, f"{PREDICTIONS_FOLDER}/{split}.parquet", content, path)
        words = ["prediction", LABEL_COLUMN]
        source = pa.BufferReader(content)
        # Before-hand reading is for files that are far away; this one is in memory.
        file = pq.ParquetFile(source, read_dictionary=words, pre_buffer=False)
        names = file.schema_arrow.names
        units = [name for name in names if name.startswith(UNIT_COLUMN)]
        needed = ["index", "prediction", LABEL_COLUMN, *units]
        table = file.read(columns=[name for name in needed if name in names], use_threads=False)
        complete = {"index", "prediction", LABEL_COLUMN} <= {*table.column_names}
        if not complete or len(table) != record.data.splits[split].rows:
            raise RunFolderError(
                f"the predictions of {split} are not those of the record",
                where=str(runs_dir / record.id),
            )
        return OneSplit(
            index=numbers_of(table["index"].combine_chunks()),
            predictions=_coded(table["prediction"], path),
            truth=_coded(table[LABEL_COLUMN], path),
            units={
                name.removeprefix(UNIT_COLUMN): _coded(table[name].cast(pa.string()), path)
                for name in units
            },
        )
    except (OSError, pa.ArrowException, *_ODD) as error:
        raise RunFolderError(f"predictions cannot be read: {error}", where=path) from error


def _coded(column: Any, path: str) -> Coded:
    import pyarrow as pa

    whole = column.combine_chunks()
    if pa.types.is_string(whole.type):
        whole = whole.dictionary_encode()
    if pa.types.is_dictionary(whole.type):
        words = tuple(map(str, whole.dictionary.to_pylist()))
        return Coded(values=numbers_of(whole.indices), words=words)
    numbers = numbers_of(whole).astype(np.float64)
    if not np.isfinite(numbers).all():
        raise RunFolderError("a prediction or a label is not a number", where=path)
    return Coded(values=numbers, words=None)


_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}


def numbers_of(array: Any) -> Values:
    """An Arrow array of numbers; not by ``to_numpy``, which imports pandas: half a second."""
    if array.null_count:
        raise ValueError("a cell is empty")
    kind = np.dtype(_FLOATS.get(str(array.type), str(array.type)))
    if kind.kind not in "iuf":
        raise TypeError(f"{array.type} is no number")
    offset = array.offset * kind.itemsize
    return np.frombuffer(array.buffers()[1], kind, count=len(array), offset=offset)


def side_by_side(
    reads: Sequence[Mapping[str, OneSplit]],
    records: Sequence[RunRecord],
    task: TaskSpec | None,
    place: tuple[Path, Mapping[str, OneSplit] | None],
) -> tuple[SplitValues, ...]:
    """Several runs' predictions on the same rows, by split.

    Args:
        reads: As :func:`read_run` gives them.
        records: The runs.
        task: Their task, for its labels; None if no installed plugin knows it.
        place: Folder of the runs, for messages; and predictions of another run, whose rows
            theirs must be.

    Raises:
        RunFolderError: They are of different rows, or hold a label that the task does not have.
    """
    runs_dir, reference = place
    return tuple(
        _one((name, (reference or reads[0])[name]), reads, records, task, runs_dir)
        for name in reads[0]
    )


def _one(
    reference: tuple[str, OneSplit],
    reads: Sequence[Mapping[str, OneSplit]],
    records: Sequence[RunRecord],
    task: TaskSpec | None,
    runs_dir: Path,
) -> SplitValues:
    name, first = reference
    coded = [
        first.truth,
        *(c for read in reads for c in (read[name].predictions, read[name].truth)),
    ]
    kinds = {column.words is None for column in coded}
    if len(kinds) > 1 or (task is not None and kinds != {task.regression}):
        raise RunFolderError(
            f"the predictions of {name} mix up labels and numbers",
            where=str(runs_dir / records[0].id),
        )
    words = {word for column in coded for word in column.words or ()}
    labels = task.labels if task else tuple(sorted(words))
    ids = {label: number for number, label in enumerate(labels)}
    try:
        truth = first.truth.ids(ids)
        predictions = np.stack([read[name].predictions.ids(ids) for read in reads])
        truths = [read[name].truth.ids(ids) for read in reads]
    except KeyError as error:
        raise RunFolderError(
            f"the predictions of {name} hold the label {error}, which {records[0].task} has not",
            where=str(runs_dir),
        ) from error
    for record, read, other in zip(records, reads, truths, strict=True):
        if not (np.array_equal(read[name].index, first.index) and np.array_equal(other, truth)):
            raise RunFolderError(
                f"the predictions of {name} are of other rows than those it is compared with",
                where=str(runs_dir / record.id),
            )
    return SplitValues(
        name=name,
        index=first.index,
        truth=truth,
        predictions=predictions,
        labels=labels if first.truth.words is not None else (),
        units={column: units.values for column, units in first.units.items()},
    )


def check_same_rows(records: Sequence[RunRecord]) -> None:
    """Make sure that runs can be compared row by row.

    Raises:
        ConfigError: They are of different tasks, or were scored on different rows.
    """
    first = records[0]
    expected = _dev_rows(first)
    for record in records[1:]:
        if record.task != first.task:
            raise ConfigError(
                f"{first.id} is a run of {first.task}, {record.id} one of {record.task}",
                remedy="Only runs of one task can be compared.",
            )
        found = _dev_rows(record)
        if found != expected:
            raise ConfigError(
                f"{first.id} and {record.id} were not scored on the same rows: "
                f"{_describe(expected)} against {_describe(found)}",
                remedy="Only runs in one table of `glueharness leaderboard` can be compared.",
            )


def _dev_rows(record: RunRecord) -> dict[str, tuple[int, str]]:
    return {
        name: (record.data.splits[name].rows, record.data.splits[name].fingerprint)
        for name in dev_splits(record)
    }


def _describe(rows: Mapping[str, tuple[int, str]]) -> str:
    return ", ".join(
        f"{name} with {count:,} rows (fingerprint {fingerprint})"
        for name, (count, fingerprint) in rows.items()
    )
