"""Whether what a plugin's hook returned can be used as the spec that it should be."""

from __future__ import annotations

from typing import Any

from glueharness.settings.fields import settings_of
from glueharness.settings.run_options import RESERVED, RunOptions
from glueharness.specs import ModelSpec


def wrong_with(item: Any, kind: type[Any]) -> str:
    """Why a spec cannot be used, in words that follow "returned"; empty if it can."""
    if not isinstance(item, kind):
        return f"a {type(item).__name__} in its list, not a {kind.__name__}"
    if not isinstance(item.name, str) or not item.name.strip():
        return f"a {kind.__name__} whose name is {item.name!r}"
    if not callable(getattr(item, "factory", len)):
        return f"the {kind.__name__} {item.name!r} whose factory cannot be called"
    if isinstance(item, ModelSpec):
        return _wrong_with_settings(item)
    return ""


def _wrong_with_settings(model: ModelSpec) -> str:
    """One model with settings that no option can be made of would take `run` from all others."""
    try:
        names = {item.name for item in settings_of(model.settings)}
    except (TypeError, NameError, AttributeError) as error:
        return f"the model {model.name!r} whose settings cannot be read: {error}"
    taken = sorted(names & (RESERVED | {item.name for item in settings_of(RunOptions)}))
    if taken:
        return (
            f"the model {model.name!r} whose settings have names that `glueharness run` has "
            f"options of its own for: {', '.join(taken)}"
        )
    unknown = sorted(set(model.recipe) - names)
    if unknown:
        return f"the model {model.name!r} whose recipe sets what it lacks: {', '.join(unknown)}"
    return ""
