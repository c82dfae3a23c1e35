"""``glueharness tasks``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli import complete
from glueharness.cli.app import App, json_option
from glueharness.cli.data_files import DataFiles, data_file_options
from glueharness.cli.output import make_table, print_facts, print_json, stderr, stdout
from glueharness.errors import ConfigError
from glueharness.system.user_files import write_named

if TYPE_CHECKING:
    from glueharness.specs import TaskSpec


@click.group(name="tasks", invoke_without_command=True)
@json_option
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """List the tasks, show one, or describe one of your own.

    \b
    glueharness tasks show qnli
    glueharness tasks new mood --train-file train.csv --dev-file dev.csv --text sentence
    """  # noqa: D301 - click's mark against re-wrapping
    if ctx.invoked_subcommand is not None:
        return
    tasks = list(App.of(ctx).registry.tasks)
    if as_json:
        print_json([describe(ctx, task) for task in tasks])
        return
    rows = [
        [
            task.name,
            " + ".join(task.columns),
            ", ".join(task.labels) or _range(task),
            task.primary.title,
            task.description,
        ]
        for task in tasks
    ]
    stdout().print(make_table("", ["task", "input", "labels", "metric", "what"], rows))


@command.command()
@click.argument("name", shell_complete=complete.tasks)
@json_option
@click.pass_context
def show(ctx: click.Context, name: str, *, as_json: bool) -> None:
    """Show all facts of the task NAME."""
    task = App.of(ctx).registry.task(name)
    facts = describe(ctx, task)
    if as_json:
        print_json(facts)
        return
    splits = [
        f"{split['name']} {split['rows']:,}" if split["rows"] else split["name"]
        for split in facts["splits"]
    ]
    print_facts(
        task.title,
        {
            "what": task.description,
            "input": " + ".join(task.columns),
            "choices": ", ".join(task.choices),
            "labels": ", ".join(task.labels) or _range(task),
            "splits": ", ".join(splits),
            "metrics": ", ".join(metric.title for metric in task.metrics),
            "submission": ", ".join(file.name for file in task.submission),
            "group": task.group,
            "version": task.version,
            "model of": task.trained_on,
            "plugin": facts["plugin"],
            "licence": task.licence,
            "texts": "may be shared" if task.texts_may_be_shared else "",
            "citation": task.citation,
            "page": task.url,
        },
    )


@command.command()
@click.argument("name", default="")
@data_file_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write [default: NAME.toml, here].",
)
@click.pass_context
def new(ctx: click.Context, /, name: str, output: Path | None, **values: Any) -> None:
    """Describe a task by its data files: write the TOML file that makes a task of them.

    Labels and formats are found in the files and shown; change the file as you like, for instance
    to give the labels names.

    \b
    glueharness tasks new mood --train-file train.csv --dev-file dev.csv --text sentence
    glueharness tasks new --dataset dair-ai/emotion
    glueharness --plugin mood.toml run mood
    """  # noqa: D301 - click's mark against re-wrapping
    files = DataFiles.taken_from(values)
    if not files.given:
        raise click.UsageError("Missing option '--train-file', or '--dataset'.")
    draft = files.draft(name, output.parent if output else Path(), App.of(ctx).registry)
    path = output or Path(f"{draft.name}.toml")
    if path.is_file():
        raise ConfigError(
            "there is a file of that name", where=str(path), remedy="Give another: -o FILE"
        )
    try:
        write_named(path, draft.content)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(path)) from error
    print_facts(str(path), draft.facts)
    stderr().print(
        f"next    glueharness plugins check {path} · glueharness --plugin {path} run {draft.name}",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


def describe(ctx: click.Context, task: TaskSpec) -> dict[str, Any]:
    """A task's facts, for JSON."""
    return {
        "name": task.name,
        "title": task.title,
        "description": task.description,
        "columns": list(task.columns),
        "choices": list(task.choices),
        "labels": list(task.labels),
        "score_range": task.score_range,
        "splits": [
            {"name": split.name, "role": split.role, "rows": split.rows} for split in task.splits
        ],
        "metrics": [metric.name for metric in task.metrics],
        "submission": [file.name for file in task.submission],
        "writer": task.writer,
        "group": task.group,
        "version": task.version,
        "trained_on": task.trained_on,
        "licence": task.licence,
        "texts_may_be_shared": task.texts_may_be_shared,
        "citation": task.citation,
        "url": task.url,
        "plugin": App.of(ctx).registry.tasks.owner(task.name).owner,
    }


def _range(task: TaskSpec) -> str:
    if task.score_range is None:
        return "a number"
    low, high = task.score_range
    return f"{low:g} to {high:g}"
