"""What the commands share: the registry, made once and only when it is asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from glueharness.config import RunOptions
from glueharness.settings import Layer, convert, settings_of

if TYPE_CHECKING:
    from glueharness.registry import Registry

ENVIRONMENT = {"data_dir": "GLUE_DATA_DIR", "runs_dir": "GLUEHARNESS_RUNS"}
"""Setting name to the environment variable that gives it."""


class App:
    """The state of one invocation; ``ctx.obj`` of every command.

    Args:
        registry: What the plugins offer; None loads those that are installed.

    Attributes:
        debug: Whether errors keep their traceback.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        self.debug = False
        self._registry = registry

    @staticmethod
    def of(ctx: click.Context) -> App:
        """The app of a click context."""
        return ctx.ensure_object(App)

    @property
    def registry(self) -> Registry:
        """What the installed plugins offer; those that failed are reported once, on stderr."""
        if self._registry is None:
            from glueharness.registry import Registry

            self._registry = Registry()
            for status in self._registry.plugins.failed:
                click.echo(f"warning: {status.owner} is not in use: {status.error}", err=True)
        return self._registry


def environment_layer() -> Layer:
    """The settings that environment variables give."""
    values = {name: os.environ.get(variable) for name, variable in ENVIRONMENT.items()}
    return Layer(
        origin="environment", values={name: value for name, value in values.items() if value}
    )


def runs_dir(given: Path | None) -> Path:
    """The folder of runs: the one given, or ``GLUEHARNESS_RUNS``, or the default."""
    if given is not None:
        return given
    item = next(item for item in settings_of(RunOptions) if item.name == "runs_dir")
    value = environment_layer().values.get(item.name, item.default)
    return cast("Path", convert(item, value, ENVIRONMENT["runs_dir"]))


runs_dir_option = click.option(
    "--runs-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the runs [env: GLUEHARNESS_RUNS; default: runs].",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
