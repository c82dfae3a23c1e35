"""What one run predicted for the dev splits, read from its files and checked against its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glueharness.errors import RunFolderError
from glueharness.record.record import PREDICTIONS_FOLDER
from glueharness.record.seals import check_content, seal_of
from glueharness.specs import LABEL_COLUMN
from glueharness.system.user_files import read_within
from glueharness_leaderboard.evidence.predictions_file import dev_splits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness_leaderboard.statistics.influence import Values

_ODD = (KeyError, TypeError, ValueError, BufferError)
"""What reading a file raises, too, whose columns are of other kinds than they should be."""

_MOST_BYTES = 16 * 1024**3

UNIT_COLUMN = "unit:"
"""Begins the name of a column that says which rows belong together."""


class Coded(NamedTuple):
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


class OneSplit(NamedTuple):
    """What one run predicted for one split.

    Attributes:
        row_numbers: ``[n]``.
        predictions: The predictions.
        truth: The truth.
        units: By name of the column: which rows belong together.
    """

    row_numbers: Values
    predictions: Coded
    truth: Coded
    units: Mapping[str, Coded]


Reads = dict[str, OneSplit]
"""What a run predicted, by dev split."""


class Wanted(NamedTuple):
    """A file of predictions that is to be read, and what the record says of it.

    Attributes:
        folder: The run's folder.
        split: Name of the split.
        rows: Rows of the split.
        seal: The hash that the file must have; None for a run of a version without seals.
    """

    folder: str
    split: str
    rows: int
    seal: str | None

    @property
    def name(self) -> str:
        """The file's place in the run folder."""
        return f"{PREDICTIONS_FOLDER}/{self.split}.parquet"


def wanted_in(folder: str, record: RunRecord) -> list[Wanted]:
    """The files with a run's predictions of the dev splits.

    Args:
        folder: The run's folder; as text, for there are ten thousand of them in a large store.
        record: Its record.

    Raises:
        RunFolderError: The seal of one is gone from the record.
    """
    return [
        Wanted(
            folder=folder,
            split=split,
            rows=record.data.splits[split].rows,
            seal=seal_of(record, f"{PREDICTIONS_FOLDER}/{split}.parquet", folder),
        )
        for split in dev_splits(record)
    ]


def read_run(record: RunRecord, store: RunStore) -> Reads:
    """Read what a run predicted, by dev split.

    Raises:
        RunFolderError: A file is missing, damaged, sealed otherwise, or not what the record says.
    """
    return read_files(wanted_in(store.place(record), record))


def read_files(files: Sequence[Wanted]) -> Reads:
    """Read a run's files of predictions, by split.

    Raises:
        RunFolderError: As :func:`read_run`.
    """
    return {wanted.split: read_split(wanted) for wanted in files}


def read_split(wanted: Wanted) -> OneSplit:
    """Read a file of predictions.

    Raises:
        RunFolderError: As :func:`read_run`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = f"{wanted.folder}/{wanted.name}"
    try:
        content = read_within(path, _MOST_BYTES)
    except FileNotFoundError as error:
        raise RunFolderError("there are no predictions", where=path) from error
    except OSError as error:
        raise RunFolderError(
            f"predictions cannot be read: {error.strerror or error}", where=path
        ) from error
    try:
        check_content(wanted.seal, wanted.name, content, path)
        words = ["prediction", LABEL_COLUMN]
        source = pa.BufferReader(content)
        # Before-hand reading is for files that are far away; this one is in memory.
        file = pq.ParquetFile(source, read_dictionary=words, pre_buffer=False)
        names = file.schema_arrow.names
        units = [name for name in names if name.startswith(UNIT_COLUMN)]
        needed = ["index", "prediction", LABEL_COLUMN, *units]
        table = file.read(columns=[name for name in needed if name in names], use_threads=False)
        complete = {"index", "prediction", LABEL_COLUMN} <= {*table.column_names}
        if not complete or len(table) != wanted.rows:
            raise RunFolderError(
                f"the predictions of {wanted.split} are not those of the record",
                where=wanted.folder,
            )
        return OneSplit(
            row_numbers=numbers_of(table["index"].combine_chunks()),
            predictions=_coded(table["prediction"], path),
            truth=_coded(table[LABEL_COLUMN], path),
            units={
                name.removeprefix(UNIT_COLUMN): _coded(table[name].cast(pa.string()), path)
                for name in units
            },
        )
    except (OSError, pa.ArrowException, *_ODD) as error:
        raise RunFolderError(f"predictions cannot be read: {error}", where=path) from error


class Sharing:
    """Keeps one of equal columns: runs on the same rows have the same row numbers and labels.

    That takes less memory, and columns that are one and the same need not be compared.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, bytes], Values] = {}
        self._columns: dict[tuple[int, tuple[str, ...] | None], Coded] = {}

    def of(self, reads: Reads) -> Reads:
        """What a run predicted, with the columns that were seen before."""
        return {
            name: OneSplit(
                row_numbers=self._number(read.row_numbers),
                predictions=read.predictions,
                truth=self._column(read.truth),
                units={column: self._column(each) for column, each in read.units.items()},
            )
            for name, read in reads.items()
        }

    def _number(self, values: Values) -> Values:
        return self._numbers.setdefault((values.dtype.str, values.tobytes()), values)

    def _column(self, column: Coded) -> Coded:
        values = self._number(column.values)
        known = self._columns.get((id(values), column.words))
        if known is None:
            known = Coded(values=values, words=column.words)
            self._columns[id(values), column.words] = known
        return known


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
