"""What stands above a table: the task, the rows, and what sets its runs apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from glueharness_leaderboard.tables.texts import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_leaderboard.ranking.conditions import SplitFacts
    from glueharness_leaderboard.ranking.sections import Section

SAMPLE_NOTE = "made-up data: these scores say nothing about the real task"


def heading(section: Section) -> str:
    """Task, version, split and rows in one line: ``QNLI v2 · dev · n = 5,463``."""
    conditions = section.conditions
    name = plain(f"{section.title} {conditions.version}".strip())
    rows = [split.rows for split in conditions.dev]
    splits = " + ".join(plain(split.name) for split in conditions.dev)
    count = " + ".join(f"{row:,}" for row in rows)
    return f"{name} · {splits} · n = {count}" if rows else name


def notes(section: Section) -> list[str]:
    """What sets the section apart, a line for each mark; empty for complete data."""
    conditions = section.conditions
    splits = (*conditions.train, *conditions.dev)
    lines = []
    if "sample" in conditions.marks:
        lines.append(f"SAMPLE · {SAMPLE_NOTE}")
    elif "partial" in conditions.marks:
        lines.append("PARTIAL · " + _shortages(splits, "partial"))
    if "limited" in conditions.marks:
        lines.append("LIMITED · " + _shortages(splits, "limited"))
    if "altered" in conditions.marks:
        lines.append("ALTERED · as many rows as the official data, and not the same ones")
    if "fresh" in conditions.marks:
        lines.append("FRESH · trained from fresh weights, not from the pretrained ones")
    lines += [
        f"{mark.upper()} · the run that it starts from, or whose model it is, is {what}"
        for mark in conditions.marks
        if mark.endswith(" parent") and (what := f"marked {mark.removesuffix(' parent')}")
    ]
    if section.task is None:
        lines.append(f"no installed plugin knows the task {plain(conditions.task)!r}")
    if section.ambiguous:
        prints = ", ".join(f"{split.name} {split.fingerprint}" for split in splits)
        lines.append(f"other rows than the tables like it: {plain(prints)}")
    return lines


def _shortages(splits: Sequence[SplitFacts], kind: Literal["partial", "limited"]) -> str:
    """Which splits are short of how much."""
    verb = "uses" if kind == "limited" else "has"
    short = [split for split in splits if (split.limited if kind == "limited" else split.partial)]
    return ", ".join(
        f"{plain(split.name)} {verb} {split.rows:,} of {split.available:,} rows"
        if kind == "limited"
        else f"{plain(split.name)} {verb} {split.available:,} of {split.expected:,} rows"
        for split in short
    )
