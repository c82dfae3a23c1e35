"""A comparison as tables, for every form that is read by people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from glueharness_leaderboard.compare.numbers import p_text, signed, signed_interval
from glueharness_leaderboard.compare.verdict import MOST_PAIRS
from glueharness_leaderboard.compare.what_differs import what_differs
from glueharness_leaderboard.ranking.short_paths import short_paths
from glueharness_leaderboard.tables.columns import without_shared_words
from glueharness_leaderboard.tables.heading import heading, notes
from glueharness_leaderboard.tables.sheet import Column, Sheet
from glueharness_leaderboard.tables.texts import interval_text, plain, score_text

if TYPE_CHECKING:
    from glueharness_leaderboard.compare.verdict import Findings
    from glueharness_leaderboard.evidence.quantity import Quantity


def sheets_of(findings: Findings) -> list[Sheet]:
    """Who is compared, by how much they differ and where, and what it means."""
    section = findings.section
    sheets = [Sheet(title=heading(section), notes=notes(section), columns=_contestants(findings))]
    if len(findings.pairs) <= MOST_PAIRS:
        sheets.append(Sheet(title="Differences, in points", columns=_differences(findings)))
    for title, columns in (
        ("Rows, by who is right", _agreements(findings)),
        ("What differs", _facts(findings)),
    ):
        if columns:
            sheets.append(Sheet(title=title, columns=columns))
    sheets[-1] = replace(sheets[-1], answers=findings.summary(), footnotes=findings.remarks())
    return sheets


def _contestants(findings: Findings) -> list[Column]:
    rows = findings.section.rows
    models = [plain(each.model) for each in findings.contestants]
    quantity = findings.section.quantity
    title = findings.title(quantity.metric)
    if not quantity.metric or not quantity.split:
        title = f"{title}\nmean"
    scores = [score_text(row.value, row.deviation()) for row in rows]
    seeds = [", ".join(map(str, row.seeds)) for row in rows]
    runs = [
        ", ".join(plain(findings.names.get(run.id, run.id)) for run in each.runs)
        for each in findings.contestants
    ]
    labels = [each.label for each in findings.contestants]
    return [
        Column(name="label", heading="", cells=labels),
        *_ranks(findings),
        Column(
            name="model", heading="model", cells=models, narrow=short_paths(models), flexible=True
        ),
        Column(name="score", heading=title, cells=scores, right=True),
        Column(
            name="95 % interval",
            heading="95 % interval",
            cells=[interval_text(row.interval) for row in rows],
        ),
        Column(name="seed", heading="seed", cells=seeds, flexible=True),
        Column(name="run", heading="run", cells=runs, flexible=True),
    ]


def _ranks(findings: Findings) -> list[Column]:
    """The ranks that each may have among the others, where all pairs were compared."""
    total = len(findings.contestants)
    if total < 3 or len(findings.pairs) < total * (total - 1) // 2:
        return []
    cells = []
    for place in range(total):
        worse, better, _ = findings.comparison.better_than(place)
        low, high = 1 + len(better), total - len(worse)
        cells.append(str(low) if low == high else f"{low}–{high}")
    return [Column(name="rank", heading="#", cells=cells)]


def _differences(findings: Findings) -> list[Column]:
    lines = [(pair, each) for pair in findings.pairs for each in pair.differences]
    ends = [signed_interval(each) for _, each in lines]
    p_values = [p_text(each.difference.p) for _, each in lines]
    columns = [
        Column(name="pair", heading="pair", cells=[findings.label(pair) for pair, _ in lines]),
        Column(
            name="metric",
            heading="metric",
            cells=[quantity_title(findings, each.quantity) for _, each in lines],
        ),
        Column(
            name="difference",
            heading="difference",
            cells=[signed(each.difference.value, 2) for _, each in lines],
            right=True,
        ),
        Column(name="95 % interval", heading="95 % interval", cells=ends),
        Column(name="p", heading="p", cells=p_values),
    ]
    if any(each.difference.comparisons > 1 for _, each in lines):
        corrected = [p_text(each.difference.p_corrected) for _, each in lines]
        columns.append(Column(name="p corrected", heading="p corrected", cells=corrected))
    tests = [each.tested for _, each in lines]
    return [*columns, Column(name="tested for", heading="tested for", cells=tests, spare=1)]


def _agreements(findings: Findings) -> list[Column]:
    lines = [
        (pair, split, found) for pair in findings.pairs for split, found in pair.agreements.items()
    ]
    if not lines:
        return []
    columns = [
        Column(name="pair", heading="pair", cells=[findings.label(pair) for pair, _, _ in lines])
    ]
    if len({split for _, split, _ in lines}) > 1:
        splits = [plain(split) for _, split, _ in lines]
        columns.append(Column(name="split", heading="split", cells=splits))
    counts = {
        "both": [found.both for _, _, found in lines],
        "only the first": [found.first for _, _, found in lines],
        "only the second": [found.second for _, _, found in lines],
        "neither": [found.neither for _, _, found in lines],
    }
    columns += [
        Column(name=name, heading=name, cells=[f"{value:,}" for value in values], right=True)
        for name, values in counts.items()
    ]
    mid = [p_text(pair.tests[split].mid) for pair, split, _ in lines]
    return [*columns, Column(name="McNemar's p", heading="McNemar's p", cells=mid, spare=1)]


def _facts(findings: Findings) -> list[Column]:
    facts = what_differs(findings.contestants)
    if not facts:
        return []
    names = [fact.name if fact.kind == "setting" else f"{fact.kind}: {fact.name}" for fact in facts]
    names = [
        "weights" if fact.kind == "weights" else name
        for fact, name in zip(facts, names, strict=True)
    ]
    return [
        Column(name="what", heading="", cells=[plain(name) for name in names]),
        *(
            Column(
                name=each.label,
                heading=each.label,
                cells=[fact.values[place] for fact in facts],
                flexible=True,
            )
            for place, each in enumerate(findings.contestants)
        ),
    ]


def quantity_title(findings: Findings, quantity: Quantity) -> str:
    """A quantity in print: metric, and split where there are several."""
    splits = [split.name for split in findings.section.conditions.dev]
    title = findings.title(quantity.metric)
    if not quantity.metric:
        title = f"{title}, mean"
    if len(splits) == 1:
        return title
    labels = {"": "mean", **dict(zip(splits, without_shared_words(splits), strict=True))}
    return f"{title}, {plain(labels[quantity.split])}"
