"""Values as a reader sees them: scores, intervals, settings, times, names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness.system.printable import printable

if TYPE_CHECKING:
    from glueharness_leaderboard.ranking.settings import Value
    from glueharness_leaderboard.statistics.intervals import Interval

NOTHING = "–"
"""Stands for a value that is not there."""


def score_text(score: float | None, deviation: float | None = None) -> str:
    """A score in points: ``84.13``, or ``84.13 ± 0.21`` with a standard deviation over seeds."""
    if score is None:
        return NOTHING
    points = f"{100 * score:.2f}"
    return points if deviation is None else f"{points} ± {100 * deviation:.2f}"


def interval_text(interval: Interval | None) -> str:
    """An interval in points: ``83.2 – 85.1``."""
    if interval is None:
        return NOTHING
    return f"{100 * interval.low:4.1f} – {100 * interval.high:4.1f}"


def value_text(value: Value) -> str:
    """A setting's value: ``3e-5``, ``32``, ``yes``."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        text = f"{value:.0e}" if 0 < abs(value) < 0.001 and float(f"{value:.0e}") == value else ""
        return (text or f"{value:g}").replace("e-0", "e-")
    return plain(str(value))


def duration(seconds: float) -> str:
    """A time span: ``4.2s``, ``45s``, ``12m 03s``, ``1h 02m``."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest}s"
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    return f"{minutes // 60}h {minutes % 60:02d}m"


def plain(text: str) -> str:
    """User text without what could steer a terminal: escape codes, line breaks, bidi marks."""
    return printable(text)
