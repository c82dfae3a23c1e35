"""What a sweep tries: values of settings, from ``--grid``, from a file, or from a preset."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError
from glueharness.specs import SearchRange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from glueharness.settings.fields import Layer
    from glueharness.specs import PresetSpec

OPTION = "--grid"
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?\d+")
_LOGARITHMIC_FROM = 10
"""A range whose upper end is so many times its lower one is searched by factors."""

Choices = tuple[Any, ...]
Grid = dict[str, Choices]
Space = dict[str, Choices | SearchRange]


def read_grid(texts: Sequence[str], table: Mapping[str, Any], where: str = "") -> Grid:
    """What ``--grid NAME=VALUES`` and a file's table say; the options win.

    Args:
        texts: The options' values: ``learning_rate=1e-5,3e-5``.
        table: Setting name to a list of values.
        where: The file.

    Raises:
        ConfigError: One has another form, names no value, or a range.
    """
    return only_values(read_space(texts, table, where))


def only_values(space: Space) -> Grid:
    """A grid, which has no range.

    Raises:
        ConfigError: There is one.
    """
    grid: Grid = {}
    for name, choices in space.items():
        if isinstance(choices, SearchRange):
            raise ConfigError(
                f"{OPTION} {name}={choices} is a range, and a grid tries every value that is named",
                remedy=f"List the values: {OPTION} {name}=VALUE,VALUE; or let so many settings of "
                "the range be tried: --search N",
            )
        grid[name] = choices
    return grid


def is_range(value: object) -> bool:
    """Whether it is a text that names a range."""
    return isinstance(value, str) and _RANGE.fullmatch(value) is not None


def read_space(texts: Sequence[str], table: Mapping[str, Any], where: str = "") -> Space:
    """As :func:`read_grid`, and ranges too: ``learning_rate=1e-5..1e-4``.

    Raises:
        ConfigError: One has another form, or names no value.
    """
    grid: Space = {}
    for name, given in table.items():
        found = _range(given, where) if isinstance(given, str) else None
        if found is not None:
            grid[name] = found
            continue
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
        named.add(name)
        grid[name] = _range(values) or choices
    for name, given in grid.items():
        if isinstance(given, SearchRange):
            continue
        twice = next((each for each in given if given.count(each) > 1), None)
        if twice is not None:
            raise ConfigError(
                f"the grid of {name!r} names {twice!r} twice",
                remedy="Name each value once: every one counts as a setting that was tried.",
            )
    return grid


def _range(text: str, where: str = "") -> SearchRange | None:
    """A range; None if it is none.

    Raises:
        ConfigError: Its lower end is not below its upper one.
    """
    found = _RANGE.fullmatch(text)
    if found is None:
        return None
    ends = found.groups()
    low, high = map(float, ends)
    if not low < high < float("inf"):
        raise ConfigError(
            f"the range {text.strip()} begins at {ends[0]} and ends at {ends[1]}",
            where=where,
            remedy="The lower end comes first: 1e-5..1e-4",
        )
    whole = all(map(_WHOLE.fullmatch, ends))
    return SearchRange(low, high, whole, low > 0 and high / low >= _LOGARITHMIC_FROM)


def with_preset(grid: Grid, preset: PresetSpec | None, layers: Sequence[Layer], task: str) -> Grid:
    """A preset's grid for a task, and beside it that of the user, which wins.

    What the user, or the preset for this task, gives one value is not tried with several: every
    point would be the same.
    """
    return {**preset_grid(preset, layers, task), **grid} if preset is not None else dict(grid)


def preset_grid(preset: PresetSpec, layers: Sequence[Layer], task: str) -> Grid:
    """A preset's grid for a task, without what has one value."""
    given = {name for layer in layers for name in layer.values} | preset.fixed(task).keys()
    return {name: tuple(values) for name, values in preset.grid.items() if name not in given}


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
