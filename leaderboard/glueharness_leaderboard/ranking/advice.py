"""Which one should I take? The answer of a table in words, the same wherever it is shown."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueharness_leaderboard.ranking.settings import environment_of, system_of
from glueharness_leaderboard.ranking.short_paths import short_paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.record.record import RunRecord
    from glueharness_leaderboard.ranking.rows import Row
    from glueharness_leaderboard.ranking.sections import Section

ENOUGH_SEEDS = 3
"""Fewer runs than this say too little of a model to recommend it."""
_LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What a table says to somebody who must choose.

    Attributes:
        answer: One sentence; empty if there is nothing to choose from.
        reasons: What it rests on, a sentence each.
        pick: Position of the row that is recommended; None for none.
    """

    answer: str
    reasons: tuple[str, ...] = ()
    pick: int | None = None


def advise(section: Section, *, by_model: bool = True) -> Advice:
    """The answer of a table.

    Of the models that cannot be told apart from the best, the quickest is recommended, if it has
    at least three seeds, ran on the same kind of machine as most, began from pretrained weights,
    and is not worse than the first by its own test: for want of evidence everything is tied.

    Args:
        section: The table, with its standings.
        by_model: Whether a row is a model, and not a run.
    """
    tested = [row for row in section.rows if row.standing is not None and row.standing.low]
    if section.standings is None or not tested:
        return Advice(answer="")
    if "sample" in section.conditions.marks:
        return Advice(answer="Made-up sample data: they cannot choose a model.")
    if len(tested) < 2:
        return Advice(answer="")
    tied = [row for row in tested if row.standing and row.standing.may_be_best]
    if not by_model:
        return Advice(answer=_of_runs(tested[0], tied), reasons=_power(section))
    if len(tied) == 1:
        return _alone(section, tested)
    return _of_tied(section, tied, tested)


def _alone(section: Section, tested: Sequence[Row]) -> Advice:
    """The answer where one row is better than all others."""
    rows, standings, best = section.rows, section.standings, tested[0]
    name, power = _name(best, rows), _power(section)
    seeds_known = standings is not None and standings.pool_degrees > 0
    if not seeds_known and best.standing is not None and best.standing.seeds != "none":
        answer = (
            f"The run of {name} is the best on rows like these, at the 5 % level. One seed each "
            f"says little of the models: run them with --seeds {ENOUGH_SEEDS}."
        )
        return Advice(answer=answer, reasons=power)
    others = "the other one is" if len(tested) == 2 else f"the other {len(tested) - 1} are"
    answer = f"{name} is the best: {others} worse at the 5 % level."
    return Advice(answer=answer, reasons=power, pick=rows.index(best))


def _of_tied(section: Section, tied: Sequence[Row], tested: Sequence[Row]) -> Advice:
    """The answer where several rows may be the best."""
    rows, power = section.rows, _power(section)
    pick = _pick(tied, tested)
    if pick is None:
        return Advice(answer=_too_few_seeds(tested[0], tied, rows), reasons=power)
    name = _name(pick, rows)
    which, speed = _how_quick(pick, tied)
    several = len({row.model for row in tested}) < len(tested)
    models = "models and settings" if several else "models"
    if 2 * len(tied) > len(tested):
        answer = (
            f"These rows and seeds cannot choose: {len(tied)} of {len(tested)} {models} may be "
            f"the best. {which.capitalize()} of them is {name}{speed}."
        )
    else:
        answer = f"Take {name}: of the {len(tied)} that may be the best it is {which}{speed}."
    return Advice(answer=answer, reasons=power, pick=rows.index(pick))


def _how_quick(pick: Row, tied: Sequence[Row]) -> tuple[str, str]:
    """In words, why it is that one, and how quick it is."""
    if not pick.rows_per_second:
        return "the first", " (how quick they are is not known)"
    speed = f" ({pick.rows_per_second:,.0f} rows a second)"
    quickest = max(tied, key=lambda row: row.rows_per_second or 0.0)
    if quickest is not pick:
        # Another one may be quicker, and not to be recommended: constant, one seed, elsewhere.
        return "the quickest to be recommended", speed
    if not all(row.rows_per_second for row in tied):
        return "the quickest whose speed is known", speed
    return "the quickest", speed


def _of_runs(best: Row, tied: Sequence[Row]) -> str:
    run = best.runs[0].id
    if len(tied) == 1:
        return f"Of these runs {run} is the best on rows like these, at the 5 % level."
    return (
        f"{len(tied)} runs may be the best. Ranks of single runs allow for the choice of rows "
        "only; a model's seeds are compared by model."
    )


def _too_few_seeds(best: Row, tied: Sequence[Row], rows: Sequence[Row]) -> str:
    others = len(tied) - 1
    also = "one other" if others == 1 else f"{others} others"
    alike = sum(row.value == best.value for row in tied) > 1
    ahead = f"{_name(best, rows)} {'shares the first place' if alike else 'is ahead'}"
    if max(len(row.runs) for row in tied) < ENOUGH_SEEDS:
        return (
            f"{ahead}, and {also} may be as good: none of them has "
            f"{ENOUGH_SEEDS} seeds yet, which would tell more (run with --seeds {ENOUGH_SEEDS})."
        )
    return (
        f"{ahead}, and {also} may be as good; those with {ENOUGH_SEEDS} "
        "seeds are not clearly among them."
    )


def _pick(tied: Sequence[Row], tested: Sequence[Row]) -> Row | None:
    usual = Counter(_machine(run) for row in tested for run in row.runs).most_common(1)[0][0]
    found = [
        row
        for row in tied
        if len(row.runs) >= ENOUGH_SEEDS
        and row.standing is not None
        and row.standing.p_best >= _LEVEL
        and not row.standing.constant
        and all(_machine(run) == usual for run in row.runs)
    ]
    timed = [row for row in found if row.rows_per_second]
    return max(timed or found[:1], key=lambda row: row.rows_per_second or 0.0, default=None)


def _machine(run: RunRecord) -> tuple[str, ...]:
    """Whose speeds may be compared: processor, GPU, device and precision."""
    environment = environment_of(run)
    system = system_of(run)
    return (
        environment.get("processor", ""),
        environment.get("GPU", ""),
        system.get("device", ""),
    )


def _power(section: Section) -> tuple[str, ...]:
    standings = section.standings
    if standings is None or standings.detectable is None:
        return ()
    more = ""
    if standings.more_seeds is not None and standings.more_seeds[1] < 0.9 * standings.detectable:
        seeds, less = standings.more_seeds
        more = f"; with {seeds} seeds each, from about {100 * less:.1f}"
    return (shows_from(standings.detectable, _most(section), more),)


def _most(section: Section) -> float:
    """The largest difference that there can be; infinite if no plugin here knows the task."""
    specs = section.task.metrics if section.task else ()
    bounds = [spec.bounds for spec in specs if spec.name in section.counted]
    return max((high - low for low, high in bounds), default=math.inf)


def shows_from(difference: float, most: float, more: str = "") -> str:
    """From which difference on a comparison would show it; too few rows show none at all."""
    if difference >= most:
        return f"Even the largest difference would hardly show: there are too few rows{more}."
    return f"Differences from about {100 * difference:.1f} points would show (power 80 %){more}."


def _name(row: Row, rows: Sequence[Row]) -> str:
    """The model; with its place where it has several rows."""
    models = [other.model for other in rows]
    name = short_paths(models)[models.index(row.model)]
    return f"{name} (row {rows.index(row) + 1})" if models.count(row.model) > 1 else name
