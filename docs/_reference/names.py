"""The public names, each with what its documentation says."""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
from typing import TYPE_CHECKING

import glueharness
from docs._reference.markdown import summary_of, table
from glueharness import api
from glueharness.plugin.api_version import PUBLIC_MODULES

if TYPE_CHECKING:
    from types import ModuleType


def constants_of(module: ModuleType) -> dict[str, str]:
    """The strings that stand behind a module's assignments: the constants' documentation."""
    body = ast.parse(inspect.getsource(module)).body
    found = {}
    for statement, following in itertools.pairwise(body):
        target = (
            statement.targets[0] if isinstance(statement, ast.Assign)
            else statement.target if isinstance(statement, ast.AnnAssign) else None
        )  # fmt: skip
        if (
            isinstance(target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
        ):
            found[target.id] = str(following.value.value)
    return found


def public_summaries() -> dict[str, str]:
    """What each public name is, in a sentence; empty where nothing says so."""
    constants: dict[str, str] = {"__version__": "The version of glueharness."}
    for name, module in list(sys.modules.items()):
        if name.startswith("glueharness.") and getattr(module, "__file__", None):
            for constant, text in constants_of(module).items():
                constants.setdefault(constant, text)
    # The package of that name is called in the function's place.
    constants["run"] = api.run.__doc__ or ""
    constants["hookimpl"] = "The decorator that marks a plugin's function as a hook."
    found = {}
    for name in glueharness.__all__:
        value = getattr(glueharness, name)
        documented = inspect.isclass(value) or inspect.isfunction(value)
        found[name] = summary_of(value.__doc__ if documented else constants.get(name))
    return found


def names_section() -> str:
    """The public names."""
    rows = [[f"`{name}`", text] for name, text in public_summaries().items()]
    text = f"What `import glueharness` offers, API {glueharness.API_VERSION}."
    modules = [[f"`{name}`", what] for name, what in PUBLIC_MODULES.items()]
    return "\n".join(
        [
            "## Public modules", "", table(["module", "what is in it"], modules), "",
            "## Public names", "", text, "", table(["name", "what it is"], rows), "",
        ]
    )  # fmt: skip
