"""Extras: what to say where one is not installed."""

from __future__ import annotations

import importlib.util

from glueharness import ConfigError


def require(module: str, extra: str) -> None:
    """Make sure that a library is installed, before any run.

    Raises:
        ConfigError: It is not.
    """
    if importlib.util.find_spec(module) is None:
        raise ConfigError(
            f"the executor {extra!r} needs {module}, which is not installed",
            remedy=f"Install it: pip install 'glueharness[{extra}]'",
        )
