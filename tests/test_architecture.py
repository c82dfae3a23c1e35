"""The core's floor plan: layers are held by import-linter; here, that nothing goes in a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import glueharness
from tests.installing import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_ENTRIES = 20


def circles(arrows: dict[str, set[str]]) -> list[set[str]]:
    """Sets of names that lead to each other (Tarjan 1972)."""
    found: list[set[str]] = []
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []

    def visit(name: str) -> None:
        number[name] = lowest[name] = len(number)
        stack.append(name)
        for other in arrows.get(name, ()):
            if other not in number:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], number[other])
        if lowest[name] == number[name]:
            members = set()
            while name not in members:
                members.add(stack.pop())
            if len(members) > 1:
                found.append(members)

    for name in arrows:
        if name not in number:
            visit(name)
    return found


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]


def test_no_circle_in_the_core_not_even_between_modules() -> None:
    grimp = pytest.importorskip("grimp", reason="grimp, which comes with import-linter")
    graph = grimp.build_graph("glueharness", cache_dir=None)
    # A package that only gathers what its modules offer is no step on the way of anything.
    modules: Iterable[str] = graph.modules
    arrows = {name: set(graph.find_modules_directly_imported_by(name)) for name in modules}
    assert len(arrows) > 60
    assert circles(arrows) == []


def test_the_top_of_the_core_is_a_table_of_contents() -> None:
    folder = ROOT / "glueharness"
    entries = [path.name for path in folder.iterdir() if not path.name.startswith("__")]
    assert len(entries) <= MOST_ENTRIES, sorted(entries)
    assert glueharness.__doc__
