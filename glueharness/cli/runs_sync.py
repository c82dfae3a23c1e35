"""``glueharness runs sync``."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from glueharness.cli.app import json_option
from glueharness.cli.output import print_json, stderr, stdout
from glueharness.record.sync import Listener, Synced, sync_runs
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from rich.progress import TaskID


@click.command()
@click.argument("source")
@click.argument("target")
@json_option
@click.pass_context
def sync(ctx: click.Context, source: str, target: str, *, as_json: bool) -> None:
    """Copy the completed runs of SOURCE that TARGET lacks.

    Each is a folder of runs, or the URL of one: ssh://HOST/FOLDER, s3://BUCKET/FOLDER. A run is
    checked by its seals before it is added, whole or not at all, and nothing is overwritten. If the
    command is cut, give it again: it goes on with the runs that are missing.

    \b
    glueharness runs sync ssh://cluster/home/me/runs runs
    glueharness runs sync runs s3://team/runs
    """  # noqa: D301 - click's mark against re-wrapping
    from glueharness.record.place_urls import open_place

    synced = Synced()
    here, there = open_place(source), open_place(target)
    display = _Display(quiet=as_json)
    try:
        with display.bars:
            sync_runs(here, there, display, synced)
    finally:  # of a sync that was cut, too
        if as_json:
            print_json({"source": here.name, "target": there.name, **dataclasses.asdict(synced)})
        elif display.runs is not None:
            _print(_summary(synced))
    for run, why in synced.refused.items():
        stderr().print(f"not copied: {run}: {why}", markup=False, highlight=False, soft_wrap=True)
    if synced.refused:
        ctx.exit(1)


def _summary(synced: Synced) -> str:
    size = sum(synced.copied.values()) / 1e6
    parts = [
        f"{len(synced.copied)} copied ({size:,.1f} MB)" if synced.copied else "0 copied",
        f"{len(synced.known):,} there already",
    ]
    parts += [f"{len(synced.left_out):,} left out"] if synced.left_out else []
    parts += [f"{len(synced.refused):,} not copied"] if synced.refused else []
    return ", ".join(parts)


def _print(text: str) -> None:
    stdout().print(text, markup=False, highlight=False, soft_wrap=True)


class _Display(Listener):
    """A bar for the run that is on its way, and a line for each that is copied or left out.

    Args:
        quiet: Whether the lines are left to the JSON.
    """

    def __init__(self, *, quiet: bool) -> None:
        from rich.progress import DownloadColumn

        from glueharness.cli.bars import make_bars

        self._quiet = quiet
        self.runs: int | None = None  # until they are listed
        self._over = 0
        self._bar: TaskID | None = None
        self.bars = make_bars(DownloadColumn(), values=False)

    def expect(self, runs: int) -> None:
        """Note how many runs there are."""
        self.runs = runs

    def progress(self, run: str, what: str, done: int, total: int) -> None:
        """Move the bar."""
        words = f"{self._over + 1}/{self.runs} {printable(run)}: {what}"
        if self._bar is None:
            self._bar = self.bars.add_task(words)
        self.bars.update(self._bar, description=words, completed=done, total=total)

    def over(self, run: str, what: str, why: str) -> None:
        """Leave a line, but of what was there already or is told at the end."""
        self._over += 1
        if self._bar is not None:
            self.bars.remove_task(self._bar)
            self._bar = None
        if what in {"copied", "left out"} and not self._quiet:
            _print(f"{printable(run)}: {what}, {why}")
