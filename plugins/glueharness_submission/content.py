"""Check the content of one file: as a whole if it has the right form, else line by line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glueharness_submission.form import values_of, vocabulary
from glueharness_submission.values import value_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness_submission.collector import Collector
    from glueharness_submission.expected import Expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is in a file.

    Attributes:
        rows: Number of predictions; None if that is not known.
        values: How often each value of the vocabulary occurs; empty for a regression.
    """

    rows: int | None = None
    values: Mapping[str, int] = field(default_factory=dict)


def check_content(data: bytes, expected: Expected, collector: Collector) -> Content:
    """Check a file's bytes and report to the collector what is wrong."""
    values = values_of(data)
    if values is not None and values and len(values) == (expected.rows or len(values)):
        found = Counter(values)
        if not any(value_problem(value, expected) for value in found):
            return Content(rows=len(values), values=_tally(found, expected))
    from glueharness_submission.diagnosis import diagnose

    counts: Counter[bytes] = Counter()
    rows = diagnose(data, expected, collector, counts)
    return Content(rows=rows, values=_tally(counts, expected))


def _tally(counts: Mapping[bytes, int], expected: Expected) -> dict[str, int]:
    known = [] if expected.task.regression else vocabulary(expected.file)
    return {value: counts[value.encode()] for value in known}
