"""The scores that a run stored beside its predictions: one for each label of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glueharness_leaderboard.evidence.predictions_file import sealed_predictions
from glueharness_leaderboard.evidence.stored_predictions import numbers_of

if TYPE_CHECKING:
    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness_leaderboard.evidence.predictions import SplitValues
    from glueharness_leaderboard.statistics.influence import Floats


def read_scores(run: RunRecord, store: RunStore, split: SplitValues) -> Floats | None:
    """What a run's scores of a split are.

    Args:
        run: The run.
        store: The runs.
        split: The split, whose labels and rows they must be of.

    Returns:
        ``[n, k]``, columns in the order of the labels; None where they are not there.

    Raises:
        RunFolderError: The file has changed since the run was completed.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [f"score:{label}" for label in split.labels]
    try:
        content = sealed_predictions(run, store, split.name).read_bytes()
        # Not by `read_table`, which imports pandas: half a second.
        file = pq.ParquetFile(pa.BufferReader(content))
        table = file.read(columns=names, use_threads=False)
    except (OSError, pa.ArrowException):
        return None
    if set(table.column_names) != set(names) or len(table) != len(split.truth):
        return None
    try:
        columns = [numbers_of(table[name].combine_chunks()) for name in names]
    except (TypeError, ValueError):
        return None
    found = np.stack(columns, axis=1).astype(np.float64)
    return found if np.isfinite(found).all() else None
