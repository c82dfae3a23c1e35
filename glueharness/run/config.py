"""``RunConfig``: what a run has to do, put together from its layers of settings."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError
from glueharness.settings.fields import RECIPE_OF, Layer, Resolved, settings_of
from glueharness.settings.run_options import RunOptions
from glueharness.settings.values import resolve
from glueharness.system.user_files import read_within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness.plugin.registry import Registry
    from glueharness.record.record import ParentRecord, RunRecord

COMMAND_LINE = "command line"
GRID = "grid"
"""The table of a TOML file that says which values of a setting to try."""
_LARGEST_FILE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """A run, fully resolved.

    Attributes:
        task: Task name.
        options: The settings of every run.
        settings: The model's settings, an instance of its settings class.
        origins: Setting name to the place its value came from, options and settings together.
        resume: Run that must be resumed: its id, or ``latest`` for the newest unfinished
            one with these settings. Empty: that one if there is one, else a new run.
        rerun: Begin a new run, whatever is unfinished or complete.
        parent: The run whose encoder it starts from; None: the pretrained one.
        reproduces: The run that it reproduces; None for a run of its own right.
    """

    task: str
    options: RunOptions
    settings: Any
    origins: Mapping[str, str] = field(default_factory=dict)
    resume: str = ""
    rerun: bool = False
    parent: ParentRecord | None = None
    reproduces: RunRecord | None = None


def read_toml(path: Path) -> Layer:
    """The settings of a TOML file, as a layer; its table ``grid`` is left out.

    Raises:
        ConfigError: The file cannot be read, or is not flat TOML.
    """
    values = _parse_toml(path)
    values.pop(GRID, None)
    for name, value in values.items():
        if isinstance(value, dict | list):
            raise ConfigError(
                f"{name!r} is a {'table' if isinstance(value, dict) else 'list'}",
                where=str(path),
                remedy="Settings are plain `name = value` lines, named as the options are; values "
                f"to try belong into the table [{GRID}].",
            )
    return Layer(
        origin=str(path), values={name.replace("-", "_"): value for name, value in values.items()}
    )


def read_toml_grid(path: Path) -> dict[str, Any]:
    """The table ``grid`` of a TOML file: setting name to what to try; empty if there is none.

    Raises:
        ConfigError: The file cannot be read, or ``grid`` is no table.
    """
    found = _parse_toml(path).get(GRID, {})
    if not isinstance(found, dict):
        raise ConfigError(
            f"{GRID!r} is no table",
            where=str(path),
            remedy=f"Write [{GRID}] on a line, and below it: learning_rate = [1e-5, 3e-5]",
        )
    return {name.replace("-", "_"): value for name, value in found.items()}


def _parse_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_within(path, _LARGEST_FILE).decode("utf-8-sig"))
    except OSError as error:
        what = f"cannot read the settings: {error.strerror or error}"
        raise ConfigError(what, where=str(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError("the settings are not in UTF-8", where=str(path)) from error
    # Besides its own error: names of thousands of parts, numbers of thousands of digits.
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"not valid TOML: {error}", where=str(path)) from error


def build_config(
    task: str, layers: list[Layer], registry: Registry, *, resume: str = "", rerun: bool = False
) -> RunConfig:
    """Resolve layers (strongest first) into a config; the model's recipe comes after them.

    Raises:
        ConfigError: A setting is unknown, malformed or out of range.
        UnknownNameError: No such task or model.
    """
    registry.task(task)
    shared = {item.name for item in settings_of(RunOptions)}
    options = resolve(RunOptions, [_only(layer, shared) for layer in layers], owner="run")
    model = registry.model(options.settings.model).spec
    specific = [_without(layer, shared) for layer in layers]
    recipe = Layer(origin=f"{RECIPE_OF}{model.name}", values=model.recipe)
    resolved: Resolved = resolve(model.settings, [*specific, recipe], owner=f"model {model.name!r}")
    for settings in (options.settings, resolved.settings):
        _check_letters(settings)
    return RunConfig(
        task=task,
        options=options.settings,
        settings=resolved.settings,
        origins={**options.origins, **resolved.origins},
        resume=resume,
        rerun=rerun,
    )


def _check_letters(settings: Any) -> None:
    """Refuse a path that the libraries could not save to, before anything is trained.

    Raises:
        ConfigError: A path or name has bytes that are no letters here.
    """
    for item in settings_of(type(settings)):
        value = getattr(settings, item.name)
        # We read data ourselves, by whatever bytes their path is made of.
        if item.name == "data_dir" or not isinstance(value, str | Path):
            continue
        try:
            str(value).encode("utf-8")
        except UnicodeEncodeError as error:
            raise ConfigError(
                f"{item.name} has bytes that are no UTF-8, which the libraries that load and save "
                "models need",
                where=str(value),
                remedy="Rename it; or, if it shows well elsewhere, set PYTHONUTF8=1.",
            ) from error


def _only(layer: Layer, names: set[str]) -> Layer:
    return Layer(origin=layer.origin, values={k: v for k, v in layer.values.items() if k in names})


def _without(layer: Layer, names: set[str]) -> Layer:
    return Layer(
        origin=layer.origin, values={k: v for k, v in layer.values.items() if k not in names}
    )
