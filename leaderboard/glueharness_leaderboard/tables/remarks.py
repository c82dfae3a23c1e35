"""What a careful reader of a table should know, too: marks of rows, and lines below the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_leaderboard.ranking.rows import Row
    from glueharness_leaderboard.ranking.sections import By, Section

_REFUSED, _EVALUATED, _BORROWED, _OWN, _AGREE, _CONSTANT = (
    "not confirmed",
    "evaluated",
    "seed spread borrowed",
    "seeds spread more",
    "seeds agree",
    "constant",
)
_SETTINGS = "settings"
_EXPLAINED = {
    _REFUSED: "its predictions do not give that score, or cannot be read; `glueharness runs "
    "verify` says more",
    _SETTINGS: "the best row of its model was picked on these same rows, which flatters it",
    _EVALUATED: "it was trained already and only scored; what it learnt from is not compared",
    _BORROWED: "it has one run; how much seeds spread is taken from the other models",
    _OWN: "its seeds spread clearly more than those of the others, and count as they are",
    _AGREE: "all its seeds say the same for every row",
    _CONSTANT: "it says the same for every row",
}

_MUCH = 2.0
"""Ratio of spreads over seeds from which it is told."""


def shared_epochs(rows: Sequence[Row]) -> int:
    """Of how many epochs the best one was picked, if in all rows alike; 1 otherwise."""
    found = {row.epochs_tried for row in rows}
    return found.pop() if len(found) == 1 else 1


def marks_of(row: Row, shared: int = 1) -> list[str]:
    """What sets a row apart.

    Args:
        row: The row.
        shared: Epochs that all rows of the table picked from; told below the table instead.
    """
    marks = [_REFUSED] if row.refused else []
    marks += [_EVALUATED] if row.runs[0].kind == "evaluation" else []
    picked = {
        "seeds": row.siblings,
        _SETTINGS: row.settings_tried,
        "epochs": 1 if row.epochs_tried == shared else row.epochs_tried,
    }
    marks += [f"best of {count} {what}" for what, count in picked.items() if count > 1]
    if row.undefined and len(row.runs) > 1:
        marks.append(f"{row.undefined} of {len(row.runs)} seeds undefined")
    standing = row.standing
    if standing is not None:
        count = len(row.runs)
        if standing.constant:
            which = "" if standing.constant == count else f"{standing.constant} of {count} seeds "
            marks.append(f"{which}{_CONSTANT}")
        if standing.seeds == "borrowed":
            marks.append(_BORROWED)
        elif standing.seeds == "own":
            marks.append(_OWN)
        elif standing.seeds == "none" and not standing.constant:
            marks.append(_AGREE)
    if row.mixed:
        marks.append("mixed environments")
    return marks


def marks_explained(rows: Sequence[Row]) -> list[str]:
    """What those marks mean that need it, a line for each that a row has."""
    found = [mark for row in rows for mark in marks_of(row)]
    return [
        f"{mark}: {meaning}."
        for mark, meaning in _EXPLAINED.items()
        if any(each.endswith(mark) for each in found)
    ]


def remarks(section: Section, by: By) -> list[str]:
    """Lines below a table."""
    return [
        *_on_epochs(section.rows),
        *_on_luck(section),
        *_on_seeds(section, by),
        *_on_metrics(section),
        *_on_environments(section.rows),
        *_on_missing(section),
    ]


def _on_epochs(rows: Sequence[Row]) -> list[str]:
    shared = shared_epochs(rows)
    known = [
        row.standing.optimism
        for row in rows
        if row.standing is not None and row.standing.optimism is not None
    ]
    if shared < 2 and not known:
        return []
    how = f"about {100 * max(known):.1f} points too high if all are equal" if known else ""
    if shared > 1:
        line = f"Each score is that of the best of {shared} epochs, picked on these same rows"
        return [f"{line}: {how}." if how else f"{line}."]
    return [f"Where the best of several epochs was picked on these same rows, its score is {how}."]


def _on_luck(section: Section) -> list[str]:
    standings = section.standings
    if standings is None or standings.luck < 0.0005:
        return []
    tied = sum(row.standing is not None and row.standing.may_be_best for row in section.rows)
    points = f"{100 * standings.luck:.1f} points"
    return [
        f"The first of {tied} that may be the best is lucky by about {points} if all are equal."
    ]


def _on_seeds(section: Section, by: By) -> list[str]:
    standings = section.standings
    if standings is None or by == "run":
        return []
    if standings.pool_degrees == 0:
        if all(row.standing is None or row.standing.seeds == "none" for row in section.rows):
            return []
        several = any(len(row.runs) > 1 for row in section.rows)
        why = "No seeds differ" if several else "Nobody has a second seed"
        return [f"{why}: ranks and intervals allow for the choice of rows only."]
    if standings.spread_ratio > _MUCH:
        return [
            (
                f"Seeds of one model spread {standings.spread_ratio:.1f} times as much as all "
                "together; with few seeds its comparisons are unsure."
            )
        ]
    return []


def _on_metrics(section: Section) -> list[str]:
    """Whether the first row by the mean is another one by a single metric."""
    rows = [row for row in section.rows if row.value is not None]
    if len(section.counted) < 2 or len(rows) < 2:
        return []
    titles = {spec.name: spec.title for spec in section.task.metrics} if section.task else {}
    found = []
    for metric in section.counted:
        for split in section.conditions.dev:
            scored = [row for row in rows if row.score(split.name, metric) is not None]
            first = max(scored, key=lambda row: row.score(split.name, metric) or 0.0, default=None)
            if first is not None and first is not rows[0]:
                found.append(f"by {titles.get(metric, metric)} alone {first.model} is first")
    return [f"The metrics disagree: {'; '.join(found)}."] if found else []


def _on_environments(rows: Sequence[Row]) -> list[str]:
    mixed = list(dict.fromkeys(fact for row in rows for fact in row.mixed))
    return [f"Mixed environments: {'; '.join(mixed)}."] if mixed else []


def _on_missing(section: Section) -> list[str]:
    standings = section.standings
    if standings is None:
        return []
    lines = []
    scored = [row for row in section.rows if row.value is not None]
    untested = sum(row.standing is None for row in scored) - standings.left_out
    if 0 < untested < len(scored):
        lines.append(
            f"{untested} without predictions that can be used: no rank, and the ranks of the "
            "others are wider for it."
        )
    if standings.left_out:
        lines.append(f"The {standings.left_out} rows at the end were not tested.")
    return lines
