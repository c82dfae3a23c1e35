"""Runs' predictions of the dev splits, side by side on the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glueharness.errors import ConfigError, RunFolderError
from glueharness_leaderboard.evidence.predictions_file import dev_splits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness.specs import TaskSpec
    from glueharness_leaderboard.evidence.stored_predictions import OneSplit
    from glueharness_leaderboard.statistics.influence import Values


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


def side_by_side(
    reads: Sequence[Mapping[str, OneSplit]],
    records: Sequence[RunRecord],
    task: TaskSpec | None,
    place: tuple[RunStore, Mapping[str, OneSplit] | None],
) -> tuple[SplitValues, ...]:
    """Several runs' predictions on the same rows, by split.

    Args:
        reads: As :func:`~.stored_predictions.read_run` gives them.
        records: The runs.
        task: Their task, for its labels; None if no installed plugin knows it.
        place: The runs, for messages; and predictions of another run, whose rows
            theirs must be.

    Raises:
        RunFolderError: They are of different rows, or hold a label that the task does not have.
    """
    store, reference = place
    return tuple(
        _one((name, (reference or reads[0])[name]), reads, records, task, store)
        for name in reads[0]
    )


def _one(
    reference: tuple[str, OneSplit],
    reads: Sequence[Mapping[str, OneSplit]],
    records: Sequence[RunRecord],
    task: TaskSpec | None,
    store: RunStore,
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
            where=str(store.path(records[0])),
        )
    words = {word for column in coded for word in column.words or ()}
    labels = task.labels if task else tuple(sorted(words))
    ids = {label: number for number, label in enumerate(labels)}
    try:
        truth = first.truth.ids(ids)
        predictions = np.stack([read[name].predictions.ids(ids) for read in reads])
        columns = {id(read[name].truth): read[name].truth for read in reads}  # most share one
        truths = {key: column.ids(ids) for key, column in columns.items()}
    except KeyError as error:
        raise RunFolderError(
            f"the predictions of {name} hold the label {error}, which {records[0].task} has not",
            where=str(store.path(records[0])),
        ) from error
    same = {key for key, other in truths.items() if np.array_equal(other, truth)}
    for record, read in zip(records, reads, strict=True):
        rows = read[name].row_numbers
        if id(read[name].truth) not in same or not (
            rows is first.row_numbers or np.array_equal(rows, first.row_numbers)
        ):
            raise RunFolderError(
                f"the predictions of {name} are of other rows than those it is compared with",
                where=str(store.path(record)),
            )
    return SplitValues(
        name=name,
        index=first.row_numbers,
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
