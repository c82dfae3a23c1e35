"""``Table``: a split as columns in memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueharness.errors import DataError
from glueharness.specs import INDEX_COLUMN, LABEL_COLUMN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.specs import Split, TaskSpec


class Table:
    """Read-only columns of equal length, held in memory.

    Args:
        columns: Column name to values.

    Raises:
        ValueError: The columns differ in length.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        lengths = {len(values) for values in columns.values()}
        if len(lengths) > 1:
            raise ValueError(f"columns differ in length: {sorted(lengths)}")
        self._columns = dict(columns)
        self._length = lengths.pop() if lengths else 0

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""
        return list(self._columns)

    def __len__(self) -> int:
        """Number of rows."""
        return self._length

    def __getitem__(self, column: str, /) -> Sequence[Any]:
        """The values of a column.

        Raises:
            KeyError: There is no such column.
        """
        return self._columns[column]


def head(split: Split, rows: int | None) -> Split:
    """The first ``rows`` rows of a split, or all of them for None."""
    if rows is None or rows >= len(split):
        return split
    return Table({name: list(split[name])[:rows] for name in split.column_names})


def row_numbers(split: Split) -> list[int]:
    """The rows' numbers in a submission: the index column, or 0 … n-1 without one."""
    if INDEX_COLUMN in split.column_names:
        return [int(number) for number in split[INDEX_COLUMN]]
    return list(range(len(split)))


def labelled(split: Split) -> bool:
    """Whether the split carries labels."""
    return LABEL_COLUMN in split.column_names


def fingerprint(split: Split, task: TaskSpec) -> str:
    """A hash of what the model sees: texts and labels in order, wherever they come from.

    The same rows read from a folder and from the hub have the same fingerprint.
    """
    import hashlib

    digest = hashlib.sha256()
    names = [*task.columns, *([LABEL_COLUMN] if labelled(split) else [])]
    for name in names:
        digest.update(f"\x1d{name}\x1d".encode())
        values = split[name]
        if name == LABEL_COLUMN and task.regression:
            # Sources differ in float width; GLUE's scores carry at most three real decimals.
            text = "\x1e".join(f"{value:.3f}" for value in values)
        else:
            text = "\x1e".join(values)
        digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


def check(split: Split, task: TaskSpec, *, name: str, where: str) -> None:
    """Refuse a split that is not what the task says.

    Raises:
        DataError: It is empty, lacks a column, has a text that is not text, or an unknown label.
    """
    missing = [column for column in task.columns if column not in split.column_names]
    if missing:
        raise DataError(
            f"the {name} split of {task.name} lacks {', '.join(missing)}; "
            f"it has {', '.join(split.column_names)}",
            where=where,
        )
    if len(split) == 0:
        raise DataError(f"the {name} split of {task.name} has no rows", where=where)
    for column in task.columns:
        for row, text in enumerate(split[column]):
            if not isinstance(text, str):
                raise DataError(
                    f"row {row} of {name}: {column} is {text!r}, which is not text", where=where
                )
    if labelled(split):
        _check_labels(split, task, name=name, where=where)


def _check_labels(split: Split, task: TaskSpec, *, name: str, where: str) -> None:
    known = set(task.labels)
    for row, label in enumerate(split[LABEL_COLUMN]):
        if task.regression:
            if not isinstance(label, float) or not math.isfinite(label):
                raise DataError(f"row {row} of {name}: the score is {label!r}", where=where)
        elif label not in known:
            raise DataError(
                f"row {row} of {name}: the label is {label!r}; "
                f"{task.name} knows {', '.join(task.labels)}",
                where=where,
            )
