"""``glueharness compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from glueharness.cli import complete
from glueharness.cli.app import App, json_option, runs_dirs_option, runs_store, warn_of_index
from glueharness_leaderboard.tables.formats import Result, chosen_format, deliver, format_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.record.store import RunStore
    from glueharness.specs import TaskSpec
    from glueharness_leaderboard.compare.contestants import Contestant
    from glueharness_leaderboard.compare.verdict import Findings
    from glueharness_leaderboard.evidence.measuring import Contest
    from glueharness_leaderboard.evidence.quantity import Quantity
    from glueharness_leaderboard.evidence.stored_predictions import OneSplit
    from glueharness_leaderboard.statistics.measurement import SeedSample

_FEWEST_RUNS = 1_000
"""Runs from which on the pool is looked up by the state of the whole store."""


@click.command(name="compare")
@click.argument("run", nargs=-1, required=True, shell_complete=complete.runs)
@click.option(
    "--task",
    default="",
    shell_complete=complete.tasks,
    help="Task of the models, where RUN is a model's name.",
)
@click.option("--against-first", is_flag=True, help="Compare each with the first only.")
@click.option(
    "--rows", is_flag=True, help="List the rows on which they differ: texts, labels, scores."
)
@click.option("--tsv", "as_tsv", is_flag=True, help="Print TSV.")
@format_options
@runs_dirs_option
@json_option
@click.pass_context
def command(ctx: click.Context, /, run: tuple[str, ...], **given: Any) -> None:
    """Say whether the difference between models or runs is real, on the same dev rows.

    RUN is a model's name, which takes all its seeds (of a path the last part is enough); or a run's
    id or the end of one, several of them joined by commas (seeds of one model).

    \b
    glueharness compare bert-mini bert-tiny --task qnli   models, over their seeds
    glueharness compare 1f3a 77c0                         two runs
    glueharness compare 1f3a,90bb,c2d1 77c0,0a1e,55f2     seeds chosen by hand
    glueharness compare 1f3a 77c0 --rows --tsv            where they differ, row by row
    """  # noqa: D301 - click's mark against re-wrapping
    from glueharness_leaderboard.compare.contestants import find_contestants

    form = chosen_format(
        "tsv" if given["as_tsv"] else given["format"], given["output"], as_json=given["as_json"]
    )
    registry = App.of(ctx).registry
    store = runs_store(given["runs_dir"], ctx)
    if given["task"] and all(record.task != given["task"] for record in store.listed()):
        registry.task(given["task"])
    contestants = find_contestants(run, store, given["task"])
    warn_of_index(store)
    findings = _findings(contestants, store, registry, against_first=given["against_first"])
    if given["rows"]:
        brief = form == "rich" and given["output"] is None
        result = _rows(findings, store, registry, brief=brief)
    else:
        result = _verdicts(findings)
    deliver(result, form, given["output"])


def _verdicts(findings: Findings) -> Result:
    from glueharness_leaderboard.compare.json_document import document, flat
    from glueharness_leaderboard.compare.sheets import sheets_of

    return Result(
        sheets=sheets_of(findings),
        legends=[],
        flat=lambda: flat(findings),
        document=lambda: document(findings),
    )


def _rows(findings: Findings, store: RunStore, registry: Registry, *, brief: bool) -> Result:
    from glueharness.cli.output import stderr
    from glueharness_leaderboard.compare.rows import differing_rows
    from glueharness_leaderboard.compare.rows_export import (
        SHOWN,
        rows_document,
        rows_flat,
        rows_sheet,
    )
    from glueharness_leaderboard.compare.texts import texts_of

    texts, problem = texts_of(findings.contestants[0].runs[0], registry)
    if problem:
        stderr().print(f"warning: no texts: {problem}", style="yellow", soft_wrap=True)
    rows = differing_rows(findings, store, texts)
    return Result(
        sheets=[rows_sheet(findings, rows, SHOWN if brief else None)],
        legends=["The number behind an answer: score of the true label less the best other one."]
        if findings.section.task and not findings.section.task.regression
        else [],
        flat=lambda: rows_flat(findings, rows),
        document=lambda: rows_document(findings, rows),
    )


def _findings(
    contestants: Sequence[Contestant], store: RunStore, registry: Registry, *, against_first: bool
) -> Findings:
    from glueharness_leaderboard.compare.comparison import compare
    from glueharness_leaderboard.compare.verdict import Findings
    from glueharness_leaderboard.evidence.measuring import Contest, measure
    from glueharness_leaderboard.evidence.predictions import check_same_rows
    from glueharness_leaderboard.evidence.quantity import counted_metrics
    from glueharness_leaderboard.ranking.conditions import Conditions
    from glueharness_leaderboard.ranking.rows import Row
    from glueharness_leaderboard.ranking.sections import Section
    from glueharness_leaderboard.statistics.intervals import Interval

    check_same_rows([run for each in contestants for run in each.runs])
    conditions = Conditions.of(contestants[0].runs[0])
    task = _task(contestants, registry)
    counted = counted_metrics(task, registry.groups) or (conditions.metric,)
    contest = Contest(task=task, counted=counted, store=store, every_metric=True)
    measured, reference = [], None
    for each in contestants:
        found, first = measure(each.runs, contest, reference)
        reference = reference or first
        measured.append(found)
    pool = _pool(contestants, contest, reference or {}, store)
    rows = [Row(runs=each.runs, counted=counted) for each in contestants]
    comparison = compare(
        measured,
        contest,
        pool,
        tried=[row.epochs_tried for row in rows],
        against_first=against_first,
    )
    rows = [
        Row(runs=row.runs, counted=counted, measured=Interval(*interval) if interval else None)
        for row, interval in zip(rows, comparison.intervals, strict=True)
    ]
    return Findings(
        section=Section(conditions=conditions, task=task, rows=tuple(rows), counted=counted),
        contestants=contestants,
        comparison=comparison,
        pooled=max(map(len, pool.values()), default=0),
        names=store.short_names(),
    )


def _task(contestants: Sequence[Contestant], registry: Registry) -> TaskSpec | None:
    """The task, installed or as one of the runs keeps it; None if nobody knows it."""
    from glueharness.run.recorded_task import task_of

    runs = [run for each in contestants for run in each.runs]
    return next((task for run in runs if (task := task_of(run, registry)) is not None), None)


def _pool(
    contestants: Sequence[Contestant],
    contest: Contest,
    reference: Mapping[str, OneSplit],
    store: RunStore,
) -> dict[Quantity, list[SeedSample]]:
    """What the seeds of other models on the same rows say; from the cache if nothing has changed.

    To find the others among ten thousand runs takes longer than all the rest.
    """
    from glueharness_leaderboard.compare.contestants import others_on_the_rows
    from glueharness_leaderboard.evidence.cache import key_of
    from glueharness_leaderboard.evidence.pool import keep_seeds, known_seeds, seeds_of_others

    task = contestants[0].runs[0].task
    records = [record for record in store.listed() if record.task == task]
    if len(records) < _FEWEST_RUNS:
        return seeds_of_others(others_on_the_rows(records, contestants), contest, reference)
    labels = contest.task.labels if contest.task else ()
    ids = [[run.id for run in each.runs] for each in contestants]
    asked = ["pool", ids, contest.counted, contest.every_metric, labels]
    key = key_of(asked, records, store)
    known = known_seeds(key)
    if known is None:
        known = seeds_of_others(others_on_the_rows(records, contestants), contest, reference)
        keep_seeds(key, known)
    return known
