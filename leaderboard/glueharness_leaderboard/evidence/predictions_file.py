"""Where a run's predictions lie. Without numpy: the leaderboard is often known from its cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.record.record import RunRecord


def dev_splits(record: RunRecord) -> list[str]:
    """Names of the splits that a run was scored on."""
    return [name for name, split in record.data.splits.items() if split.role == "dev"]


def predictions_file(record: RunRecord, runs_dir: Path, split: str) -> Path:
    """Where a run's predictions of a split lie."""
    return runs_dir / record.id / "predictions" / f"{split}.parquet"
