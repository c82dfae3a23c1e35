"""What a sweep tries: values of settings, from ``--grid``, from a file, or from a preset."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from glueharness.settings.fields import Layer
    from glueharness.specs import PresetSpec

OPTION = "--grid"
_RANGE = re.compile(r"(?P<low>[^.]+(?:\.\d+)?(?:e[+-]?\d+)?)\.\.(?P<high>.+)", re.IGNORECASE)
_SPANS_LOGS = 10


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from which a search chooses.

    Attributes:
        low: The smallest.
        high: The largest.
        whole: Whether only whole numbers are meant.
    """

    low: float
    high: float
    whole: bool

    @property
    def logarithmic(self) -> bool:
        """Whether equal ratios count as equal steps: where it spans a factor of ten or more."""
        return self.low > 0 and self.high / self.low >= _SPANS_LOGS

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.low:g}..{self.high:g}"


Choices = tuple[Any, ...]
Grid = dict[str, "Choices | Range"]


def read_grid(texts: Sequence[str], table: Mapping[str, Any], where: str = "") -> Grid:
    """What ``--grid NAME=VALUES`` and a file's table say; the options win.

    Args:
        texts: The options' values: ``learning_rate=1e-5,3e-5`` or ``learning_rate=1e-5..1e-4``.
        table: Setting name to a list of values, or to a range as text.
        where: The file.

    Raises:
        ConfigError: One has another form, or names no value.
    """
    grid: Grid = {}
    for name, given in table.items():
        if isinstance(given, str) and (found := _range(given)):
            grid[name] = found
        elif (
            isinstance(given, list)
            and given
            and not any(isinstance(value, dict | list) for value in given)
        ):
            grid[name] = tuple(given)
        else:
            raise ConfigError(
                f"the grid of {name!r} is {given!r}",
                where=where,
                remedy=f'Give a list of values, or a range: {name} = [1, 2], {name} = "1..10"',
            )
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
    return grid


def _range(text: str) -> Range | None:
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        return None
    low, high = match["low"], match["high"]
    try:
        bounds = float(low), float(high)
    except ValueError:
        return None
    if not (bounds[0] < bounds[1] and all(map(math.isfinite, bounds))):
        raise ConfigError(f"the range {text} is empty", remedy="Write LOW..HIGH: 1e-5..1e-4")
    return Range(*bounds, whole=low.strip().isdecimal() and high.strip().isdecimal())


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
    """The settings of each point; one point without any if the grid is empty.

    Raises:
        ConfigError: A range has no points.
    """
    values: list[Choices] = []
    for name, choices in grid.items():
        if isinstance(choices, Range):
            raise ConfigError(
                f"{OPTION} {name}={choices} is a range, of which only a search takes values",
                remedy="Say how many settings to try: --search 20; or list the values.",
            )
        values.append(choices)
    for point in itertools.product(*values):
        yield dict(zip(grid, point, strict=True))
