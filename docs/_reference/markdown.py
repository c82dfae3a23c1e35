"""Docstrings and dataclasses as Markdown."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType


def attributes_of(docstring: str) -> dict[str, str]:
    """The entries of a docstring's section "Attributes" (or "Args")."""
    found: dict[str, str] = {}
    inside, name = False, ""
    for line in inspect.cleandoc(docstring or "").splitlines():
        if line in {"Attributes:", "Args:"}:
            inside = True
        elif inside and line and not line.startswith(" "):
            inside = False
        elif inside and (match := re.fullmatch(r" {4}(\w+): (.*)", line)):
            name = match[1]
            found[name] = match[2]
        elif inside and name and line.strip():
            found[name] += f" {line.strip()}"
    return found


def summary_of(docstring: str | None) -> str:
    """The first paragraph of a docstring, on one line."""
    paragraph = inspect.cleandoc(docstring or "").split("\n\n")[0]
    return markdown(" ".join(paragraph.split()))


def markdown(text: str) -> str:
    """Double backquotes and roles of docstrings as Markdown; bars escaped for tables."""
    text = re.sub(r":\w+:`~?\.?([^`]+)`", r"`\1`", text.replace("``", "`"))
    return text.replace("|", "\\|")


def table(columns: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def dataclasses_of(module: ModuleType) -> list[type[Any]]:
    """The dataclasses that a module defines."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and dataclasses.is_dataclass(value)
        and value.__module__ == module.__name__
    ]


def fields_table(kind: type[Any]) -> str:
    """A dataclass's fields with their types and meanings."""
    meanings: dict[str, str] = {}
    for each in reversed(kind.__mro__[:-1]):  # inherited fields are documented where they are made
        meanings |= attributes_of(each.__doc__ or "")
    rows = [
        [f"`{field.name}`", f"`{markdown(str(field.type))}`", markdown(meanings[field.name])]
        for field in dataclasses.fields(kind)
        if not field.name.startswith("_")
    ]
    return table(["field", "type", "meaning"], rows)
