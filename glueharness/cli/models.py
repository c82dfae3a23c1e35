"""``glueharness models``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from glueharness.cli import complete
from glueharness.cli.app import App, json_option
from glueharness.cli.output import make_table, print_facts, print_json, stdout
from glueharness.settings.fields import settings_of

if TYPE_CHECKING:
    from glueharness.specs import ModelSpec


@click.group(name="models", invoke_without_command=True)
@json_option
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """List the models, or show one: glueharness models show NAME."""
    if ctx.invoked_subcommand is not None:
        return
    models = list(App.of(ctx).registry.models)
    if as_json:
        print_json([describe(ctx, model) for model in models])
        return
    rows = [
        [_call(model), _parameters(model), model.checkpoint or "–", model.description]
        for model in models
    ]
    stdout().print(make_table("", ["model", "parameters", "checkpoint", "what"], rows))


@command.command()
@click.argument("name", shell_complete=complete.models)
@json_option
@click.pass_context
def show(ctx: click.Context, name: str, *, as_json: bool) -> None:
    """Show all facts of the model NAME, and its settings with their defaults."""
    registry = App.of(ctx).registry
    model = registry.models.get(name.partition(":")[0])
    facts = describe(ctx, model)
    if as_json:
        print_json(facts)
        return
    print_facts(
        model.name,
        {
            "what": model.description,
            "called": _call(model),
            "trains": "" if model.trains else "no, it only predicts: glueharness evaluate",
            "multiple choice": "yes" if model.multiple_choice else "no",
            "parameters": _parameters(model) if model.parameters else "",
            "checkpoint": model.checkpoint,
            "revision": model.revision,
            "plugin": facts["plugin"],
            "citation": model.citation,
        },
    )
    rows = [
        [
            item.name,
            "–" if facts["settings"][item.name] is None else str(facts["settings"][item.name]),
            ", ".join(part for part in (item.info.range_text(), item.info.unit) if part),
            item.info.help,
        ]
        for item in settings_of(model.settings)
    ]
    if rows:
        stdout().print(make_table("\nsettings", ["name", "value", "range, unit", "what"], rows))


def describe(ctx: click.Context, model: ModelSpec) -> dict[str, Any]:
    """A model's facts for JSON, with the defaults that its recipe sets."""
    settings = {item.name: item.default for item in settings_of(model.settings)}
    return {
        "name": model.name,
        "description": model.description,
        "family": model.family,
        "checkpoint": model.checkpoint,
        "revision": model.revision,
        "parameters": model.parameters,
        "citation": model.citation,
        "trains": model.trains,
        "multiple_choice": model.multiple_choice,
        "settings": {**settings, **model.recipe},
        "plugin": App.of(ctx).registry.models.owner(model.name).owner,
    }


def _call(model: ModelSpec) -> str:
    return f"{model.name}:NAME" if model.family else model.name


def _parameters(model: ModelSpec) -> str:
    return f"{model.parameters / 1e6:.1f} M" if model.parameters else "–"
