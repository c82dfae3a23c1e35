"""The best run of a task, by one rule wherever the user names no run.

A run counts if it trained a model, is completed and has its model, and if the task still has the
labels and columns that the run learnt. Then, as far as there are such runs: real data before the
sample, pretrained weights before fresh ones, official or unknown rows before altered ones, whole
dev splits before short ones, the dev rows and primary metric of the newest run before others. Of
what is left, the highest mean of the primary metric over the dev splits; of equals the one that the
leaderboard lists first. What the purpose does not allow is refused, not passed over in silence.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glueharness.errors import RunFolderError
from glueharness.record.reproductions import without_reproductions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glueharness.record.record import RunRecord

Fits = Callable[["RunRecord"], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which run is looked for, and what for.

    Attributes:
        task: Name of the task that it learnt.
        purpose: What it is for, as a verb: ``submit``, ``ask``, ``start from``, ``show``.
        metric: Title of the metric that ranks, for the explanation; empty for its name.
        model: Model that it must be of; empty for any.
        seed: Seed that it must have; None for any.
        refused: Marks that the purpose does not allow, for instance ``sample``.
        fits: Whether the task is still what the run learnt.
        remedy: What to do where there is none.
    """

    task: str
    purpose: str
    metric: str = ""
    model: str = ""
    seed: int | None = None
    refused: frozenset[str] = frozenset()
    fits: Fits = field(default=lambda _: True)
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A run that was chosen.

    Attributes:
        record: The run.
        folder: Its folder.
        why: Why this one, in words.
    """

    record: RunRecord
    folder: Path
    why: str


_NAMES_OF_MARKS = {
    "sample": "on the bundled sample",
    "fresh": "from fresh weights",
    "partial": "on partial data",
    "limited": "on limited data",
    "altered": "on altered data",
}


def choose_best(
    records: Sequence[RunRecord], wanted: Wanted, *, has_model: Fits, where: Path
) -> Choice:
    """The best of the runs, oldest first; see the module.

    Args:
        records: Runs of any task.
        wanted: What is looked for.
        has_model: Whether a run's model is still there.
        where: Folder of the runs.

    Raises:
        RunFolderError: There is none; it says how many runs were left out, and why.
    """
    left = _Left(
        [
            record
            for record in without_reproductions(records)
            if record.task == wanted.task
            and record.kind == "training"
            and wanted.model in {"", record.model}
            and wanted.seed in {None, record.seed}
        ]
    )
    left.require("not completed", lambda record: record.status == "completed")
    left.require("without a model", has_model)
    left.require("of other labels or columns", wanted.fits)
    for mark, words in _NAMES_OF_MARKS.items():
        if mark in wanted.refused:
            left.require(words, lambda record, mark=mark: mark not in record.marks)
    if not left.records:
        whose = f" with {wanted.model}" if wanted.model else ""
        seed = f" and seed {wanted.seed}" if wanted.seed is not None else ""
        raise RunFolderError(
            f"there is no run of {wanted.task}{whose}{seed} to {wanted.purpose} "
            f"({left.listing() or 'none was made'})",
            where=str(where),
            remedy=wanted.remedy,
        )
    for mark in ("sample", "fresh", "altered"):
        left.prefer(_NAMES_OF_MARKS[mark], lambda record, mark=mark: mark not in record.marks)
    left.prefer("with a dev split cut short", lambda record: record.dev_is_whole())
    # Scores on other rows are no comparison, and a task may have changed since: what was trained
    # on last counts.
    rows = left.records[-1].dev_rows()
    left.prefer("on other dev rows", lambda record: record.dev_rows() == rows)
    primary = left.records[-1].primary_metric
    left.prefer("ranked by another metric", lambda record: record.primary_metric == primary)
    best = min(left.records, key=lambda record: (-_primary(record), record.model, record.began))
    metric = wanted.metric or best.primary_metric
    why = f"the only run of {wanted.task}"
    if len(left.records) > 1:
        why = f"best of {len(left.records)} runs by {metric} on dev"
    others = left.listing()
    return Choice(
        record=best,
        folder=where / best.id,
        why=f"{why}; left out: {others}" if others else why,
    )


class _Left:
    """The runs that are left, and how many are not and why."""

    def __init__(self, records: list[RunRecord]) -> None:
        self.records = records
        self._out: dict[str, int] = {}

    def require(self, without: str, fits: Callable[..., bool]) -> None:
        """Leave out what does not fit."""
        kept = [record for record in self.records if fits(record)]
        self._out[without] = self._out.get(without, 0) + len(self.records) - len(kept)
        self.records = kept

    def prefer(self, without: str, fits: Callable[..., bool]) -> None:
        """Leave out what does not fit, unless nothing does."""
        if any(fits(record) for record in self.records):
            self.require(without, fits)

    def listing(self) -> str:
        """What was left out, in words."""
        return ", ".join(f"{count} {what}" for what, count in self._out.items() if count)


def _primary(record: RunRecord) -> float:
    value = record.primary
    return -math.inf if value is None or math.isnan(value) else value
