"""Shell completion of the names of tasks, models, sources and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from click.shell_completion import CompletionItem

from glueharness.cli.app import App, runs_dir

if TYPE_CHECKING:
    from collections.abc import Callable

    import click

    Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def tasks(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of tasks."""
    return _items({task.name: task.title for task in App.of(ctx).registry.tasks}, incomplete)


def models(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of models; a family with its colon."""
    names = {
        f"{model.name}:" if model.family else model.name: model.description
        for model in App.of(ctx).registry.models
    }
    return _items(names, incomplete)


def sources(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of data sources."""
    names = {source.name: source.description for source in App.of(ctx).registry.sources}
    return _items({"auto": "the first that has the data", **names}, incomplete)


def executors(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of executors."""
    names = {spec.name: spec.description for spec in App.of(ctx).registry.executors}
    return _items(names, incomplete)


def runs(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of runs, which are the names of their folders, so that no record needs to be read."""
    given = ctx.params.get("runs_dir")  # of a command that reads several, all of them
    folders = given if given and isinstance(given, tuple) else [runs_dir(given or None)]
    names = sorted(path.parent.name for folder in folders for path in folder.glob("*/run.json"))
    return _items(dict.fromkeys(names, ""), incomplete)


def _items(names: dict[str, str], incomplete: str) -> list[CompletionItem]:
    return [
        CompletionItem(name, help=text)
        for name, text in names.items()
        if name.startswith(incomplete)
    ]


FOR_SETTINGS: dict[str, Any] = {"model": models, "data": sources}
"""Setting name to its completer, for the options that are made from settings."""
