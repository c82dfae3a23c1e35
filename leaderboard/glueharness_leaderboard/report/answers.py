"""How sure a run was of its answers: calibration, and the mistakes that it was most sure of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from glueharness_leaderboard.evidence.stored_scores import read_scores
from glueharness_leaderboard.statistics.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness_leaderboard.evidence.predictions import SplitValues
    from glueharness_leaderboard.statistics.influence import Floats

Kind = Literal["probabilities", "logits", ""]
BINS = 10
MISTAKES = 12
_SUM = 1e-3
"""How far probabilities of a row may be from 1 in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A row that a run got wrong.

    Attributes:
        split: Position of its split.
        row: Position in it.
        sure: How sure the run was: a probability, or by how much the score of its answer is ahead
            of the true label's.
    """

    split: int
    row: int
    sure: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How sure a run was.

    Attributes:
        probabilities: By split, ``[n, k]``; empty where the record does not say that its scores
            are probabilities or logits.
        mistakes: The wrong answers that it was most sure of, the surest first.
    """

    probabilities: tuple[Floats, ...]
    mistakes: tuple[Mistake, ...]


def score_kind(record: RunRecord) -> Kind:
    """What a run's scores are, if its record says so; margins of a classifier are neither."""
    kind = record.score_kind
    return kind if kind in ("logits", "probabilities") else ""


def answers_of(
    record: RunRecord, splits: Sequence[SplitValues], at: int, store: RunStore
) -> Answers | None:
    """How sure a run was of its answers.

    Args:
        record: The run.
        splits: Its row's predictions.
        at: Position of the run among the row's.
        store: The runs.

    Returns:
        None for a regression, or where no scores are stored.
    """
    if not splits or not splits[0].labels:
        return None
    stored = [read_scores(record, store, split) for split in splits]
    scores = [each for each in stored if each is not None]
    if len(scores) < len(splits):
        return None
    kind = score_kind(record)
    shown = [_probabilities(each, kind) for each in scores] if kind else []
    known = [each for each in shown if each is not None]
    probabilities = tuple(known) if len(known) == len(splits) else ()
    mistakes: list[Mistake] = []
    for place, split in enumerate(splits):
        sure = _sureness(split, at, probabilities[place] if probabilities else None, scores[place])
        wrong = np.flatnonzero(split.predictions[at] != split.truth)
        surest = wrong[np.argsort(-sure[wrong], kind="stable")[:MISTAKES]]
        mistakes += [Mistake(split=place, row=int(row), sure=float(sure[row])) for row in surest]
    mistakes.sort(key=lambda each: -each.sure)
    return Answers(probabilities=probabilities, mistakes=tuple(mistakes[:MISTAKES]))


def _probabilities(scores: Floats, kind: Kind) -> Floats | None:
    if kind == "probabilities":
        usual = np.abs(scores.sum(axis=1) - 1) <= _SUM
        return scores if usual.all() and (scores >= 0).all() else None  # it says what is not so
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Floats = powers / powers.sum(axis=1, keepdims=True)
    return found


def _sureness(split: SplitValues, at: int, probabilities: Floats | None, scores: Floats) -> Floats:
    """How sure the run was of what it said: ``[n]``."""
    rows = np.arange(len(scores))
    said = split.predictions[at]
    found: Floats
    if probabilities is not None:
        found = probabilities[rows, said]
    else:
        found = scores[rows, said] - scores[rows, split.truth]
    return found


def calibration(answers: Answers, splits: Sequence[SplitValues], at: int) -> dict[str, Any] | None:
    """How often a run was right by how sure it was, in ten parts of the range.

    Returns:
        Bins as ``[rows, mean sureness, share right, low, high]`` with Wilson's interval, fractions,
        and the expected calibration error (Naeini et al. 2015); None without probabilities.
    """
    if not answers.probabilities:
        return None
    sure = np.concatenate(
        [
            each[np.arange(len(each)), split.predictions[at]]
            for each, split in zip(answers.probabilities, splits, strict=True)
        ]
    )
    right = np.concatenate([split.predictions[at] == split.truth for split in splits])
    least = 1 / len(splits[0].labels)
    places = np.clip(((sure - least) / (1 - least) * BINS).astype(int), 0, BINS - 1)
    bins, error = [], 0.0
    for place in range(BINS):
        inside = places == place
        count = int(inside.sum())
        if not count:
            continue
        mean, share = float(sure[inside].mean()), float(right[inside].mean())
        interval = wilson(share, count)
        error += count / len(sure) * abs(mean - share)
        values = (mean, share, interval.low, interval.high)
        bins.append([count, *(round(value, 4) for value in values)])
    return {"least": round(least, 4), "bins": bins, "error": round(error, 4),
            "over": bool(sure.mean() > right.mean())}  # fmt: skip
