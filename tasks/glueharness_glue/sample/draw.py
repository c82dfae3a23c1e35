"""Random choices that come out the same on every platform and Python version."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

Item = TypeVar("Item")


class Draw:
    """A seeded stream of choices.

    Everything is derived from ``random.Random.random``, because the standard library guarantees
    the same sequence from it in every version, which it does not for ``choice`` or ``shuffle``.

    Args:
        name: Names the stream; the same name gives the same choices.
    """

    def __init__(self, name: str) -> None:
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        self._random = random.Random(seed)  # noqa: S311 - sentences, not secrets

    def chance(self, probability: float) -> bool:
        """True with the given probability, a fraction in [0, 1]."""
        return self._random.random() < probability

    def below(self, bound: int) -> int:
        """A whole number from 0 to ``bound`` - 1."""
        return int(self._random.random() * bound)

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1)

    def choice(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """The items in random order (Fisher-Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order

    def sample(self, items: Sequence[Item], count: int) -> list[Item]:
        """``count`` different items, in random order."""
        return self.shuffled(items)[:count]
