"""``Table``: a split as columns in memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueharness.errors import DataError
from glueharness.specs import INDEX_COLUMN, LABEL_COLUMN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.specs import Split, TaskSpec


_CLOSE = 1e-6
_LOST = 0.01
"""What three decimals may lose of a score."""


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
    units = {metric.unit for metric in task.metrics} & {*split.column_names} - {*task.columns}
    names = [*task.columns, *([LABEL_COLUMN] if labelled(split) else []), *sorted(units)]
    for name in names:
        digest.update(f"\x1d{name}\x1d".encode())
        values = split[name]
        if name == LABEL_COLUMN and task.regression:
            values = [_score_text(value) for value in values]
        elif name in units:
            values = [str(value) for value in values]
        text = "\x1e".join(values)
        if "\x1d" in text or text.count("\x1e") >= max(1, len(values)):
            # A text has one of the signs that part texts here: where each ends is told besides.
            digest.update(",".join(str(len(value)) for value in values).encode())
        digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


def _score_text(value: float) -> str:
    """A score as text: to three decimals, since sources differ in float width.

    Of small numbers these would leave nothing: then to six digits.
    """
    text = f"{value:.3f}"
    return text if abs(float(text) - value) <= _LOST * abs(value) else f"{value:.6g}"


def check(split: Split, task: TaskSpec, *, name: str, where: str) -> None:
    """Refuse a split that is not what the task says.

    Raises:
        DataError: It is empty, lacks a column, has a text that is not text, or an unknown label or
            score.
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
            if not is_whole(text):
                raise DataError(f"row {row} of {name}: {column} {HALF_A_CHARACTER}", where=where)
    if labelled(split):
        _check_labels(split, task, name=name, where=where)


HALF_A_CHARACTER = "holds half of a character (a lone surrogate), which is no text"


def is_whole(text: str) -> bool:
    """Whether a text has whole characters only.

    Half a character (a lone surrogate) can be written in JSON, and is what Python makes of bytes of
    the command line that are not UTF-8. No tokenizer takes it, and no file.
    """
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _check_labels(split: Split, task: TaskSpec, *, name: str, where: str) -> None:
    known = set(task.labels)
    # What a test split has in the place of scores is no score.
    low, high = task.score_range or (-math.inf, math.inf)
    if name in {split.name for split in task.splits_of("test")}:
        low, high = -math.inf, math.inf
    for row, label in enumerate(split[LABEL_COLUMN]):
        if task.regression:
            if not isinstance(label, float) or not math.isfinite(label):
                raise DataError(f"row {row} of {name}: the score is {label!r}", where=where)
            if not low - _CLOSE <= label <= high + _CLOSE:
                raise DataError(
                    f"row {row} of {name}: the score is {label:g}, outside of {low:g} to {high:g}",
                    where=where,
                )
        elif label not in known:
            raise DataError(
                f"row {row} of {name}: the label is {label!r}; "
                f"{task.name} knows {', '.join(task.labels)}",
                where=where,
            )
