"""Names of models that are paths, short enough for a sentence or a narrow column."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def full_name(given: str, names: Iterable[str]) -> str:
    """The name that is meant: itself, as a table prints it short, or the last part of its path.

    Args:
        given: What a user typed.
        names: The names that there are.

    Returns:
        One of ``names``; what was given if it is one of them, or means none or several.
    """
    known = {*names}
    meant = {name for name in known if given and given in {short_path(name), _last_part(name)}}
    return given if given in known or len(meant) != 1 else meant.pop()


def short_paths(names: Sequence[str]) -> list[str]:
    """Names with only the last part of a path: ``hf:…/encoder``; as they were if two clash."""
    short = {name: short_path(name) for name in names}
    return [short[name] for name in names] if len({*short.values()}) == len(short) else [*names]


def short_path(name: str) -> str:
    """The name with only the last part of its path, if it is one."""
    last = _last_part(name)
    family, colon, _ = name.rpartition(":")
    return f"{family}{colon}…/{last}" if last else name


def _last_part(name: str) -> str:
    """Of a name that is a path its last part; empty for any other."""
    path = name.rpartition(":")[2].rstrip("/\\")
    last = path.replace("\\", "/").rpartition("/")[2]
    return last if last != path else ""
