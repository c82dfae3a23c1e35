"""Sections as CSV and JSON. Texts of users are data in each of them, never code."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from glueharness.system.printable import printable
from glueharness_leaderboard.ranking.advice import advise
from glueharness_leaderboard.ranking.settings import settings_of_run, system_of, weights_of
from glueharness_leaderboard.tables.remarks import marks_of, remarks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from glueharness_leaderboard.ranking.conditions import SplitFacts
    from glueharness_leaderboard.ranking.rows import Row
    from glueharness_leaderboard.ranking.sections import By, Section

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the start of a formula (OWASP, CSV injection)."""


def flat_rows(sections: Sequence[Section]) -> list[dict[str, Any]]:
    """One mapping a row of all sections, for CSV; scores and intervals are fractions.

    Keys ``score:SPLIT:METRIC`` and ``setting:NAME`` are there for whatever a row has.
    """
    return [_flat(section, row) for section in sections for row in section.rows]


def write_csv(rows: Sequence[Mapping[str, Any]], delimiter: str = ",") -> str:
    """Rows as CSV (RFC 4180 with line feeds) or TSV; the columns are the rows' keys, in order.

    A text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow([_cell(name) for name in names])
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return stream.getvalue()


def document(sections: Iterable[Section], by: By = "run") -> list[dict[str, Any]]:
    """The sections in full, JSON-able; scores and intervals are fractions."""
    return [_section(section, by) for section in sections]


def _section(section: Section, by: By) -> dict[str, Any]:
    conditions, standings = section.conditions, section.standings
    advice = advise(section, by_model=by == "model")
    return {
        "task": conditions.task,
        "title": section.title,
        "version": conditions.version,
        "marks": list(conditions.marks),
        "metric": conditions.metric,
        "ranked_by": list(section.counted),
        "answer": advice.answer,
        "reasons": [*advice.reasons, *remarks(section, by)],
        "pick": [run.id for run in section.rows[advice.pick].runs]
        if advice.pick is not None
        else None,
        "detectable_difference": standings.detectable if standings else None,
        "dev": [_split(split) for split in conditions.dev],
        "train": [_split(split) for split in conditions.train],
        "rows": [_row(row) for row in section.rows],
    }


def _ranks(row: Row) -> tuple[int | None, int | None]:
    """The ranks that a row may have; None for a row without a rank."""
    standing = row.standing
    return (standing.low, standing.high) if standing and standing.low else (None, None)


def _split(split: SplitFacts) -> dict[str, Any]:
    return {
        "name": split.name,
        "rows": split.rows,
        "available": split.available,
        "expected": split.expected,
        "fingerprint": split.fingerprint,
    }


def _row(row: Row) -> dict[str, Any]:
    first = row.runs[0]
    pairs = [(split, metric) for split, scores in first.metrics.items() for metric in scores]
    return {
        "rank": row.rank or None,
        "ranks": list(_ranks(row)) if row.standing else None,
        "may_be_best": row.standing.may_be_best if row.standing else None,
        "model": row.model,
        "seeds": list(row.seeds),
        "score": row.value,
        "standard_deviation": row.deviation(),
        "interval": list(row.interval) if row.interval else None,
        "scores": {
            split: {
                metric: {
                    "mean": row.score(split, metric),
                    "standard_deviation": row.deviation(split, metric),
                }
                for of, metric in pairs
                if of == split
            }
            for split, _ in pairs
        },
        "marks": marks_of(row),
        "epochs_tried": row.epochs_tried,
        "last_epoch": row.last_epoch,
        "settings": settings_of_run(first),
        "weights": weights_of(first),
        "system": system_of(first),
        "seconds": row.seconds,
        "rows_per_second": row.rows_per_second,
        "runs": [run.id for run in row.runs],
        "status": first.status,
        "started": first.started,
    }


def _flat(section: Section, row: Row) -> dict[str, Any]:
    conditions = section.conditions
    return {
        "task": conditions.task,
        "version": conditions.version,
        "marks": " ".join(conditions.marks),
        "n": sum(split.rows for split in conditions.dev),
        "train_rows": sum(split.rows for split in conditions.train),
        "dev_fingerprint": " ".join(split.fingerprint for split in conditions.dev),
        "rank": row.rank or None,
        "rank_low": _ranks(row)[0] if row.standing else None,
        "rank_high": _ranks(row)[1] if row.standing else None,
        "may_be_best": row.standing.may_be_best if row.standing else None,
        "model": row.model,
        "seeds": " ".join(map(str, row.seeds)),
        "metric": " + ".join(section.counted) or conditions.metric,
        "score": row.value,
        "standard_deviation": row.deviation(),
        "interval_low": row.interval.low if row.interval else None,
        "interval_high": row.interval.high if row.interval else None,
        **{
            f"score:{split}:{metric}": row.score(split, metric)
            for split, scores in row.runs[0].metrics.items()
            for metric in scores
        },
        **{f"setting:{name}": value for name, value in settings_of_run(row.runs[0]).items()},
        "row_marks": ", ".join(marks_of(row)),
        "epochs_tried": row.epochs_tried,
        "last_epoch": row.last_epoch,
        "seconds": round(row.seconds, 3),
        "rows_per_second": row.rows_per_second,
        "runs": " ".join(run.id for run in row.runs),
        "status": row.runs[0].status,
        "started": row.runs[0].started,
    }


def _cell(value: Any) -> Any:
    """A CSV cell: numbers as they are, texts disarmed, None empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    text = printable(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text
