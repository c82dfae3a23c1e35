"""Reproductions beside the runs that they reproduce: they are evidence, and no further seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glueharness.record.record import RunRecord


def without_reproductions(records: Iterable[RunRecord]) -> list[RunRecord]:
    """The runs that count: a reproduction does only where what it reproduces is not there.

    Then the first one counts in its place. Else whoever reproduces a run often enough could take
    the luckiest one, or have one computation counted several times.
    """
    listed = list(records)
    there = {
        record.identity
        for record in listed
        if record.reproduction_of is None and record.status == "completed"
    }
    kept = []
    for record in listed:
        if record.reproduction_of is not None and record.status == "completed":
            if record.identity in there:
                continue
            there.add(record.identity)
        kept.append(record)
    return kept
