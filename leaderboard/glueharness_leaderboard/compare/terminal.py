"""A comparison on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness_leaderboard.compare.predictions import MEAN
from glueharness_leaderboard.compare.verdict import p_text, signed, signed_interval
from glueharness_leaderboard.ranking.settings import differing, settings_of_run
from glueharness_leaderboard.tables.columns import Column, heading, notes, without_shared_words
from glueharness_leaderboard.tables.terminal import print_dim, print_heading, print_table
from glueharness_leaderboard.tables.texts import (
    interval_text,
    plain,
    score_text,
    short_paths,
    value_text,
)

if TYPE_CHECKING:
    from rich.console import Console

    from glueharness_leaderboard.compare.comparison import Difference
    from glueharness_leaderboard.compare.verdict import Findings


def print_findings(findings: Findings, console: Console) -> None:
    """Print who is compared, by how much they differ and where, and what it means."""
    print_heading(heading(findings.section), notes(findings.section), console)
    print_table(_contestants(findings), console, instead="--json")
    tables = [
        ("Differences, in points", _differences(findings)),
        ("Rows, by who is right", _agreements(findings)),
        ("Settings that differ", _settings(findings)),
    ]
    for title, columns in tables:
        if columns:
            console.print()
            print_heading(title, [], console)
            print_table(columns, console, instead="--json")
    console.print()
    for pair in findings.pairs:
        console.print(findings.verdict(pair), style="bold", markup=False, highlight=False)
    for line in findings.remarks():
        print_dim(line, console)


def _contestants(findings: Findings) -> list[Column]:
    rows = findings.section.rows
    models = [plain(each.model) for each in findings.contestants]
    metric = findings.section.conditions.metric
    scores = [score_text(row.primary, row.deviation()) for row in rows]
    seeds = [", ".join(map(str, row.seeds)) for row in rows]
    runs = [
        ", ".join(plain(findings.names.get(run.id, run.id)) for run in each.runs)
        for each in findings.contestants
    ]
    labels = [each.label for each in findings.contestants]
    return [
        Column(name="label", heading="", cells=labels),
        Column(
            name="model", heading="model", cells=models, narrow=short_paths(models), flexible=True
        ),
        Column(name=metric, heading=findings.title(metric), cells=scores, right=True),
        Column(
            name="95 % interval",
            heading="95 % interval",
            cells=[interval_text(row.interval) for row in rows],
        ),
        Column(name="seed", heading="seed", cells=seeds, flexible=True),
        Column(name="run", heading="run", cells=runs, flexible=True),
    ]


def _differences(findings: Findings) -> list[Column]:
    lines = [(pair, each) for pair in findings.pairs for each in pair.differences]
    pairs = [findings.label(pair) for pair, _ in lines]
    metrics = [_metric(findings, each) for _, each in lines]
    values = [signed(each.value, 2) for _, each in lines]
    ends = [signed_interval(each) for _, each in lines]
    columns = [
        Column(name="pair", heading="pair", cells=pairs),
        Column(name="metric", heading="metric", cells=metrics),
        Column(name="difference", heading="difference", cells=values, right=True),
        Column(name="95 % interval", heading="95 % interval", cells=ends),
        Column(name="p", heading="p", cells=[p_text(each.p) for _, each in lines]),
    ]
    if len(findings.pairs) > 1:
        corrected = [p_text(each.p_corrected) for _, each in lines]
        columns.append(Column(name="p (Holm)", heading="p (Holm)", cells=corrected))
    tests = [each.test for _, each in lines]
    return [*columns, Column(name="test", heading="test", cells=tests, spare=1)]


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
    return columns + [
        Column(name=name, heading=name, cells=[f"{value:,}" for value in values], right=True)
        for name, values in counts.items()
    ]


def _settings(findings: Findings) -> list[Column]:
    """The settings that all have and that differ; what one model alone has is no difference."""
    found = [settings_of_run(each.runs[0]) for each in findings.contestants]
    varied = differing(each.runs[0] for each in findings.contestants)
    names = [name for name in varied if all(name in settings for settings in found)]
    if not names:
        return []
    return [
        Column(name="setting", heading="setting", cells=[plain(name) for name in names]),
        *(
            Column(
                name=each.label,
                heading=each.label,
                cells=[value_text(settings[name]) for name in names],
            )
            for each, settings in zip(findings.contestants, found, strict=True)
        ),
    ]


def _metric(findings: Findings, difference: Difference) -> str:
    splits = [split.name for split in findings.section.conditions.dev]
    title = findings.title(difference.metric)
    if len(splits) == 1:
        return title
    labels = {MEAN: "mean", **dict(zip(splits, without_shared_words(splits), strict=True))}
    return f"{title}, {plain(labels[difference.split])}"
