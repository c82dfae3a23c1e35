"""The leaderboard: what the runs scored, which differences are real, and three commands for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import CommandSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import click

    from glueharness.plugin.events import SweepFinished


@hookimpl
def glueharness_commands() -> list[CommandSpec]:
    """The commands ``leaderboard``, ``compare`` and ``report``."""
    return [
        CommandSpec(
            name="leaderboard",
            help="Rank the runs of a task, or of all, with intervals.",
            factory=_leaderboard,
            function=_leaderboard_function,
        ),
        CommandSpec(
            name="compare",
            help="Say whether the difference between runs or models is real.",
            factory=_compare,
        ),
        CommandSpec(
            name="report",
            help="Write one page about the runs: boards, pairs, curves, mistakes.",
            factory=_report,
        ),
    ]


@hookimpl
def glueharness_sweep_finished(event: SweepFinished) -> None:
    """Say what the best of several settings is worth, the luck of being chosen taken off."""
    from glueharness_leaderboard.sweep_remark import remark_on

    event.remarks.append(remark_on(event))


def _leaderboard() -> click.Command:
    from glueharness_leaderboard.leaderboard_command import command

    return command


def _leaderboard_function() -> Callable[..., Any]:
    from glueharness_leaderboard.leaderboard_function import leaderboard

    return leaderboard


def _compare() -> click.Command:
    from glueharness_leaderboard.compare_command import command

    return command


def _report() -> click.Command:
    from glueharness_leaderboard.report_command import command

    return command
