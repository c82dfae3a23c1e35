"""``glueharness reproduce``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli import complete
from glueharness.cli.app import App, json_option, runs_dir_option
from glueharness.cli.app import runs_dir as find_runs_dir
from glueharness.record.store import RunStore

if TYPE_CHECKING:
    from glueharness.run.reproduce import Reproduction


@click.command(name="reproduce")
@click.argument("run", shell_complete=complete.runs)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the data of the run lie now [default: where they lay].",
)
@runs_dir_option
@json_option
@click.pass_context
def command(
    ctx: click.Context, run: str, data_dir: Path | None, runs_dir: Path | None, *, as_json: bool
) -> None:
    """Do RUN again from its record, and say whether the numbers are the same.

    Settings, seed, data, weights, engine, precision and threads are those of RUN; what is no longer
    there or has another version is refused. The result is a run of its own that names RUN; the
    leaderboard does not count it.

    Exit code 0: every prediction and score is the same, bit by bit. 1: they differ, or it could not
    be done; with --json, `identical` tells the two apart.
    """
    from glueharness.cli.output import print_json
    from glueharness.cli.progress import ProgressDisplay
    from glueharness.run.reproduce import reproduce

    registry = App.of(ctx).registry
    store = RunStore(find_runs_dir(runs_dir))
    with ProgressDisplay(runs=1) as display:
        registry.plugins.register(display, "progress display")
        found = reproduce(run, store, registry, data_dir=data_dir, tell=display.tell)
    if as_json:
        print_json(_as_json(found))
    else:
        _show(found)
    if not found.identical:
        ctx.exit(1)


def _as_json(found: Reproduction) -> dict[str, Any]:
    return {
        "first": found.first.id,
        "again": found.again.id,
        "folder": str(found.result.folder),
        "identical": found.identical,
        "same_model": found.same_model,
        "splits": {name: dataclasses.asdict(split) for name, split in found.splits.items()},
        "metrics": {"first": found.first.metrics, "again": found.again.metrics},
        "environment": {
            name: {"first": then, "again": now} for name, (then, now) in found.environment.items()
        },
    }


def _show(found: Reproduction) -> None:
    from glueharness.cli.output import make_table, percent, stdout

    console = stdout()
    rows = [
        [
            split,
            metric,
            percent(value),
            percent(found.again.metrics.get(split, {}).get(metric)),
            f"{found.splits[split].other:,} of {found.splits[split].rows:,}",
            f"{found.splits[split].largest:.3g}",
        ]
        for split, metrics in found.first.metrics.items()
        for metric, value in metrics.items()
    ]
    columns = ["split", "metric", "then", "now", "rows that differ", "largest difference"]
    console.print(make_table("", columns, rows))
    lines = [f"run     {found.result.folder}"]
    if found.identical:
        kept = "" if found.same_model else "; files of the model differ"
        lines.append(f"identical to run {found.first.id}: every prediction, bit by bit{kept}")
    else:
        lines.append(f"NOT identical to run {found.first.id}")
    lines += [
        f"environment: {name} was {then or 'not there'} and is {now or 'not there'}"
        for name, (then, now) in found.environment.items()
    ]
    if not found.identical and not found.environment:
        lines.append("The environment is the same: something else than the record tells decides.")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
