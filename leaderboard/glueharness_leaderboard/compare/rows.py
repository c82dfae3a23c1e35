"""The rows on which contestants differ, with their texts, labels and scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness_leaderboard.evidence.stored_scores import read_scores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness.specs import TaskSpec
    from glueharness_leaderboard.compare.verdict import Findings
    from glueharness_leaderboard.evidence.predictions import SplitValues

_CLOSER = 0.05
"""Share of the score range by which one regression must be closer, to count as a difference."""


def least_gap(task: TaskSpec | None, split: SplitValues) -> float:
    """By how much one regression's error must be smaller than another's, to count as closer."""
    low, high = (task.score_range if task else None) or (split.truth.min(), split.truth.max())
    return _CLOSER * float(high - low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a contestant says of a row.

    Attributes:
        prediction: Its label, by most of its runs, or the mean number.
        right: Share of its runs that are right; None for a regression.
        error: Mean absolute error of a regression; None for labels.
        margin: Score of the true label less the highest of the others, the mean over the runs;
            None for a regression, or where no scores are stored.
    """

    prediction: str | float
    right: float | None
    error: float | None
    margin: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferingRow:
    """A row on which contestants differ.

    Attributes:
        split: Its split.
        index: Its number in the split.
        truth: Its label, or number.
        answers: By contestant.
        gap: How far the contestants are apart: in the share of runs that are right, or in error.
        texts: Its texts by column; empty where the data are not at hand.
    """

    split: str
    index: int
    truth: str | float
    answers: tuple[Answer, ...]
    gap: float
    texts: Mapping[str, str]


def differing_rows(
    findings: Findings, store: RunStore, texts: Mapping[str, Mapping[str, Sequence[str]]]
) -> list[DifferingRow]:
    """All rows on which the contestants differ, in the order of the data.

    Args:
        findings: The comparison.
        store: The runs, for the stored scores.
        texts: By split and column.
    """
    found = []
    for place in range(len(findings.comparison.measured[0].splits)):
        sides = [each.splits[place] for each in findings.comparison.measured]
        if sides[0].labels:
            found += _with_labels(findings, sides, store, texts.get(sides[0].name, {}))
        else:
            found += _regression(findings, sides, texts.get(sides[0].name, {}))
    return found


def _with_labels(
    findings: Findings,
    sides: Sequence[SplitValues],
    store: RunStore,
    texts: Mapping[str, Sequence[str]],
) -> list[DifferingRow]:
    first = sides[0]
    right = np.stack([(side.predictions == side.truth).mean(axis=0) for side in sides])  # [K, n]
    said = [_most_said(side) for side in sides]
    gaps = right.max(axis=0) - right.min(axis=0)
    other = np.any([each != said[0] for each in said], axis=0)
    margins = [_margins(each.runs, first, store) for each in findings.contestants]
    return [
        DifferingRow(
            split=first.name,
            index=int(first.index[row]),
            truth=first.labels[first.truth[row]],
            answers=tuple(
                Answer(
                    prediction=first.labels[labels[row]],
                    right=float(share[row]),
                    error=None,
                    margin=None if margin is None else float(margin[row]),
                )
                for labels, share, margin in zip(said, right, margins, strict=True)
            ),
            gap=float(gaps[row]),
            texts={name: column[int(row)] for name, column in texts.items()},
        )
        for row in np.flatnonzero((gaps > 0) | other)
    ]


def _most_said(side: SplitValues) -> Any:
    """The label that most runs give each row: ``[n]``; of equally many the first label."""
    counts = np.stack(
        [(side.predictions == label).sum(axis=0) for label in range(len(side.labels))]
    )
    return counts.argmax(axis=0)


def _margins(runs: Sequence[RunRecord], split: SplitValues, store: RunStore) -> Any | None:
    """Score of the true label less the highest other one, the mean over the runs: ``[n]``."""
    found = []
    for run in runs:
        scores = read_scores(run, store, split)  # [n, k]
        if scores is None:
            return None
        rows = np.arange(len(scores))
        true = scores[rows, split.truth]
        rest = scores.copy()
        rest[rows, split.truth] = -np.inf
        found.append(true - rest.max(axis=1))
    return np.mean(found, axis=0)


def _regression(
    findings: Findings, sides: Sequence[SplitValues], texts: Mapping[str, Sequence[str]]
) -> list[DifferingRow]:
    first = sides[0]
    errors = np.stack([np.abs(side.predictions - side.truth).mean(axis=0) for side in sides])
    gaps = errors.max(axis=0) - errors.min(axis=0)
    least = least_gap(findings.section.task, first)
    return [
        DifferingRow(
            split=first.name,
            index=int(first.index[row]),
            truth=float(first.truth[row]),
            answers=tuple(
                Answer(
                    prediction=float(side.predictions[:, row].mean()),
                    right=None,
                    error=float(error[row]),
                    margin=None,
                )
                for side, error in zip(sides, errors, strict=True)
            ),
            gap=float(gaps[row]),
            texts={name: column[int(row)] for name, column in texts.items()},
        )
        for row in np.flatnonzero(gaps > least)
    ]
