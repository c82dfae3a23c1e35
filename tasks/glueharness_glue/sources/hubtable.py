"""From a ``datasets.Dataset`` of the hub to a split with label names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueharness import INDEX_COLUMN, LABEL_COLUMN, DataError, Table
from glueharness.authoring.datafiles import RecordRows
from glueharness_glue.sources.quotes import unquoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glueharness import HubLayout, TaskSpec

_UNLABELLED = -1
_PIECE = 10_000  # rows


def table_from(dataset: Any, split: str, task: TaskSpec, layout: HubLayout, where: str) -> Table:
    """The columns that the task needs.

    The hub's test labels are -1, and MRPC's are real: neither is read. A test split is put into
    the order of its row numbers.

    Args:
        dataset: The data set.
        split: The split's name.
        task: The task.
        layout: Where it lies on the hub.
        where: The place, for messages.

    Raises:
        DataError: A column is missing, label names differ, or row numbers are not 0 … n-1.
    """
    if layout.form is not None:
        return RecordRows(task=task, form=layout.form).table(split, _records(dataset, where))
    needed = [*task.columns, "idx"]
    missing = [name for name in needed if name not in dataset.column_names]
    if missing:
        raise DataError(
            f"the columns {', '.join(missing)} are missing; "
            f"there are {', '.join(dataset.column_names)}",
            where=where,
        )
    # As Arrow, all at once: asking a data set for a column goes value by value.
    rows = dataset.with_format("arrow")[:]
    index: list[Any] = rows["idx"].to_pylist()
    _refuse_odd(index, int, "idx", where)
    columns: dict[str, list[Any]] = {INDEX_COLUMN: index}
    if task.split(split).role != "test" and LABEL_COLUMN in dataset.column_names:
        labels = _labels(rows[LABEL_COLUMN].to_pylist(), dataset.features, task, where)
        if labels is not None:
            columns[LABEL_COLUMN] = labels
    for column in task.columns:
        texts = rows[column].to_pylist()
        _refuse_odd(texts, str, column, where)
        columns[column] = [unquoted(text) for text in texts] if layout.quoted else texts
    if task.split(split).role == "test" and index != list(range(len(index))):
        columns = _in_order(columns, where)
    return Table(columns)


def _records(dataset: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows with their places; a label that is stored as a number has its name."""
    names = {
        column: feature.names
        for column, feature in dataset.features.items()
        if getattr(feature, "names", None)
    }
    row = 0
    for piece in dataset.with_format("arrow").iter(_PIECE):
        for record in piece.to_pylist():
            for column, known in names.items():
                value = record[column]
                if isinstance(value, int) and 0 <= value < len(known):
                    record[column] = known[value]
            yield f"{where}: row {row}", record
            row += 1


def _refuse_odd(values: list[Any], kind: type | tuple[type, ...], column: str, where: str) -> None:
    """Refuse a column with a value that is missing, or is something else than it should be.

    Raises:
        DataError: With row, column and value.
    """
    for row, value in enumerate(values):
        if not isinstance(value, kind) or isinstance(value, bool):
            what = "is missing" if value is None else f"is {str(value)[:80]!r}"
            raise DataError(
                f"row {row}: {column} {what}",
                where=where,
                remedy="These are not the data of the pinned revision: get them again (remove "
                "them from the cache, or check the mirror).",
            )


def _in_order(columns: dict[str, list[Any]], where: str) -> dict[str, list[Any]]:
    index = columns[INDEX_COLUMN]
    order = sorted(range(len(index)), key=index.__getitem__)
    if [index[row] for row in order] != list(range(len(index))):
        raise DataError(
            f"the row numbers (idx) of the test split are not 0 to {len(index) - 1}, each once",
            where=where,
        )
    return {name: [values[row] for row in order] for name, values in columns.items()}


def _labels(
    values: list[Any], features: Mapping[str, Any], task: TaskSpec, where: str
) -> list[Any] | None:
    """Label names, or scores; None if no row is labelled.

    Raises:
        DataError: One is missing, or is none of the task's.
    """
    if all(value == _UNLABELLED for value in values):
        return None
    if task.regression:
        _refuse_odd(values, (int, float), LABEL_COLUMN, where)
        low, high = task.score_range or (-math.inf, math.inf)
        for row, value in enumerate(values):
            if not low <= value <= high:
                raise DataError(
                    f"row {row}: the score is {value:g}, which is no number from {low:g} to "
                    f"{high:g}",
                    where=where,
                )
        return [_score(value) for value in values]
    _refuse_odd(values, int, LABEL_COLUMN, where)
    # Bare files may carry numbers alone; the order is then the task's.
    names = tuple(getattr(features[LABEL_COLUMN], "names", None) or task.labels)
    if names != task.labels:
        raise DataError(
            f"its labels are {', '.join(names)}; "
            f"{task.name} has {', '.join(task.labels)}, in this order",
            where=where,
        )
    for row, value in enumerate(values):
        if not 0 <= value < len(names):
            raise DataError(f"row {row}: the label {value} has no name", where=where)
    return [names[value] for value in values]


def _score(value: float) -> float:
    """The number that was meant: the hub keeps 3.8 as 3.799999952316284, its nearest float32."""
    return float(f"{value:.7g}")
