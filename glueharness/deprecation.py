"""How something public goes: first it warns, one minor version later at the earliest it goes.

A function or class says so with :func:`deprecated`. A name of a module says so from the module's
``__getattr__``::

    _GOING = {"OldName": Going("NewName", since="1.1", gone_in="2.0")}
    __getattr__ = moved(__name__, globals(), _GOING)

Both give a ``DeprecationWarning`` that names the replacement, at the place that uses the old name.
What goes, and when, stands in the changelog and under "Stability" in ``docs/plugins.md``.
"""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Going:
    """Something public that goes.

    Attributes:
        instead: What to use; a name in the same module, or a sentence if there is none.
        since: API version that warns first.
        gone_in: API version that no longer has it.
    """

    instead: str
    since: str
    gone_in: str

    def sentence(self, name: str) -> str:
        """The warning for the thing called ``name``."""
        return (
            f"{name} is deprecated since API {self.since} and goes in API {self.gone_in}; "
            f"use {self.instead}"
        )


def deprecated(
    going: Going,
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """A decorator: each call of the function warns, and then works as before."""

    def decorate(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        @functools.wraps(function)
        def warn_and_call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            sentence = going.sentence(function.__qualname__)
            warnings.warn(sentence, DeprecationWarning, stacklevel=2)
            return function(*args, **kwargs)

        return warn_and_call

    return decorate


def moved(
    module: str, names: Mapping[str, Any], going: Mapping[str, Going]
) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that answers old names with what stands under the new ones.

    Args:
        module: The module's name, for messages.
        names: The module's ``globals()``.
        going: Old name to what becomes of it; ``instead`` is the new name.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807 - it becomes the module's
        if name not in going:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        sentence = going[name].sentence(f"{module}.{name}")
        warnings.warn(sentence, DeprecationWarning, stacklevel=2)
        return names[going[name].instead]

    return __getattr__
