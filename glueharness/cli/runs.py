"""``glueharness runs``."""

from __future__ import annotations

import dataclasses
from pathlib import Path  # noqa: TC003 - click reads the annotations' values at run time
from typing import TYPE_CHECKING

import click

from glueharness.cli import complete
from glueharness.cli.app import json_option, runs_dir, runs_dir_option
from glueharness.cli.output import make_table, percent, print_facts, print_json, stderr, stdout
from glueharness.record.folders import find_run, list_runs

if TYPE_CHECKING:
    from glueharness.record.record import RunRecord


@click.group(name="runs", invoke_without_command=True)
@runs_dir_option
@json_option
@click.pass_context
def command(ctx: click.Context, runs_dir: Path | None, *, as_json: bool) -> None:
    """List the runs, newest last, or show one: glueharness runs show ID."""
    if ctx.invoked_subcommand is None:
        _list(runs_dir, as_json=as_json)


def _list(given: Path | None, *, as_json: bool) -> None:
    folder = runs_dir(given)
    records, problems = list_runs(folder)
    for problem in problems:
        stderr().print(f"warning: {problem}", markup=False, style="yellow")
    if as_json:
        print_json([dataclasses.asdict(record) for record in records])
        return
    if not records:
        stdout().print(f"No runs in {folder}. Make one: glueharness run qnli", markup=False)
        return
    rows = [
        [record.id, record.status, percent(record.primary), ", ".join(record.marks) or "–"]
        for record in records
    ]
    stdout().print(make_table("", ["run", "status", "points", "marks"], rows))


@command.command()
@click.argument("run", shell_complete=complete.runs)
@runs_dir_option
@json_option
def show(run: str, runs_dir: Path | None, *, as_json: bool) -> None:
    """Show the run whose id is RUN, or begins or ends with it, or the latest: runs show latest."""
    folder, record = find_run(_folder(runs_dir), run)
    if as_json:
        print_json(dataclasses.asdict(record))
        return
    _show(record, folder)


def _folder(given: Path | None) -> Path:
    return runs_dir(given)


def _show(record: RunRecord, folder: Path) -> None:
    data = record.data
    scores = [
        f"{split} {metric} {percent(value)}"
        for split, metrics in record.metrics.items()
        for metric, value in metrics.items()
    ]
    environment = record.environment
    print_facts(
        record.id,
        {
            "folder": str(folder),
            "status": record.status,
            "error": record.error,
            "task": f"{record.task} {record.task_version}".strip(),
            "model": record.model,
            "seed": str(record.seed),
            "scores": ", ".join(scores),
            "marks": ", ".join(record.marks),
            "data": f"{data.source}: {data.location} {data.revision}".strip(),
            "rows": ", ".join(f"{name} {split.rows:,}" for name, split in data.splits.items()),
            "warnings": "\n".join(record.warnings),
            "started": record.started,
            "seconds": ", ".join(f"{name} {value:.1f}" for name, value in record.timings.items()),
            "machine": f"{environment.get('cpu', '')}, {environment.get('cores', '?')} cores",
            "command": " ".join(record.command),
        },
    )
    rows = [[name, str(item.value), item.origin] for name, item in record.settings.items()]
    stdout().print(make_table("\nsettings", ["name", "value", "from"], rows))
    if record.history:
        epochs = [
            [
                str(item.epoch),
                percent(item.primary),
                ", ".join(f"{name} {value:.4g}" for name, value in item.values.items()),
            ]
            for item in record.history
        ]
        stdout().print(make_table("\nepochs", ["epoch", "points", "values"], epochs))
