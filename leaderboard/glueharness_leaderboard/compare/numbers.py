"""Differences, intervals and p values as they are printed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from glueharness_leaderboard.statistics.student_t import LEVEL
from glueharness_leaderboard.tables.texts import NOTHING

if TYPE_CHECKING:
    from glueharness_leaderboard.compare.comparison import Compared
    from glueharness_leaderboard.statistics.difference import Difference

_MOST_DIGITS = 8


def signed(fraction: float, digits: int) -> str:
    """A difference in points with its sign: ``+1.3``, ``−0.4``, ``0.0``; a dash for none."""
    if not math.isfinite(fraction):
        return NOTHING
    text = f"{100 * fraction:+.{digits}f}"
    if float(text) == 0:
        return f"{0:.{digits}f}"
    return text.replace("-", "−")


def signed_interval(compared: Compared) -> str:
    """The interval of a difference in points: ``+0.2 … +2.4``."""
    return signed_ends(compared.difference)


def signed_ends(found: Difference) -> str:
    """The same of a difference itself; a dash where there is none."""
    if not math.isfinite(found.value):
        return NOTHING
    # As many digits as show on which side of 0 an end lies, up to four.
    digits = next(
        (count for count in (1, 2, 3) if all(_shows_side(end, count) for end in found.interval)), 4
    )
    low, high = (signed(end, digits) for end in found.interval)
    return f"{low} … {high}"


def _shows_side(fraction: float, digits: int) -> bool:
    return fraction == 0 or float(f"{100 * fraction:.{digits}f}") != 0


def p_text(p: float | None) -> str:
    """A p value: ``0.013``; very small ones as a bound."""
    if p is None or math.isnan(p):
        return NOTHING
    if p < 1e-10:
        return "< 1e-10"
    if p < 0.0001:
        return "< 0.0001"
    digits = 4 if p < 0.001 else 3 if p < 0.1 else 2
    while digits < _MOST_DIGITS and (float(f"{p:.{digits}f}") < LEVEL) != (p < LEVEL):
        digits += 1  # 0.0499 is not 0.050, which would be no verdict
    return f"{p:.{digits}f}"


def p_relation(p: float | None) -> str:
    """A p value behind the letter p: ``= 0.013`` or ``< 0.0001``."""
    text = p_text(p)
    return text if text.startswith("<") else f"= {text}"
