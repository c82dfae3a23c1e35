"""Names of models that are paths, short enough for a sentence or a narrow column."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def short_paths(names: Sequence[str]) -> list[str]:
    """Names with only the last part of a path: ``hf:…/encoder``; as they were if two clash."""
    short = {}
    for name in names:
        family, colon, path = name.rpartition(":")
        last = path.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
        inside = last and last != path.rstrip("/\\")
        short[name] = f"{family}{colon}…/{last}" if inside else name
    return [short[name] for name in names] if len({*short.values()}) == len(short) else [*names]
