"""What differs between the environments of two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glueharness.record.record import RunRecord

_FACTS = ("python", "platform", "cpu", "cores")
_NOTES = ("device", "threads")


def environment_differences(first: RunRecord, again: RunRecord) -> dict[str, tuple[str, str]]:
    """Versions, hardware and threads that differ, by name: then and now; empty: not there."""
    then, now = _facts(first), _facts(again)
    return {
        name: (then.get(name, ""), now.get(name, ""))
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    }


def _facts(record: RunRecord) -> dict[str, str]:
    environment, notes = record.environment, record.notes
    found = {name: str(environment[name]) for name in _FACTS if name in environment}
    found |= {name: str(notes[name]) for name in _NOTES if name in notes}
    packages = environment.get("packages")
    if isinstance(packages, dict):
        found |= {str(name): str(version) for name, version in packages.items()}
    return found
