"""A run's learning curve as text, for a terminal of any width and encoding."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.record.record import EpochRecord

_HEIGHT = 9
_WIDEST, _NARROWEST = 72, 36
_BETWEEN = "   "
_BOTH = "&"


@dataclass(frozen=True, slots=True)
class _Line:
    """Values by epoch; None where there is none."""

    mark: str
    name: str
    values: Sequence[float | None]


def learning_curve(history: Sequence[EpochRecord], width: int) -> str:
    """Losses and scores over the epochs, side by side where there is room.

    Args:
        history: The epochs.
        width: Columns of the terminal.

    Returns:
        Lines of plain ASCII; empty for fewer than two epochs, which are no curve.
    """
    if len(history) < 2:
        return ""
    train = _Line("*", "train", [epoch.values.get("loss") for epoch in history])
    dev = _Line(
        "o", "dev", [fmean(epoch.losses.values()) if epoch.losses else None for epoch in history]
    )
    points = _Line("o", "dev", [100 * epoch.primary for epoch in history])
    losses = [line for line in (train, dev) if any(value is not None for value in line.values)]
    epochs = [epoch.epoch for epoch in history]
    drawn = [("loss", losses)] if losses else []
    drawn.append(("points", [points]))
    beside = width >= len(drawn) * 50
    room = (width - len(_BETWEEN) * (len(drawn) - 1)) // len(drawn) if beside else width
    room = max(_NARROWEST, min(_WIDEST, room))
    panels = [_panel(title, lines, epochs, room) for title, lines in drawn]
    if not beside:
        return "\n\n".join("\n".join(panel) for panel in panels)
    rows = zip(*panels, strict=True)
    return "\n".join(_BETWEEN.join(part.ljust(room) for part in row).rstrip() for row in rows)


def _panel(title: str, lines: Sequence[_Line], epochs: Sequence[int], width: int) -> list[str]:
    """One plot: heading, canvas with its scale, axis, epochs."""
    values = [value for line in lines for value in line.values if value is not None]
    low, high = min(values), max(values)
    if high == low:
        low, high = low - 0.5, high + 0.5
    labels = {row: f"{high - (high - low) * row / (_HEIGHT - 1):.4g}" for row in (0, 4, 8)}
    margin = max(map(len, labels.values()))
    columns = width - margin - 3
    canvas = [[" "] * columns for _ in range(_HEIGHT)]
    for line in lines:
        _draw(canvas, line, low, high)
    legend = "   ".join(f"{line.mark} {line.name}" for line in lines)
    if any(_BOTH in cells for cells in canvas):
        legend += f"   {_BOTH} both"
    rows = [
        f"{labels.get(row, ''):>{margin}} |{''.join(cells)}" for row, cells in enumerate(canvas)
    ]
    return [
        f"{'':>{margin}}  {title}: {legend}",
        *rows,
        f"{'':>{margin}} +{'-' * columns}",
        f"{'':>{margin}}  {_axis(epochs, columns)}",
    ]


def _draw(canvas: list[list[str]], line: _Line, low: float, high: float) -> None:
    """Dots from point to point, then the points themselves, which dots must not hide."""
    columns, last = len(canvas[0]), len(line.values) - 1
    points = [
        (round(place * (columns - 1) / last), (high - value) / (high - low) * (_HEIGHT - 1))
        for place, value in enumerate(line.values)
        if value is not None
    ]
    for (left, above), (right, below) in pairwise(points):
        for column in range(left + 1, right):
            row = round(above + (below - above) * (column - left) / (right - left))
            if canvas[row][column] == " ":
                canvas[row][column] = "."
    for column, height in points:
        under = canvas[round(height)][column]
        canvas[round(height)][column] = line.mark if under in {" ", "."} else _BOTH


def _axis(epochs: Sequence[int], columns: int) -> str:
    """The numbers of the epochs below their points, as many as there is room for."""
    text = [" "] * columns
    last = len(epochs) - 1
    for place in (0, last, *range(1, last)):
        name = str(epochs[place])
        start = min(columns - len(name), round(place * (columns - 1) / last))
        before, after = max(0, start - 1), start + len(name) + 1
        if all(sign == " " for sign in text[before:after]):
            text[start : start + len(name)] = name
    return "".join(text).rstrip()
