"""Where a run's predictions lie. Without numpy: the leaderboard is often known from its cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness.record.record import PREDICTIONS_FOLDER
from glueharness.record.seals import check_seal

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore


def dev_splits(record: RunRecord) -> list[str]:
    """Names of the splits that a run was scored on."""
    return list(record.dev_splits)


def predictions_file(record: RunRecord, store: RunStore, split: str) -> Path:
    """Where a run's predictions of a split lie."""
    return store.path(record) / PREDICTIONS_FOLDER / f"{split}.parquet"


def sealed_predictions(record: RunRecord, store: RunStore, split: str) -> Path:
    """The same file, if it is what it was when the run was completed.

    Raises:
        RunFolderError: It has changed since.
    """
    check_seal(store.path(record), record, f"{PREDICTIONS_FOLDER}/{split}.parquet")
    return predictions_file(record, store, split)
