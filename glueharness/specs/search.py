"""Searchers: which settings to try next, given how those before them did."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


_DIGITS = 3
"""Significant digits of a number that is chosen: more say nothing, and nobody could read them."""


@dataclass(frozen=True, slots=True)
class SearchRange:
    """Numbers to choose from, both ends included.

    Attributes:
        low: The smallest.
        high: The largest.
        whole: Whether they are whole numbers.
        logarithmic: Whether a factor counts the same everywhere, as for learning rates.
    """

    low: float
    high: float
    whole: bool = False
    logarithmic: bool = False

    def holds(self, value: object) -> bool:
        """Whether a value is one of them."""
        kind = int if self.whole else (int, float)
        return (
            isinstance(value, kind)
            and not isinstance(value, bool)
            and self.low <= value <= self.high
        )

    def rounded(self, value: float) -> float:
        """A number of the range with no more digits than tell it from others: at least three."""
        if self.whole:
            return value
        wide = max(abs(self.low), abs(self.high)) / (self.high - self.low)
        digits = _DIGITS + max(0, math.floor(math.log10(wide)))
        return min(max(float(f"{value:.{digits}g}"), self.low), self.high)

    @property
    def size(self) -> float:
        """How many numbers there are; infinite unless they are whole."""
        return self.high - self.low + 1 if self.whole else float("inf")

    def __str__(self) -> str:
        """As it is written on the command line."""
        ends = (f"{end:.0f}" if self.whole else f"{end:g}" for end in (self.low, self.high))
        return "..".join(ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Settings that are tried.

    Attributes:
        number: 0 for the first.
        point: Setting name to value.
        open: Whether it has yet to be told how they did.
        stopped: Whether they were stopped early.
    """

    number: int
    point: Mapping[str, Any] = field(default_factory=dict)
    open: bool = True
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """What is searched.

    Attributes:
        choices: Setting name to the values to choose from, or to a :class:`SearchRange`.
        file: Where the searcher keeps what it knows; an earlier search of the same left it there.
            Nobody else uses it meanwhile, and it may have been altered: nothing in it is code.
        seed: Seed of its random choices.
    """

    choices: Mapping[str, tuple[Any, ...] | SearchRange]
    file: Path
    seed: int


@runtime_checkable
class Searcher(Protocol):
    """Suggests settings. All methods are called from one thread."""

    def earlier(self) -> Sequence[Trial]:
        """The trials of earlier commands; those are open whose end none of them saw."""

    def ask(self) -> Trial:
        """The next settings to try."""

    def report(self, number: int, epoch: int, score: float) -> bool:
        """Take the dev score of an epoch; returns whether the trial is to be stopped."""

    def tell(self, number: int, score: float | None, *, stopped: bool = False) -> None:
        """Take how a trial ended: its score; None if it counts for nothing, or was ``stopped``.

        A trial whose runs failed is not told of: it stays open, and a later command tries it again.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class SearcherSpec:
    """A way to search for settings: ``run --search N``, or ``--search NAME:N``.

    Attributes:
        name: What it is called.
        description: One sentence.
        factory: Makes the searcher; raise a :class:`glueharness.ConfigError` if its library is
            missing or the file of an earlier search cannot be read.
    """

    name: str
    description: str
    factory: Callable[[SearchSpace], Searcher]
