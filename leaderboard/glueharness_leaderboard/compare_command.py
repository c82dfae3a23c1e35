"""``glueharness compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from glueharness.cli import complete
from glueharness.cli.app import App, json_option, runs_dir, runs_dir_option
from glueharness.cli.output import print_json, stdout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glueharness.plugin.registry import Registry
    from glueharness_leaderboard.compare.contestants import Contestant
    from glueharness_leaderboard.compare.verdict import Findings


@click.command(name="compare")
@click.argument("run", nargs=-1, required=True, shell_complete=complete.runs)
@click.option(
    "--task",
    default="",
    shell_complete=complete.tasks,
    help="Task of the models, where RUN is a model's name.",
)
@click.option("--against-first", is_flag=True, help="Compare each with the first only.")
@runs_dir_option
@json_option
@click.pass_context
def command(ctx: click.Context, /, run: tuple[str, ...], **given: Any) -> None:
    """Say whether the difference between runs is real, row by row on the same dev data.

    RUN is a run's id or the end of one, several of them joined by commas (seeds of one model),
    or a model's name, which takes all its seeds.

    \b
    glueharness compare 1f3a 77c0                         two runs
    glueharness compare bert-mini bert-tiny --task qnli   models, over their seeds
    glueharness compare 1f3a,90bb,c2d1 77c0,0a1e,55f2     the same, chosen by hand
    """  # noqa: D301 - click's mark against re-wrapping
    from glueharness_leaderboard.compare.contestants import find_contestants

    registry = App.of(ctx).registry
    if given["task"]:
        registry.task(given["task"])
    folder = runs_dir(given["runs_dir"])
    contestants = find_contestants(run, folder, given["task"])
    findings = _findings(contestants, folder, registry, against_first=given["against_first"])
    if given["as_json"]:
        from glueharness_leaderboard.compare.json_document import document

        print_json(document(findings))
    else:
        from glueharness_leaderboard.compare.terminal import print_findings

        print_findings(findings, stdout())


def _findings(
    contestants: Sequence[Contestant], folder: Path, registry: Registry, *, against_first: bool
) -> Findings:
    from glueharness.record.folders import list_runs, short_names
    from glueharness_leaderboard.compare.comparison import compare
    from glueharness_leaderboard.compare.predictions import load_evidence
    from glueharness_leaderboard.compare.row_interval import measured
    from glueharness_leaderboard.compare.verdict import Findings
    from glueharness_leaderboard.ranking.conditions import Conditions
    from glueharness_leaderboard.ranking.sections import Row, Section

    records = [record for each in contestants for record in each.runs]
    conditions = Conditions.of(records[0])
    task = {known.name: known for known in registry.tasks}.get(conditions.task)
    evidence = load_evidence(records, folder, task)
    groups, start = [], 0
    for each in contestants:
        groups.append(range(start, start + len(each.runs)))
        start += len(each.runs)
    rows = tuple(
        Row(runs=each.runs, interval=measured(evidence.of(group)))
        for each, group in zip(contestants, groups, strict=True)
    )
    return Findings(
        section=Section(conditions=conditions, task=task, rows=rows),
        contestants=contestants,
        pairs=compare(evidence, groups, against_first=against_first),
        names=short_names([record.id for record in list_runs(folder)[0]]),
    )
