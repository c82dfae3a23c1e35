"""Which tables a model looks its inputs up in, and how far it reads in each: watched, not guessed.

How many tokens a model takes is the size of its position table less the rows that serve no token,
and how many those are differs between architectures: some count positions from the padding's id
on, one from two. No name in a configuration tells, but the model's own look-ups do.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Lookup:
    """A look-up in a table.

    Attributes:
        table: Which table; the same number for the same one.
        rows: How many rows it has.
        highest: Highest row that was asked for, from 0.
    """

    table: int
    rows: int
    highest: int

    @property
    def outside(self) -> bool:
        """Whether a row was asked for that the table does not have."""
        return self.highest >= self.rows


class _Watch(TorchFunctionMode):
    """Notes every look-up before it is made, so that one that fails is noted too."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Lookup] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        if func is functional.embedding:
            index = args[0] if args else named["input"]
            table = args[1] if len(args) > 1 else named["weight"]
            if index.numel():
                highest = int(index.max())
                self.seen.append(Lookup(table.data_ptr(), table.shape[0], highest))
        return func(*args, **named)


@contextmanager
def watch_lookups() -> Iterator[list[Lookup]]:
    """A region whose look-ups in embedding tables are noted; on a processor only."""
    with torch.no_grad(), _Watch() as watch:
        yield watch.seen


def position_limit(
    short: tuple[int, Sequence[Lookup]], long: tuple[int, Sequence[Lookup]]
) -> int | None:
    """How many tokens a model's position tables hold; None if it has none.

    A table is one of positions if the highest row read grows by one with every token.

    Args:
        short: The tokens of a row, and the look-ups that it led to.
        long: The same of a row that is longer by more than a few tokens, with the same highest
            token id.
    """
    few, many = short[0], long[0]
    before: dict[int, int] = {}
    for lookup in short[1]:
        before[lookup.table] = max(lookup.highest, before.get(lookup.table, 0))
    limits = []
    for lookup in long[1]:
        first = before.get(lookup.table)
        if first is not None and lookup.highest - first == many - few:
            unused = first - (few - 1)
            limits.append(lookup.rows - unused)
    return min(limits, default=None)
