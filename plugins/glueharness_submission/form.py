"""The exact form of a submission file, byte for byte, for both the writer and the checker."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from glueharness import SubmissionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from glueharness import Prediction, SubmissionFile, TaskSpec

COLUMNS = ("index", "prediction")
HEADER = b"index\tprediction"

ARCHIVE = "submission.zip"
MANIFEST = "submission.manifest.json"


def render(values: Iterable[bytes]) -> bytes:
    """A whole file: the header, then each value after its number; each line ends in LF."""
    return HEADER + b"\n" + b"".join(map(b"%d\t%b\n".__mod__, enumerate(values)))


def values_of(data: bytes) -> list[bytes] | None:
    """The values of a file that has exactly the right form, or None.

    It has the right form if writing its values gives the same bytes, so that nothing is missed.
    """
    if not data.startswith(HEADER + b"\n"):
        return None
    values = data.replace(b"\n", b"\t").split(b"\t")[3::2]
    return values if render(values) == data else None


def written_values(prediction: Prediction) -> list[bytes]:
    """What is written for each row, in the order 0 … n-1.

    Raises:
        SubmissionError: A row is missing, repeated or out of range, or the task does not have
            such a value.
    """
    task, file = prediction.task, prediction.file
    ordered = _by_index(prediction)
    if task.regression:
        return [_number(value, task, file, row) for row, value in enumerate(ordered)]
    known: dict[str | float, bytes] = {label: text.encode() for label, text in file.values.items()}
    try:
        return [known[value] for value in ordered]
    except KeyError as error:
        value = error.args[0]
        raise SubmissionError(
            f"row {ordered.index(value)}: {value!r} is not a label of {task.name}",
            where=file.name,
            remedy=f"It knows {', '.join(task.labels)}.",
        ) from None


def _by_index(prediction: Prediction) -> list[str | float]:
    """The values sorted by index, which must be exactly 0 … n-1."""
    name = prediction.file.name
    index = prediction.index
    values: Sequence[str | float] = prediction.values
    rows = prediction.task.split(prediction.file.split).rows
    if len(index) != len(values):
        raise SubmissionError(f"{len(values)} predictions for {len(index)} rows", where=name)
    if rows is not None and len(values) != rows:
        raise SubmissionError(f"{len(values)} predictions; there must be {rows}", where=name)
    ordered: list[str | float | None] = [None] * len(values)
    for number, value in zip(index, values, strict=True):
        if not 0 <= number < len(values):
            raise SubmissionError(
                f"index {number} is out of range; there are {len(values)} rows", where=name
            )
        if ordered[number] is not None:
            raise SubmissionError(f"index {number} occurs twice", where=name)
        ordered[number] = value
    missing = next((row for row, value in enumerate(ordered) if value is None), None)
    if missing is not None:
        raise SubmissionError(f"row {missing} has no prediction", where=name)
    return [value for value in ordered if value is not None]


def _number(value: str | float, task: TaskSpec, file: SubmissionFile, row: int) -> bytes:
    """A score within the task's range with the file's number of decimals."""
    if isinstance(value, str) or math.isnan(value):
        raise SubmissionError(f"row {row}: {value!r} is not a number", where=file.name)
    low, high = task.score_range or (-math.inf, math.inf)
    clipped = min(max(float(value), low), high)
    if math.isinf(clipped):
        raise SubmissionError(f"row {row}: the score is infinite", where=file.name)
    # Adding zero after rounding turns -0.0 into 0.0.
    return f"{round(clipped, file.decimals) + 0.0:.{file.decimals}f}".encode()


def vocabulary(file: SubmissionFile) -> Sequence[str]:
    """The values that may be written for a row, in the order of the task's labels."""
    return list(dict.fromkeys(file.values.values()))
