"""``glueharness tasks``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from glueharness.cli import complete
from glueharness.cli.app import App, json_option
from glueharness.cli.output import make_table, print_facts, print_json, stdout

if TYPE_CHECKING:
    from glueharness.specs import TaskSpec


@click.group(name="tasks", invoke_without_command=True)
@json_option
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """List the tasks, or show one: glueharness tasks show NAME."""
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
            "labels": ", ".join(task.labels) or _range(task),
            "splits": ", ".join(splits),
            "metrics": ", ".join(metric.title for metric in task.metrics),
            "submission": ", ".join(file.name for file in task.submission),
            "group": task.group,
            "version": task.version,
            "model of": task.trained_on,
            "plugin": facts["plugin"],
            "licence": task.licence,
            "citation": task.citation,
            "page": task.url,
        },
    )


def describe(ctx: click.Context, task: TaskSpec) -> dict[str, Any]:
    """A task's facts, for JSON."""
    return {
        "name": task.name,
        "title": task.title,
        "description": task.description,
        "columns": list(task.columns),
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
        "citation": task.citation,
        "url": task.url,
        "plugin": App.of(ctx).registry.tasks.owner(task.name).owner,
    }


def _range(task: TaskSpec) -> str:
    if task.score_range is None:
        return "a number"
    low, high = task.score_range
    return f"{low:g} to {high:g}"
