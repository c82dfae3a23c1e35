"""``glueharness plugins disable``, ``enable``, ``trust`` and ``distrust``."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from glueharness.cli.app import App
from glueharness.cli.output import stderr
from glueharness.errors import ConfigError, UnknownNameError
from glueharness.plugin.choice import (
    PROJECT_FOLDER,
    change_stored,
    read_stored,
    with_name,
    without_name,
)


@click.command()
@click.argument("name")
@click.pass_context
def disable(ctx: click.Context, name: str) -> None:
    """Switch a plugin or distribution off."""
    plugins = App.of(ctx).registry.plugins
    known = {*plugins.statuses, *(status.distribution for status in plugins.statuses.values())}
    if name not in known:
        raise UnknownNameError.among("plugin", name, plugins.statuses)
    change_stored(
        lambda stored: dataclasses.replace(stored, disabled=with_name(stored.disabled, name))
    )
    again = f"glueharness plugins enable {name}"
    stderr().print(f"{name} is switched off. To switch it on again: {again}", markup=False)


@click.command()
@click.argument("name")
def enable(name: str) -> None:
    """Switch a plugin or distribution on again."""
    if name not in read_stored().disabled:
        raise UnknownNameError.among("disabled plugin", name, read_stored().disabled)
    change_stored(
        lambda stored: dataclasses.replace(stored, disabled=without_name(stored.disabled, name))
    )
    stderr().print(f"{name} is switched on", markup=False)


@click.command()
@click.argument(
    "folder", default=PROJECT_FOLDER, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
def trust(folder: Path) -> None:
    """Load a project's own plugins from now on.

    The Python files in FOLDER are loaded whenever glueharness runs in the folder above it.

    FOLDER is ./plugins if none is given. Trusting it means running its code, today's and what
    anybody puts there later. So you are asked once, and your own configuration keeps the answer.
    """
    path = folder.resolve()
    if path.name != PROJECT_FOLDER:
        raise ConfigError(
            f"only folders called {PROJECT_FOLDER!r} can be trusted",
            where=str(path),
            remedy=f"For another one: glueharness --plugin {folder} ..., or GLUEHARNESS_PLUGINS.",
        )
    change_stored(
        lambda stored: dataclasses.replace(stored, trusted=with_name(stored.trusted, str(path)))
    )
    stderr().print(f"{path} is trusted; no more: glueharness plugins distrust", markup=False)


@click.command()
@click.argument("folder", default=PROJECT_FOLDER, type=click.Path(path_type=Path))
def distrust(folder: Path) -> None:
    """Stop loading a project's own plugins."""
    path = str(folder.resolve())
    if path not in read_stored().trusted:
        raise UnknownNameError.among("trusted folder", path, read_stored().trusted)
    change_stored(
        lambda stored: dataclasses.replace(stored, trusted=without_name(stored.trusted, path))
    )


CHOICES = (disable, enable, trust, distrust)
