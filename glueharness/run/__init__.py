"""Runs: one run, many runs, and what they need.

The package can be called, too: ``from glueharness import run`` gives it, and ``run("qnli")`` is
:func:`glueharness.api.run`. A function could not have the name: Python puts a package's module in
the place of whatever has its name as soon as the module is imported.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A package that is called like the function of the same name."""

    def __call__(self, *tasks: str, **settings: Any) -> Any:
        """Train a model on tasks; see :func:`glueharness.api.run`."""
        return importlib.import_module("glueharness.api").run(*tasks, **settings)


# As "Customizing module attribute access" of Python's reference has it.
sys.modules[__name__].__class__ = _Callable
