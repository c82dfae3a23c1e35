"""Sections as Markdown, CSV and JSON. Texts of users are data in each of them, never code."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from glueharness.system.printable import printable
from glueharness_leaderboard.ranking.settings import settings_of_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from glueharness_leaderboard.ranking.conditions import SplitFacts
    from glueharness_leaderboard.ranking.sections import Row, Section
    from glueharness_leaderboard.tables.columns import Column, Sheet

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the start of a formula (OWASP, CSV injection)."""


def markdown(sheets: Sequence[Sheet], legends: Sequence[str]) -> str:
    """A heading and a pipe table for each sheet, then what the signs mean."""
    blocks = []
    for sheet in sheets:
        lines = [f"### {escape_markdown(sheet.title)}", ""]
        lines += [f"> {escape_markdown(note)}\n" for note in sheet.notes]
        blocks.append("\n".join([*lines, markdown_table(sheet.columns)]))
        blocks += [escape_markdown(line) for line in sheet.footnotes]
    blocks += legends
    return "\n\n".join(blocks) + "\n"


def markdown_table(columns: Sequence[Column]) -> str:
    """Columns as a pipe table."""
    from tabulate import tabulate

    return tabulate(
        [
            [escape_markdown(cell) for cell in cells]
            for cells in zip(*(column.wide or column.cells for column in columns), strict=True)
        ],
        headers=[escape_markdown(column.heading.replace("\n", " ")) for column in columns],
        tablefmt="pipe",
        colalign=["right" if column.right else "left" for column in columns],
        disable_numparse=True,
    )


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is, in a cell too."""
    escaped = re.sub(r"([\\`*_\[\]|<>~])", r"\\\1", printable(text, lines=True))
    return " ".join(escaped.split())


def flat_rows(sections: Sequence[Section]) -> list[dict[str, Any]]:
    """One mapping a row of all sections, for CSV; scores and intervals are fractions.

    Keys ``score:SPLIT:METRIC`` and ``setting:NAME`` are there for whatever a row has.
    """
    return [_flat(section, row) for section in sections for row in section.rows]


def write_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV (RFC 4180 with line feeds); the columns are the rows' keys, in order.

    A text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([_cell(name) for name in names])
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return stream.getvalue()


def document(sections: Iterable[Section]) -> list[dict[str, Any]]:
    """The sections in full, JSON-able; scores and intervals are fractions."""
    return [_section(section) for section in sections]


def _section(section: Section) -> dict[str, Any]:
    conditions = section.conditions
    return {
        "task": conditions.task,
        "title": section.title,
        "version": conditions.version,
        "marks": list(conditions.marks),
        "metric": conditions.metric,
        "dev": [_split(split) for split in conditions.dev],
        "train": [_split(split) for split in conditions.train],
        "rows": [_row(row) for row in section.rows],
    }


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
        "interval_overlaps_best": row.contender,
        "model": row.model,
        "seeds": list(row.seeds),
        "score": row.primary,
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
        "settings": settings_of_run(first),
        "seconds": row.seconds,
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
        "interval_overlaps_best": row.contender,
        "model": row.model,
        "seeds": " ".join(map(str, row.seeds)),
        "metric": conditions.metric,
        "score": row.primary,
        "standard_deviation": row.deviation(),
        "interval_low": row.interval.low if row.interval else None,
        "interval_high": row.interval.high if row.interval else None,
        **{
            f"score:{split}:{metric}": row.score(split, metric)
            for split, scores in row.runs[0].metrics.items()
            for metric in scores
        },
        **{f"setting:{name}": value for name, value in settings_of_run(row.runs[0]).items()},
        "seconds": round(row.seconds, 3),
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
