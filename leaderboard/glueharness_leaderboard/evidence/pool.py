"""The spread over seeds of further models on the same rows, for comparisons of a few."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from glueharness.errors import GlueharnessError
from glueharness_leaderboard.evidence import cache
from glueharness_leaderboard.evidence.measuring import measure
from glueharness_leaderboard.evidence.quantity import Quantity
from glueharness_leaderboard.statistics.measurement import SeedSample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.record.record import RunRecord
    from glueharness_leaderboard.evidence.measuring import Contest
    from glueharness_leaderboard.evidence.predictions import OneSplit

_MOST = 100
"""Models that are asked, those with the most seeds."""


def seeds_of_others(
    configurations: Sequence[Sequence[RunRecord]],
    contest: Contest,
    reference: Mapping[str, OneSplit],
) -> dict[Quantity, list[SeedSample]]:
    """What the seeds of other models say, by quantity.

    Args:
        configurations: The runs of each model, one a seed; those with one are of no use.
        contest: What is asked.
        reference: Predictions of a run on the rows that theirs must be.
    """
    useful = sorted((runs for runs in configurations if len(runs) > 1), key=len, reverse=True)
    found: dict[Quantity, list[SeedSample]] = {}
    for runs in useful[:_MOST]:
        for quantity, sample in _samples(runs, contest, reference).items():
            found.setdefault(quantity, []).append(sample)
    return found


def _samples(
    runs: Sequence[RunRecord], contest: Contest, reference: Mapping[str, OneSplit]
) -> dict[Quantity, SeedSample]:
    labels = contest.task.labels if contest.task else ()
    key = cache.key_of(
        ["seeds", contest.counted, contest.every_metric, labels], runs, contest.runs_dir
    )
    kept = _of_document(cache.load(key))
    if kept is not None:
        return kept
    try:
        measured, _ = measure(runs, contest, reference)
    except GlueharnessError:
        return {}  # the board tells what is wrong with them; here they are only asked for help
    found = {quantity: each.seeds for quantity, each in measured.quantities.items() if each.defined}
    cache.keep(key, [[*quantity, dataclasses.asdict(sample)] for quantity, sample in found.items()])
    return found


def _of_document(values: Any) -> dict[Quantity, SeedSample] | None:
    try:
        return {Quantity(split, metric): SeedSample(**sample) for split, metric, sample in values}
    except (TypeError, ValueError):
        return None
