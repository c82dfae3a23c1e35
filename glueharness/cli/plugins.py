"""``glueharness plugins``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from glueharness.cli.app import App, json_option
from glueharness.cli.output import make_table, print_facts, print_json, stdout
from glueharness.errors import UnknownNameError

if TYPE_CHECKING:
    from glueharness.plugins import PluginStatus
    from glueharness.registry import Registry


@click.group(name="plugins", invoke_without_command=True)
@json_option
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """List the plugins, loaded or not, or show one: glueharness plugins show NAME."""
    if ctx.invoked_subcommand is not None:
        return
    registry = App.of(ctx).registry
    statuses = list(registry.plugins.statuses.values())
    if as_json:
        print_json([describe(registry, status) for status in statuses])
        return
    rows = [
        [
            status.name,
            f"{status.distribution} {status.version}",
            "failed" if status.error else "loaded",
            status.error or _offers(registry, status),
        ]
        for status in statuses
    ]
    stdout().print(make_table("", ["plugin", "distribution", "state", "offers, or cause"], rows))


@command.command()
@click.argument("name")
@json_option
@click.pass_context
def show(ctx: click.Context, name: str, *, as_json: bool) -> None:
    """Show what the plugin NAME offers, or why it is not in use."""
    registry = App.of(ctx).registry
    status = registry.plugins.statuses.get(name)
    if status is None:
        raise UnknownNameError.among("plugin", name, registry.plugins.statuses)
    facts = describe(registry, status)
    if as_json:
        print_json(facts)
        return
    print_facts(
        status.name,
        {
            "distribution": f"{status.distribution} {status.version}",
            "module": status.target,
            "state": "failed" if status.error else "loaded",
            "cause": status.error,
            "remedy": status.remedy,
            "import": f"{1000 * status.seconds:.0f} ms",
            **{kind: ", ".join(names) for kind, names in facts["offers"].items()},
        },
    )


def describe(registry: Registry, status: PluginStatus) -> dict[str, Any]:
    """A plugin's state, JSON-able."""
    return {
        "name": status.name,
        "module": status.target,
        "distribution": status.distribution,
        "version": status.version,
        "loaded": not status.error,
        "error": status.error,
        "remedy": status.remedy,
        "import_seconds": round(status.seconds, 4),
        "hooks": list(status.hooks),
        "offers": registry.offers(status),
    }


def _offers(registry: Registry, status: PluginStatus) -> str:
    parts = []
    for kind, names in registry.offers(status).items():
        shown = ", ".join(names[:4]) + (f", … ({len(names)})" if len(names) > 4 else "")
        parts.append(f"{kind}: {shown}")
    return "; ".join(parts)
