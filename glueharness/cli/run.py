"""``glueharness run``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli import complete
from glueharness.cli.app import App, environment_layer, json_option
from glueharness.cli.options import SettingsCommand
from glueharness.config import COMMAND_LINE, build_config, read_toml
from glueharness.settings import Layer

if TYPE_CHECKING:
    from glueharness.record import RunRecord
    from glueharness.specs import TaskSpec


@click.command(cls=SettingsCommand, name="run")
@click.argument("task", shell_complete=complete.tasks)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML file with settings; options win over it, it wins over the model's recipe.",
)
@json_option
@click.pass_context
def command(
    ctx: click.Context, /, task: str, config: Path | None, *, as_json: bool, **values: Any
) -> None:
    """Train a model on TASK, score it on the dev split, and keep everything in a run folder.

    \b
    glueharness run qnli                                   the default model, data found by itself
    glueharness run qnli --data-dir glue_data --epochs 5   the official download
    glueharness run qnli --model hf:./my-encoder --seed 7  any encoder, from a folder or the hub
    glueharness run qnli --model tfidf                     a baseline without PyTorch
    """  # noqa: D301 - click's mark against re-wrapping
    from glueharness.cli.progress import ProgressDisplay
    from glueharness.run import run

    registry = App.of(ctx).registry
    given = {name: value for name, value in values.items() if value is not None}
    layers = [Layer(origin=COMMAND_LINE, values=given), environment_layer()]
    if config is not None:
        layers.append(read_toml(config))
    resolved = build_config(task, layers, registry)
    with ProgressDisplay() as display:
        registry.plugins.register(display, "progress display")
        record = run(resolved, registry)
    if as_json:
        from glueharness.cli.output import print_json

        print_json(dataclasses.asdict(record))
    else:
        show_result(record, registry.task(task), resolved.options.runs_dir)


def show_result(record: RunRecord, task: TaskSpec, runs_dir: Path) -> None:
    """Print a run's dev scores and what can be done next."""
    from rich.text import Text

    from glueharness.cli.output import make_table, percent, stdout

    titles = {metric.name: metric.title for metric in task.metrics}
    rows = [
        [
            task.title,
            record.model,
            split,
            titles[metric],
            percent(value),
            f"{record.data.splits[split].rows:,}",
            ", ".join(record.marks) or "–",
        ]
        for split, metrics in record.metrics.items()
        for metric, value in metrics.items()
    ]
    console = stdout()
    columns = ["task", "model", "split", "metric", "points", "rows", "marks"]
    console.print(make_table("", columns, rows))
    seconds = sum(record.timings.values())
    console.print(Text(f"run     {runs_dir / record.id}  ({seconds:.1f} s)"), soft_wrap=True)
    following = ["glueharness leaderboard"]
    if task.submission and not record.data.sample:
        following.insert(0, f"glueharness submit {task.name}")
    console.print(Text(f"next    {' · '.join(following)}"), soft_wrap=True)
