"""What two contestants differ in besides the model: settings, data, weights, environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from glueharness_leaderboard.ranking.settings import (
    differing,
    environment_of,
    settings_of_run,
    system_of,
    weights_of,
)
from glueharness_leaderboard.tables.texts import NOTHING, plain, value_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueharness.record.record import RunRecord
    from glueharness_leaderboard.compare.contestants import Contestant


class Fact(NamedTuple):
    """Something that is not the same for all contestants.

    Attributes:
        kind: ``setting``, ``data``, ``weights``, ``system`` or ``environment``.
        name: What it is.
        values: Its value for each contestant, in words.
    """

    kind: str
    name: str
    values: tuple[str, ...]


def what_differs(contestants: Sequence[Contestant]) -> list[Fact]:
    """The facts that differ.

    A setting that only one model has is no difference; of the rest, what a contestant does not
    tell is a dash.
    """
    firsts = [each.runs[0] for each in contestants]
    settings = [settings_of_run(run) for run in firsts]
    shared = [name for name in differing(firsts) if all(name in found for found in settings)]
    facts = [
        Fact("setting", name, tuple(value_text(found[name]) for found in settings))
        for name in shared
    ]
    facts += _of(contestants, "weights", lambda run: {"weights": weights_of(run)[:16]})
    facts += _of(contestants, "data", _data)
    settings_shown = {fact.name for fact in facts}
    facts += [
        fact for fact in _of(contestants, "system", system_of) if fact.name not in settings_shown
    ]
    return facts + _of(contestants, "environment", environment_of)


def _data(run: RunRecord) -> dict[str, str]:
    found = {
        "source": run.data.source,
        "revision": run.data.revision,
        "marks": ", ".join(run.marks),
    }
    for name, split in run.data.splits.items():
        if split.role == "train":
            found[name] = f"{split.rows:,} rows, {split.fingerprint}"
    return found


def _of(
    contestants: Sequence[Contestant], kind: str, facts_of: Callable[[RunRecord], dict[str, str]]
) -> list[Fact]:
    """Facts of one kind that differ; of several runs of a contestant all values are shown."""
    found = [[facts_of(run) for run in each.runs] for each in contestants]
    names = dict.fromkeys(name for runs in found for facts in runs for name in facts)
    result = []
    for name in names:
        values = tuple(
            ", ".join(dict.fromkeys(plain(facts.get(name, "")) or NOTHING for facts in runs))
            for runs in found
        )
        if len(set(values)) > 1:
            result.append(Fact(kind, name, values))
    return result
