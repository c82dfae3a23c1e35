"""Whether a run would compute what an earlier one has computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness.errors import RunFolderError
from glueharness.record.computation import differences

if TYPE_CHECKING:
    from glueharness.record.record import RunRecord

_SHOWN = 3
_WORDS = {
    "weights": "the weights that it began with are others now",
    "trained": "the model that it scored is another one now",
    "task code": "the task's plugin is another version now",
    "model code": "the model's plugin is another version now",
}


def require_same(first: RunRecord, record: RunRecord) -> None:
    """Refuse to reproduce a run by computing something else.

    Args:
        first: The run that is to be reproduced.
        record: The run that is about to begin.

    Raises:
        RunFolderError: It says in what they differ.
    """
    if first.computation is None or record.computation is None:
        raise refusal(first, "its record, of an older version, does not say what it computed")
    found = [
        f"{_words(name)} ({_short(before)} then, {_short(now)} now)"
        for name, (before, now) in differences(first.computation, record.computation).items()
    ]
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise refusal(first, "; ".join(found[:_SHOWN]) + more)


def refusal(first: RunRecord, why: str, where: str = "", remedy: str = "") -> RunFolderError:
    """The error for a run that cannot be reproduced."""
    return RunFolderError(f"run {first.id} cannot be reproduced: {why}", where=where, remedy=remedy)


def _words(name: str) -> str:
    if name.startswith("data of "):
        return f"the rows of {name.removeprefix('data of ')} are others now"
    return _WORDS.get(name, f"{name} is another one now")


def _short(value: object) -> str:
    return "none" if value in {None, ""} else str(value)
