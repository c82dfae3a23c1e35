"""A section as columns of text, the same for terminal and Markdown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from glueharness_leaderboard.ranking.advice import advise
from glueharness_leaderboard.ranking.settings import differing, settings_of_run
from glueharness_leaderboard.ranking.short_paths import short_paths
from glueharness_leaderboard.tables.heading import heading, notes
from glueharness_leaderboard.tables.remarks import (
    marks_explained,
    marks_of,
    remarks,
    shared_epochs,
)
from glueharness_leaderboard.tables.sheet import Column, Sheet
from glueharness_leaderboard.tables.texts import (
    NOTHING,
    duration,
    interval_text,
    plain,
    score_text,
    value_text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness_leaderboard.ranking.rows import Row
    from glueharness_leaderboard.ranking.sections import By, Section
    from glueharness_leaderboard.ranking.settings import Value


_SHORT = {
    "learning_rate": "lr",
    "batch_size": "batch",
    "max_length": "length",
    "weight_decay": "decay",
    "warmup_ratio": "warm-up",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How rows are shown.

    Attributes:
        by: What a row is.
        names: Run id to the shortest name that ``compare`` and ``runs show`` find it by.
        statuses: Whether to show the runs' statuses.
    """

    by: By
    names: Mapping[str, str]
    statuses: bool = False


def legends(sections: Sequence[Section]) -> list[str]:
    """What the signs in these sections' tables mean."""
    rows = [row for section in sections for row in section.rows]
    lines = []
    if any(row.standing is not None for row in rows):
        lines.append(
            "# the ranks that a row may have (95 %); bold: from 1, it may be the best. "
            "`glueharness compare A B` tests two row by row."
        )
    if any(row.deviation() is not None for row in rows):
        lines.append(
            "± standard deviation over the seeds; intervals allow for other rows and other seeds."
        )
    return lines + marks_explained(rows)


def sheet_of(section: Section, view: View) -> Sheet:
    """A section as a table."""
    advice = advise(section, by_model=view.by == "model")
    stand_out = frozenset(
        place
        for place, row in enumerate(section.rows)
        if (row.standing.may_be_best if row.standing else row.rank == 1 and not section.standings)
    )
    return Sheet(
        title=heading(section),
        notes=notes(section),
        columns=columns_of(section, view),
        best=stand_out,
        answers=[plain(advice.answer)] if advice.answer else [],
        footnotes=[plain(line) for line in (*advice.reasons, *remarks(section, view.by))],
    )


def columns_of(section: Section, view: View) -> list[Column]:
    """The columns of a section, the rank first."""
    rows = section.rows
    models = [row.model for row in rows]
    found = [
        Column(name="rank", heading="#", cells=_ranks(rows), keys=[_lowest(row) for row in rows]),
        model_column(models),
    ]
    # CSV, JSON and `runs` call it so, whatever the metric is.
    scores = [
        replace(each, also="" if place else "score") for place, each in enumerate(_scores(section))
    ]
    if any(row.interval for row in rows):
        cells = [interval_text(row.interval) for row in rows]
        # Beside the score that it belongs to.
        ends = [row.interval and row.interval.low for row in rows]
        scores.insert(1, Column(
            name="95 % interval", heading="95 % interval", cells=cells, keys=ends
        ))  # fmt: skip
    found += [*scores, *_last_epoch(rows)]
    if view.statuses:
        found.append(
            Column(name="status", heading="status", cells=[row.runs[0].status for row in rows])
        )
    found += [_seeds(rows, view.by), *_marks(rows), *_settings(rows), *_speed(rows)]
    times = [duration(row.seconds) for row in rows]
    seconds = [row.seconds for row in rows]
    found.append(
        Column(name="time", heading="time", cells=times, right=True, spare=1000, keys=seconds)
    )
    if view.by == "run":
        full = [plain(row.runs[0].id) for row in rows]
        short = [plain(view.names.get(row.runs[0].id, row.runs[0].id)) for row in rows]
        found.append(Column(name="run", heading="run", cells=short, wide=full))
    else:
        found.append(
            Column(name="runs", heading="runs", cells=[_runs(row, view) for row in rows], spare=990)
        )
    return found


def model_column(models: Sequence[str]) -> Column:
    """The models' names; of paths the last part where space is short."""
    # Shortened before what is no print is spelt out: that is done with backslashes.
    short = [plain(name) for name in short_paths(models)]
    cells = [plain(name) for name in models]
    return Column(name="model", heading="model", cells=cells, narrow=short, flexible=True)


def _runs(row: Row, view: View) -> str:
    """A row's runs by their shortest names; of many the first."""
    names = [plain(view.names.get(run.id, run.id)) for run in row.runs]
    return ", ".join(names) if len(names) <= 3 else f"{names[0]}, … {names[-1]}"


def _scores(section: Section) -> list[Column]:
    """What ranks first; then a column a metric and dev split where that is a mean."""
    splits = [split.name for split in section.conditions.dev]
    titles = {spec.name: spec.title for spec in section.task.metrics} if section.task else {}
    labels = dict(zip(splits, without_shared_words(splits), strict=True))
    found = []
    quantity = section.quantity
    if not quantity.split or not quantity.metric:
        names = [plain(titles.get(name, name)) for name in section.counted]
        title = " + ".join(names)
        cells = [score_text(row.value, row.deviation()) for row in section.rows]
        found.append(
            Column(
                name=f"{title} (mean)",
                heading=f"{title}\nmean",
                cells=cells,
                right=True,
                keys=[row.value for row in section.rows],
            )
        )
    for metric in section.metrics:
        title = plain(titles.get(metric, metric))
        for split in splits:
            label = plain(labels[split])
            cells = [
                score_text(row.score(split, metric), row.deviation(split, metric))
                for row in section.rows
            ]
            found.append(
                Column(
                    name=f"{title} ({label})" if len(splits) > 1 else title,
                    heading=f"{title}\n{label}" if len(splits) > 1 else title,
                    cells=cells,
                    right=True,
                    spare=5 if found else 0,
                    keys=[row.score(split, metric) for row in section.rows],
                )
            )
    return found


def _last_epoch(rows: Sequence[Row]) -> list[Column]:
    """The last epoch's score, where another one was picked."""
    found = [row.last_epoch for row in rows]
    if not any(
        last is not None and row.primary is not None and abs(last - row.primary) > 1e-9
        for last, row in zip(found, rows, strict=True)
    ):
        return []
    cells = [score_text(last) for last in found]
    return [
        Column(
            name="last epoch", heading="last\nepoch", cells=cells, right=True, spare=6, keys=found
        )
    ]


def _marks(rows: Sequence[Row]) -> list[Column]:
    """What sets single rows apart."""
    shared = shared_epochs(rows)
    cells = [", ".join(marks_of(row, shared)) for row in rows]
    if not any(cells):
        return []
    return [Column(name="marks", heading="marks", cells=cells, flexible=True, spare=1)]


def _speed(rows: Sequence[Row]) -> list[Column]:
    """Dev rows predicted in a second, from texts to scores."""
    found = [row.rows_per_second for row in rows]
    if not any(found):
        return []
    cells = [NOTHING if value is None else f"{value:,.0f}" for value in found]
    return [
        Column(
            name="rows a second", heading="rows/s", cells=cells, right=True, spare=900, keys=found
        )
    ]


def without_shared_words(names: Sequence[str]) -> list[str]:
    """``dev_matched`` and ``dev_mismatched`` become ``matched`` and ``mismatched``."""
    words = [name.split("_") for name in names]
    while len(words) > 1 and all(len(each) > 1 and each[0] == words[0][0] for each in words):
        words = [each[1:] for each in words]
    return ["_".join(each) for each in words]


def _seeds(rows: Sequence[Row], by: By) -> Column:
    if by == "run":
        cells = [str(row.seeds[0]) for row in rows]
        return Column(name="seed", heading="seed", cells=cells, right=True)
    full = [f"{len(row.seeds)}: {', '.join(map(str, row.seeds))}" for row in rows]
    counts = [str(len(row.seeds)) for row in rows]
    keys = [len(row.seeds) for row in rows]
    return Column(name="seeds", heading="seeds", cells=full, narrow=counts, keys=keys)


def _settings(rows: Sequence[Row]) -> list[Column]:
    """A column a setting that tells rows apart."""
    runs = [row.runs[0] for row in rows]
    values = [settings_of_run(run) for run in runs]
    return [
        Column(
            name=plain(name),
            heading=plain(_SHORT.get(name, name.replace("_", " "))),
            cells=[value_text(found[name]) if name in found else NOTHING for found in values],
            right=all(isinstance(found.get(name, 0), int | float) for found in values),
            spare=10 + position,
            keys=[_key(found.get(name)) for found in values],
        )
        for position, name in enumerate(differing(runs))
    ]


def _key(value: Value) -> float | str | None:
    if value is None or isinstance(value, str):
        return value
    return value_text(value) if isinstance(value, bool) else float(value)


def _lowest(row: Row) -> int | None:
    return row.standing.low if row.standing is not None and row.standing.low else None


def _ranks(rows: Sequence[Row]) -> list[str]:
    """Rank ranges; a dash where nothing was tested."""
    return [rank_text(row) for row in rows]


def rank_text(row: Row) -> str:
    """``1–3``, ``2``, or a dash."""
    standing = row.standing
    if standing is None or not standing.low:
        return NOTHING
    if standing.low == standing.high:
        return str(standing.low)
    return f"{standing.low}–{standing.high}"
