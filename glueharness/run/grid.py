"""What a sweep tries: values of settings, from ``--grid``, from a file, or from a preset."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from glueharness.settings.fields import Layer
    from glueharness.specs import PresetSpec

OPTION = "--grid"
_NUMBER = r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_RANGE = re.compile(rf"\s*{_NUMBER}\s*\.\.\s*{_NUMBER}\s*", re.IGNORECASE)


Choices = tuple[Any, ...]
Grid = dict[str, Choices]


def read_grid(texts: Sequence[str], table: Mapping[str, Any], where: str = "") -> Grid:
    """What ``--grid NAME=VALUES`` and a file's table say; the options win.

    Args:
        texts: The options' values: ``learning_rate=1e-5,3e-5``.
        table: Setting name to a list of values.
        where: The file.

    Raises:
        ConfigError: One has another form, or names no value.
    """
    grid: Grid = {}
    for name, given in table.items():
        nested = isinstance(given, list) and any(isinstance(each, dict | list) for each in given)
        if not isinstance(given, list) or not given or nested:
            raise ConfigError(
                f"the grid of {name!r} is {given!r}",
                where=where,
                remedy=f"Give a list of values: {name} = [1, 2]",
            )
        grid[name] = tuple(given)
    named: set[str] = set()
    for text in texts:
        name, sign, values = text.partition("=")
        name = name.strip().lstrip("-").replace("-", "_")
        choices = tuple(value.strip() for value in values.split(",") if value.strip())
        if not (name and sign and choices):
            raise ConfigError(
                f"{OPTION} {text!r} says nothing to try",
                remedy=f"Write {OPTION} NAME=VALUE,VALUE: {OPTION} learning_rate=1e-5,3e-5",
            )
        if name in named:
            raise ConfigError(f"{OPTION} names {name!r} twice", remedy="Give all values at once.")
        if _RANGE.fullmatch(values):
            raise ConfigError(
                f"{OPTION} {text} is a range, and a grid tries every value that is named",
                remedy=f"List the values: {OPTION} {name}=VALUE,VALUE",
            )
        named.add(name)
        grid[name] = choices
    for name, choices in grid.items():
        twice = next((each for each in choices if choices.count(each) > 1), None)
        if twice is not None:
            raise ConfigError(
                f"the grid of {name!r} names {twice!r} twice",
                remedy="Name each value once: every one counts as a setting that was tried.",
            )
    return grid


def with_preset(grid: Grid, preset: PresetSpec | None, layers: Sequence[Layer], task: str) -> Grid:
    """A preset's grid for a task, and beside it that of the user, which wins.

    What the user, or the preset for this task, gives one value is not tried with several: every
    point would be the same.
    """
    if preset is None:
        return dict(grid)
    given = {name for layer in layers for name in layer.values} | preset.fixed(task).keys()
    own = {name: tuple(values) for name, values in preset.grid.items() if name not in given}
    return {**own, **grid}


def remarks_on(preset: PresetSpec, tasks: Sequence[str]) -> list[str]:
    """What the preset is, what of its source no run is, and what it does not say of some tasks."""
    lines = [f"preset {preset.name}: {preset.description}"]
    lines += [f"  not as in its source: {lack}" for lack in preset.lacks]
    of_tasks = {name for settings in preset.tasks.values() for name in settings}
    open_ = sorted(of_tasks - {*preset.settings, *preset.grid})
    for task in dict.fromkeys(tasks):
        missing = [name for name in open_ if name not in preset.tasks.get(task, {})]
        if missing:
            lines.append(f"  it has no {', '.join(missing)} for {task}: they are the model's own")
    return lines


def points_of(grid: Grid) -> Iterator[dict[str, Any]]:
    """The settings of each point; one point without any if the grid is empty."""
    for point in itertools.product(*grid.values()):
        yield dict(zip(grid, point, strict=True))
