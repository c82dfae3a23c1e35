"""Asks before a plan of very many runs is begun."""

from __future__ import annotations

import sys
from statistics import fmean
from typing import TYPE_CHECKING

import click

from glueharness.errors import ConfigError
from glueharness.record.store import RunStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.run.plan import PlannedRun

MOST_SEEDS = 20
"""So many seeds are begun without asking."""


def confirm_many(plan: Sequence[PlannedRun], seeds: int, *, yes: bool) -> None:
    """Say how long a plan of many seeds will take, and ask whether to begin.

    Args:
        plan: The runs.
        seeds: How many seeds were asked for.
        yes: Whether the user has agreed already.

    Raises:
        ConfigError: There is nobody to ask.
        click.Abort: The user does not want to.
    """
    if seeds <= MOST_SEEDS or yes:
        return
    what = f"--seeds asks for {seeds} seeds, which makes {len(plan):,} runs: {_duration(plan)}"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError(what, remedy="If that is meant, add --yes.")
    click.confirm(f"{what}. Begin?", abort=True, err=True)


def _duration(plan: Sequence[PlannedRun]) -> str:
    """How long it will take, by earlier runs of the same task and model."""
    config = plan[0].config
    times: dict[tuple[str, str], list[float]] = {}
    for record in RunStore(config.options.runs_dir).all():
        if record.status == "completed" and record.kind == "training":
            key = record.task, record.model
            times.setdefault(key, []).append(sum(record.timings.values()))
    wanted = [(planned.config.task, planned.config.options.model) for planned in plan]
    if not all(key in times for key in wanted):
        task, model = next(key for key in wanted if key not in times)
        return (
            "how long that takes is not known; "
            f"`glueharness bench {task} --model {model}` says it for one"
        )
    return f"about {in_words(sum(fmean(times[key]) for key in wanted))} by earlier runs"


def in_words(seconds: float) -> str:
    """A time in the unit that fits: ``40 s``, ``12 min``, ``3.5 h``, ``2.1 days``."""
    for unit, length in (("days", 86_400), ("h", 3_600)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
