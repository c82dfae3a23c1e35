"""``run`` in processes that torchrun or accelerate launch started with the same command."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from glueharness.cli.app import App
from glueharness.errors import ConfigError, UnknownNameError
from glueharness.run.config import read_toml
from glueharness.run.elsewhere import Where
from glueharness.settings.fields import settings_of
from glueharness.settings.run_options import RunOptions
from glueharness.system.launcher import launch_from_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import click

    from glueharness.plugin.registry import Registry
    from glueharness.specs import ModelSpec
    from glueharness.system.launcher import Launch

_DEVICES = "devices"


@contextmanager
def together(ctx: click.Context) -> Iterator[bool]:
    """A region in which the model that a command names trains in all processes.

    The command's ``--devices`` is then how many there are.

    Returns:
        Whether this process is the one that does the runs. Any other has helped it by then.

    Raises:
        ConfigError: They cannot do the command together. It is told by the first process alone,
            if there is one.
    """
    launch = launch_from_environment()
    if launch is None:
        yield True
        return
    model = _model(ctx.params, App.of(ctx).registry)
    objection = _objection(ctx.params, model, launch)
    if objection is not None or model is None or model.together is None:
        if objection is not None and (launch.first or not launch.by_launcher):
            raise objection
        yield launch.first
        return
    ctx.params[_DEVICES] = str(launch.size)
    with model.together() as first:
        yield first


def _objection(
    params: Mapping[str, Any], model: ModelSpec | None, launch: Launch
) -> ConfigError | None:
    """Why several processes cannot do a command together; None if they can."""
    started = f"{launch.size} processes were started for this command (WORLD_SIZE)"
    if model is None:
        return None  # the command says that there is no such model
    if model.together is None:
        return ConfigError(
            f"{started}, and {model.name} does not train in several",
            remedy="Start it once, without torchrun or accelerate launch; if it was: unset "
            "WORLD_SIZE RANK",
        )
    asked = params.get(_DEVICES)
    if asked not in {None, str(launch.size)}:
        return ConfigError(
            f"--devices {asked}: {started}",
            remedy="Leave --devices out, or start as many processes.",
        )
    if not Where.parse(params["executor"], params["jobs"]).here:
        return ConfigError(
            f"{started}, which do one run after another: --executor and --jobs do not go with that",
            remedy="Start the command once, with --devices beside them.",
        )
    return None


def _model(params: Mapping[str, Any], registry: Registry) -> ModelSpec | None:
    """The model of a command; None if there is none of that name."""
    name = params.get("model")
    if name is None and params.get("config") is not None:
        name = read_toml(params["config"]).values.get("model")
    if name is None:
        name = next(item.default for item in settings_of(RunOptions) if item.name == "model")
    try:
        return registry.model(str(name)).spec
    except UnknownNameError:
        return None
