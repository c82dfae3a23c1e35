"""Check the index column: 0 … n-1, every number once and in order."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_submission.collector import Collector

_INDEX = re.compile(rb"0|-?[1-9][0-9]{0,17}")
_LOOSE_INDEX = re.compile(rb"[\s\"']*[+-]?[0-9]{1,15}(\.0*)?[\s\"']*")


def index_problem(text: bytes) -> Literal["", "form", "none"]:
    """Whether a row number is well written (empty), readable (``form``) or no number (``none``)."""
    if _INDEX.fullmatch(text):
        return ""
    return "form" if _LOOSE_INDEX.fullmatch(text) else "none"


def check_indexes(
    indexes: Sequence[int], lines: Sequence[int], rows: int | None, collector: Collector
) -> None:
    """Report numbers that are out of range, repeated, missing or out of order.

    Args:
        indexes: The numbers in the order of the file.
        lines: The line of each.
        rows: Number of rows that there must be; None if unknown.
        collector: Takes the findings.
    """
    count = len(indexes)
    if not count or list(indexes) == list(range(count)):
        return
    if list(indexes) == list(range(indexes[0], indexes[0] + count)):
        what = f"the index begins at {indexes[0]}; it must begin at 0"
        collector.tell("start", what, line=lines[0])
        return
    seen = _range_and_repeats(indexes, lines, rows or count, collector)
    _missing(seen, indexes, lines, rows or count, collector)
    if "index twice" in collector or "index range" in collector:
        return
    for position, (before, after) in enumerate(pairwise(indexes), start=1):
        if after < before and not collector.again("order", lines[position]):
            what = f"index {after} comes after {before}"
            collector.tell("order", what, line=lines[position], answer="scored wrongly")


def _range_and_repeats(
    indexes: Sequence[int], lines: Sequence[int], rows: int, collector: Collector
) -> dict[int, int]:
    """Report numbers that are out of range or repeated.

    Returns:
        Number to the first line that has it.
    """
    seen: dict[int, int] = {}
    for index, line in zip(indexes, lines, strict=True):
        if not 0 <= index < rows:
            if not collector.again("index range", line):
                what = f"index {index} is out of range; the last one is {rows - 1}"
                collector.tell("index range", what, line=line)
        elif index in seen:
            if not collector.again("index twice", line):
                what = f"index {index} was on line {seen[index]} already"
                collector.tell("index twice", what, line=line)
        else:
            seen[index] = line
    return seen


def _missing(
    seen: dict[int, int],
    indexes: Sequence[int],
    lines: Sequence[int],
    rows: int,
    collector: Collector,
) -> None:
    """Report missing numbers, at the line where the first of them belongs."""
    absent = [index for index in range(rows) if index not in seen]
    if not absent or (absent[0] > max(indexes) and "rows" in collector):
        return  # the file just ends too early, which was told
    place = next(
        (line for index, line in zip(indexes, lines, strict=True) if index > absent[0]), lines[-1]
    )
    listing = ", ".join(map(str, absent[:5])) + (", …" if len(absent) > 5 else "")
    verb = "is" if len(absent) == 1 else f"({len(absent):,} in all) are"
    collector.tell("missing", f"index {listing} {verb} missing", line=place)
