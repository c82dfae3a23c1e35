"""Rank ranges and intervals of models over all tasks of a group."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from glueharness.errors import GlueharnessError
    from glueharness.record.store import RunStore
    from glueharness_leaderboard.evidence.reading_together import Reader
    from glueharness_leaderboard.ranking.rows import Row
    from glueharness_leaderboard.ranking.sections import Section
    from glueharness_leaderboard.statistics.influence import Floats

Models: TypeAlias = "Mapping[str, tuple[Mapping[str, Row], float]]"
"""By model: its rows by task, and the group's score."""

_SAME = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStanding:
    """What the statistics say of a model over the tasks of a group.

    Attributes:
        low: The best rank that it may have.
        high: The worst.
        interval: 95 % interval of the group's score, a fraction.
        settings: Of how many settings the best one was picked, at most on a task; 1 for none.
        selection: How far the score is too high for that, a fraction, as far as it is known.
    """

    low: int
    high: int
    interval: tuple[float, float]
    settings: int = 1
    selection: float = 0.0

    @property
    def may_be_best(self) -> bool:
        """Whether no other model is shown to be better."""
        return self.low == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _OneTask:
    """What one task adds: of the models in question.

    Attributes:
        fair: ``[K]``, scores; of several settings out of the bag.
        shown: ``[K]``, scores as they are shown.
        settings: Of how many settings each was picked.
        rows: ``[K, K]``, variance of the differences from rows; on the diagonal of the score.
        seeds: ``[K, K]``, from seeds.
        degrees: ``[K, K]``, degrees of freedom of the latter.
        factors: ``[K, K]``, what p is multiplied by for the selection of epochs.
    """

    fair: Floats
    shown: Floats
    settings: Sequence[int]
    rows: Floats
    seeds: Floats
    degrees: Floats
    factors: Floats


def known_group_standings(
    models: Models,
    sections: Mapping[str, Section],
    store: RunStore,
    warn: Callable[[GlueharnessError], None],
    ahead: Reader | None = None,
) -> dict[str, GroupStanding]:
    """As :func:`group_standings`; from the cache where nothing has changed since."""
    from glueharness_leaderboard.evidence import cache

    what = [
        "group",
        [[model, score] for model, (_, score) in models.items()],
        [[name, section.counted] for name, section in sections.items()],
        [[run.id for run in row.runs] for section in sections.values() for row in section.rows],
    ]
    runs = [run for section in sections.values() for row in section.rows for run in row.runs]
    key = cache.key_of(what, runs, store)
    kept = _of_document(cache.load(key))
    if kept is not None:
        return kept
    problems: list[GlueharnessError] = []
    found = group_standings(models, sections, store, problems.append, ahead)
    for problem in problems:
        warn(problem)
    if not problems:
        cache.keep(key, {name: dataclasses.asdict(each) for name, each in found.items()})
    return found


def _of_document(values: Any) -> dict[str, GroupStanding] | None:
    try:
        return {
            name: GroupStanding(**{**each, "interval": tuple(each["interval"])})
            for name, each in values.items()
        }
    except (TypeError, KeyError, AttributeError):
        return None


def group_standings(
    models: Models,
    sections: Mapping[str, Section],
    store: RunStore,
    warn: Callable[[GlueharnessError], None],
    ahead: Reader | None = None,
) -> dict[str, GroupStanding]:
    """Test models against each other over all tasks.

    The variances of the tasks add up, for their rows and runs are others; the degrees of freedom
    of the seeds' part are Satterthwaite's over the tasks.

    Args:
        models: The models that have every task: their rows by task, and the group's score.
        sections: The tables of the tasks, for the spread over seeds.
        store: The runs.
        warn: Told of predictions that are missing or damaged.
        ahead: A reader that may have begun to read the predictions.

    Returns:
        By model; empty if predictions of one are missing, or if the group's score is not the
        mean of what ranks in its tasks.
    """
    import numpy as np

    from glueharness_leaderboard.evidence.reading_together import reading_together

    names = list(models)
    if not names or not _is_mean(models):
        return {}
    parts = []
    read = [run for each in sections.values() for row in each.rows for run in row.runs]
    with reading_together(store, read, ahead) as reader:
        for name, section in sections.items():
            chosen = [models[model][0][name] for model in names]
            part = _one_task(chosen, section, store, warn, reader)
            if part is None:
                return {}
            parts.append(part)
    count = len(parts)
    rows = np.sum([part.rows for part in parts], axis=0) / count**2
    seeds = np.sum([part.seeds for part in parts], axis=0) / count**2
    doubts = np.sum(
        [
            np.divide(
                (part.seeds / count**2) ** 2,
                part.degrees,
                out=np.zeros_like(part.seeds),
                where=part.degrees > 0,
            )
            for part in parts
        ],
        axis=0,
    )
    degrees = np.divide(seeds**2, doubts, out=np.zeros_like(seeds), where=doubts > 0)
    return _ranked(names, models, parts, (rows, seeds, degrees))


def _is_mean(models: Models) -> bool:
    """Whether the group's score is the mean of what ranks in its tasks."""
    for rows, score in models.values():
        values = [row.value for row in rows.values()]
        known = [value for value in values if value is not None]
        if len(known) < len(values) or abs(math.fsum(known) / len(known) - score) > _SAME:
            return False
    return True


def _one_task(
    chosen: Sequence[Row],
    section: Section,
    store: RunStore,
    warn: Callable[[GlueharnessError], None],
    reader: Reader,
) -> _OneTask | None:
    import numpy as np

    from glueharness_leaderboard.evidence.measuring import Contest, intervals_of
    from glueharness_leaderboard.evidence.selection import out_of_bag
    from glueharness_leaderboard.ranking.standings import measured_rows, selection_factors
    from glueharness_leaderboard.statistics.difference import all_pairs

    contest = Contest(task=section.task, counted=section.counted, store=store)
    scored = [row for row in section.rows if row.value is not None]
    found = measured_rows(scored, contest, warn, reader)
    known = {_key(row): each for row, each in zip(scored, found, strict=True) if each is not None}
    if any(_key(row) not in known for row in chosen):
        return None
    quantity = section.quantity
    everyone = list(known)
    table = intervals_of(contest, quantity, list(known.values())).table
    pairs = all_pairs(table)
    places = [everyone.index(_key(row)) for row in chosen]
    at = np.ix_(places, places)
    rows, seeds, degrees = pairs.rows[at], pairs.seeds[at], pairs.seed_degrees[at]
    fair, settings = [], []
    for number, (row, place) in enumerate(zip(chosen, places, strict=True)):
        single = table.single(place)
        rows[number, number], seeds[number, number] = single.rows, single.seeds
        degrees[number, number] = single.seed_degrees
        candidates = [
            known[_key(each)] for each in scored if each.model == row.model and _key(each) in known
        ]
        settings.append(len(candidates))
        corrected = out_of_bag(candidates, contest) if len(candidates) > 1 else None
        shown = float(table.scores[place])
        fair.append(shown if corrected is None else min(corrected, shown))
    tried = np.array([row.epochs_tried for row in chosen], np.float64)
    all_factors = selection_factors(tried, dataclasses.replace(
        pairs, differences=pairs.differences[at]
    ))  # fmt: skip
    return _OneTask(
        fair=np.array(fair),
        shown=table.scores[places],
        settings=settings,
        rows=rows,
        seeds=seeds,
        degrees=degrees,
        factors=all_factors,
    )


def _key(row: Row) -> tuple[str, ...]:
    return tuple(run.id for run in row.runs)


def _ranked(
    names: Sequence[str],
    models: Models,
    parts: Sequence[_OneTask],
    variance: tuple[Floats, Floats, Floats],
) -> dict[str, GroupStanding]:
    import numpy as np

    from glueharness_leaderboard.statistics.difference import AllPairs, half_width, p_of_pairs
    from glueharness_leaderboard.statistics.ranks import rank
    from glueharness_leaderboard.statistics.variance import Components

    rows, seeds, degrees = variance
    fair = np.mean([part.fair for part in parts], axis=0)
    shown = np.mean([part.shown for part in parts], axis=0)
    values = fair[:, None] - fair[None, :]
    pairs = AllPairs(
        differences=values,
        rows=rows,
        seeds=seeds,
        seed_degrees=degrees,
        effective_rows=np.full_like(values, np.inf),
        p=p_of_pairs(values, rows, seeds, degrees),
    )
    ranking = rank(pairs, factors=np.max([part.factors for part in parts], axis=0))
    found = {}
    for place, name in enumerate(names):
        single = Components(
            rows=float(rows[place, place]),
            seeds=float(seeds[place, place]),
            seed_degrees=float(degrees[place, place]),
        )
        half = half_width(single)
        score, ranks = models[name][1], ranking.ranges[place]
        if ranks is None:
            continue
        found[name] = GroupStanding(
            low=ranks.low,
            high=ranks.high,
            interval=(score - half, score + half),
            settings=max(part.settings[place] for part in parts),
            selection=float(shown[place] - fair[place]),
        )
    return found
