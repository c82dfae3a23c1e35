"""Pauses of Python's cyclic garbage collector, for work that makes many objects and no cycles."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def without_collection() -> Iterator[None]:
    """A region in which cyclic garbage is not looked for; also a decorator.

    The collector goes over everything that lives whenever much was made, to find what refers to
    itself. Ten thousand records refer to nothing twice, and it takes more time than reading them.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
