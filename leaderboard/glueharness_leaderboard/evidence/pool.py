"""The spread over seeds of further models on the same rows, for comparisons of a few."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from glueharness.errors import GlueharnessError
from glueharness_leaderboard.evidence import cache
from glueharness_leaderboard.evidence.measuring import measure
from glueharness_leaderboard.evidence.quantity import Quantity
from glueharness_leaderboard.evidence.reading_together import reading_together
from glueharness_leaderboard.statistics.measurement import SeedSample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.record.record import RunRecord
    from glueharness_leaderboard.evidence.measuring import Contest
    from glueharness_leaderboard.evidence.stored_predictions import OneSplit

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
    asked = useful[:_MOST]
    labels = contest.task.labels if contest.task else ()
    ids = [[run.id for run in runs] for runs in asked]
    what = ["seeds", ids, contest.counted, contest.every_metric, labels]
    key = cache.key_of(what, [run for runs in asked for run in runs], contest.store)
    kept = known_seeds(key)
    if kept is not None:
        return kept
    found: dict[Quantity, list[SeedSample]] = {}
    with reading_together(contest.store, [run for runs in asked for run in runs]) as reader:
        for runs in asked:
            try:
                measured, _ = measure(runs, contest, reference, reader)
            except GlueharnessError:
                continue  # the board tells what is wrong with them; here they only lend a hand
            for quantity, each in measured.quantities.items():
                if each.defined:
                    found.setdefault(quantity, []).append(each.seeds)
    keep_seeds(key, found)
    return found


def keep_seeds(key: str, found: Mapping[Quantity, Sequence[SeedSample]]) -> None:
    """Keep what was found, if the cache can be written to."""
    cache.keep(
        key,
        [
            [*quantity, [dataclasses.asdict(sample) for sample in samples]]
            for quantity, samples in found.items()
        ],
    )


def known_seeds(key: str) -> dict[Quantity, list[SeedSample]] | None:
    """What was kept by that key; None if nothing was."""
    values: Any = cache.load(key)
    try:
        return {
            Quantity(split, metric): [SeedSample(**sample) for sample in samples]
            for split, metric, samples in values
        }
    except (TypeError, ValueError):
        return None
