"""Asks the statistics about a table of the leaderboard: rank ranges, intervals, power, luck."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

from glueharness.errors import RunFolderError
from glueharness.record.record import PREDICTIONS_FOLDER
from glueharness_leaderboard.evidence import cache
from glueharness_leaderboard.evidence.reading_together import reading_together
from glueharness_leaderboard.ranking.standing import Standing, Standings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueharness.errors import GlueharnessError
    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness_leaderboard.evidence.measuring import Contest, Measured
    from glueharness_leaderboard.evidence.reading_together import Reader
    from glueharness_leaderboard.ranking.rows import Row
    from glueharness_leaderboard.ranking.sections import Section
    from glueharness_leaderboard.statistics.difference import AllPairs
    from glueharness_leaderboard.statistics.influence import Floats
    from glueharness_leaderboard.statistics.variance import ScoreTable

MOST_ROWS = 500
"""Rows of a table that are tested against each other, the best ones; pairs grow by the square."""


def known_standings(
    sections: Sequence[Section],
    store: RunStore,
    warn: Callable[[GlueharnessError], None],
    simultaneous: bool,
    ahead: Reader | None = None,
) -> list[Standings]:
    """As :func:`standings_of`, of each section; from the cache where nothing has changed since.

    Args:
        sections: The sections.
        store: The runs.
        warn: Told of predictions that are missing or damaged.
        simultaneous: Whether all rank ranges are to hold at once.
        ahead: A reader that may have begun to read the predictions.
    """
    found: dict[int, Standings] = {}
    anew: dict[int, str] = {}
    for place, section in enumerate(sections):
        runs = [run for row in section.rows for run in row.runs]
        if not any(has_predictions([run], store) for run in runs):
            found[place] = Standings(rows=(None,) * len(section.rows))
            continue
        key = _key(section, store, simultaneous)
        kept = _kept(key)
        if kept is None:
            anew[place] = key
            continue
        found[place], told = kept
        for problem in told:
            warn(problem)
    read = [run for place in anew for row in _tested_rows(sections[place]) for run in row.runs]
    with reading_together(store, read, ahead) as reader:
        for place, key in anew.items():
            found[place] = _made(sections[place], store, warn, (key, simultaneous), reader)
    return [found[place] for place in range(len(sections))]


def _key(section: Section, store: RunStore, simultaneous: bool) -> str:
    rows = [[run.id for run in row.runs] for row in section.rows]
    tried = [row.epochs_tried for row in section.rows]
    task = section.task
    bounds = [[each.name, each.bounds, each.unit] for each in task.metrics] if task else []
    what = ["standings", rows, tried, section.counted, task and task.labels, bounds, simultaneous]
    return cache.key_of(what, [run for row in section.rows for run in row.runs], store)


def _kept(key: str) -> tuple[Standings, list[RunFolderError]] | None:
    """What was kept by that key, and what is to be said of the runs' predictions."""
    values = cache.load(key)
    if values is None:
        return None
    try:
        told = [RunFolderError(what, where=where, remedy=remedy)
                for what, where, remedy in values["problems"]]  # fmt: skip
        return Standings.of_document(values["standings"]), told
    except (TypeError, KeyError, ValueError):
        return None  # of another version: computed again


def _made(
    section: Section,
    store: RunStore,
    warn: Callable[[GlueharnessError], None],
    kept_by: tuple[str, bool],
    reader: Reader,
) -> Standings:
    key, simultaneous = kept_by
    problems: list[GlueharnessError] = []
    found = standings_of(section, store, problems.append, simultaneous=simultaneous, reader=reader)
    for each in problems:
        warn(each)
    # What is wrong with a file stays so until it changes; a plugin may be mended at any time.
    if all(isinstance(each, RunFolderError) for each in problems):
        texts = [[each.what, each.where, each.remedy] for each in problems]
        cache.keep(key, {"standings": found.document(), "problems": texts})
    return found


def standings_of(
    section: Section,
    store: RunStore,
    warn: Callable[[GlueharnessError], None],
    *,
    simultaneous: bool = False,
    reader: Reader | None = None,
) -> Standings:
    """Measure the rows of a section from their predictions and test them against each other.

    Args:
        section: The section, its rows best first.
        store: The runs.
        warn: Told of predictions that are missing or damaged; such a row has no standing.
        simultaneous: Whether all rank ranges are to hold at once.
        reader: Reads the predictions; None to read them here.
    """
    from glueharness_leaderboard.evidence.measuring import Contest

    contest = Contest(task=section.task, counted=section.counted, store=store)
    refused: set[int] = set()
    measured = measured_rows(_tested_rows(section), contest, warn, reader, refused)
    found = standings_from(section, measured, contest, simultaneous=simultaneous)
    return with_refused(found, section, refused)


def with_refused(standings: Standings, section: Section, refused: set[int]) -> Standings:
    """The standings with the rows that :func:`measured_rows` refused, by its positions."""
    tested = tested_places(section)
    places = tuple(tested[place] for place in sorted(refused))
    return dataclasses.replace(standings, refused=places)


def tested_places(section: Section) -> list[int]:
    """Positions of the rows that are tested against each other: the best ones with a score."""
    scored = [place for place, row in enumerate(section.rows) if row.value is not None]
    return scored[:MOST_ROWS]


def _tested_rows(section: Section) -> list[Row]:
    return [section.rows[place] for place in tested_places(section)]


def standings_from(
    section: Section,
    measured: Sequence[Measured | None],
    contest: Contest,
    *,
    simultaneous: bool = False,
) -> Standings:
    """Test rows against each other that were measured before.

    Args:
        section: The section, its rows best first.
        measured: One for each of :func:`tested_places`.
        contest: What was asked of them.
        simultaneous: Whether all rank ranges are to hold at once.
    """
    scored = [place for place, row in enumerate(section.rows) if row.value is not None]
    tested = tested_places(section)
    known = [place for place, found in zip(tested, measured, strict=True) if found is not None]
    rows: list[Standing | None] = [None] * len(section.rows)
    if not known:
        return Standings(rows=tuple(rows), left_out=len(scored) - len(tested))
    found = [each for each in measured if each is not None]
    inner = _test([section.rows[place] for place in known], found, contest, simultaneous)
    for place, standing in zip(known, inner.rows, strict=True):
        rows[place] = standing
    # Who could not be measured might have any rank, and so might the others because of it.
    missing = len(scored) - len(known)
    if missing:
        rows = [
            dataclasses.replace(row, high=row.high + missing) if row is not None and row.high
            else row
            for row in rows
        ]  # fmt: skip
    return dataclasses.replace(inner, rows=tuple(rows), left_out=len(scored) - len(tested))


def measured_rows(
    rows: Sequence[Row],
    contest: Contest,
    warn: Callable[[GlueharnessError], None],
    reader: Reader | None = None,
    refused: set[int] | None = None,
) -> list[Measured | None]:
    """Each row measured from its predictions; None where they are missing or cannot be used.

    Args:
        rows: The rows.
        contest: What is asked of them.
        warn: Hears why predictions cannot be used.
        reader: Reads the predictions; None to read them here.
        refused: Gets the positions of rows that contradict their predictions, or are damaged.
    """
    from glueharness.errors import GlueharnessError
    from glueharness_leaderboard.evidence.measuring import measure

    found: list[Measured | None] = []
    reference = None
    for place, row in enumerate(rows):
        if not has_predictions(row.runs, contest.store):
            found.append(None)
            continue
        try:
            measured, first = measure(row.runs, contest, reference, reader)
        except GlueharnessError as problem:  # a plugin's metric that fails stops nothing else
            warn(problem)
            found.append(None)
            if refused is not None and isinstance(problem, RunFolderError):
                refused.add(place)
            continue
        reference = reference or first
        # Without its task's plugin, a metric of its own cannot be computed again.
        found.append(measured if measured.quantities else None)
    return found


def has_predictions(runs: Sequence[RunRecord], store: RunStore) -> bool:
    """Whether there are predictions of any of the runs: of a copied record there may be none."""
    # Texts, not paths: ten thousand paths are a second's work.
    folders = (f"{store.place(run)}/{PREDICTIONS_FOLDER}" for run in runs)
    return any(os.path.isdir(folder) for folder in folders)  # noqa: PTH112


def _test(
    rows: Sequence[Row], found: Sequence[Measured], contest: Contest, simultaneous: bool
) -> Standings:
    import numpy as np

    from glueharness_leaderboard.evidence.measuring import intervals_of
    from glueharness_leaderboard.ranking.power import detectable, luck, optimism, with_more_seeds
    from glueharness_leaderboard.statistics.difference import all_pairs
    from glueharness_leaderboard.statistics.ranks import rank

    quantity = next(iter(found[0].quantities))
    intervals = intervals_of(contest, quantity, found)
    table = intervals.table
    pairs = all_pairs(table)
    tried = np.array([row.epochs_tried for row in rows], np.float64)
    ranking = rank(pairs, factors=selection_factors(tried, pairs), simultaneous=simultaneous)
    first = int(np.nanargmax(table.scores)) if np.isfinite(table.scores).any() else 0
    standings = []
    for place, (row, each) in enumerate(zip(rows, found, strict=True)):
        ranks = ranking.ranges[place]
        p = float(pairs.p[first, place])
        standings.append(
            Standing(
                low=ranks.low if ranks else 0,
                high=ranks.high if ranks else 0,
                interval=intervals.of(place),
                p_best=p if np.isfinite(p) else 1.0,
                seeds=_seeds(table, place),
                constant=each.constant,
                optimism=optimism(table, row.epochs_tried, place),
            )
        )
    return Standings(
        rows=tuple(standings),
        detectable=detectable(pairs, first),
        more_seeds=with_more_seeds(table, pairs, first),
        luck=luck(pairs, [place for place, each in enumerate(standings) if each.may_be_best]),
        pool_degrees=table.spread.pool_degrees,
        spread_ratio=table.spread.ratio,
    )


def selection_factors(tried: Floats, pairs: AllPairs) -> Floats:
    """By how much each p is multiplied because one side picked from more epochs: ``[K, K]``."""
    import numpy as np

    ahead = np.where(pairs.differences > 0, tried[:, None], tried[None, :])
    behind = np.where(pairs.differences > 0, tried[None, :], tried[:, None])
    factors: Floats = np.maximum(1.0, ahead / behind)
    return factors


def _seeds(table: ScoreTable, place: int) -> str:
    spread = table.spread
    if table.measurements[place].seeds.repeats:
        return "none"
    if spread.pool_degrees == 0:
        return ""
    if spread.borrowed[place]:
        return "borrowed"
    return "own" if spread.own[place] else "pool"
