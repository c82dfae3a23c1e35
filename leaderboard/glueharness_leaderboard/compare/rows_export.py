"""The rows on which contestants differ, as a table, as rows of CSV, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueharness_leaderboard.ranking.short_paths import short_paths
from glueharness_leaderboard.tables.heading import heading
from glueharness_leaderboard.tables.sheet import Column, Sheet
from glueharness_leaderboard.tables.texts import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_leaderboard.compare.rows import Answer, DifferingRow
    from glueharness_leaderboard.compare.verdict import Findings

SHOWN = 20
"""Rows on a terminal; files have all of them."""
_TEXT_WIDTH = 300


def rows_sheet(findings: Findings, rows: Sequence[DifferingRow], most: int | None) -> Sheet:
    """The rows as a table, those on which the contestants are furthest apart first if cut short.

    Args:
        findings: The comparison.
        rows: The rows.
        most: How many to show; None for all, in the order of the data.
    """
    shown = list(rows)
    if most is not None and len(rows) > most:
        shown = sorted(rows, key=lambda row: -row.gap)[:most]
    labels = [each.label for each in findings.contestants]
    columns = []
    if len({row.split for row in rows}) > 1:
        splits = [plain(row.split) for row in shown]
        columns.append(Column(name="split", heading="split", cells=splits))
    columns += [
        Column(name="row", heading="row", cells=[str(row.index) for row in shown], right=True),
        Column(name="truth", heading="label", cells=[_said(row.truth) for row in shown]),
    ]
    for place, label in enumerate(labels):
        cells = [_answer(row.answers[place], findings, place) for row in shown]
        columns.append(Column(name=label, heading=label, cells=cells))
    columns += [
        Column(
            name=name,
            heading=plain(name),
            cells=[_cut(plain(row.texts.get(name, ""))) for row in shown],
            flexible=True,
            running=True,
        )
        for name in (rows[0].texts if rows else ())
    ]
    total = f"{len(rows):,} rows on which they differ"
    left = [] if len(shown) == len(rows) else [
        f"The {len(shown)} with the largest gap of {len(rows):,}; all of them: --tsv or --json"
    ]  # fmt: skip
    title = f"{heading(findings.section)} · {total}"
    return Sheet(title=title, notes=_who(findings), columns=columns, footnotes=left)


def _who(findings: Findings) -> list[str]:
    """Who the letters stand for, a line each."""
    names = short_paths([each.model for each in findings.contestants])
    return [
        f"{each.label}: {plain(name)}, "
        + ", ".join(plain(findings.names.get(run.id, run.id)) for run in each.runs)
        for each, name in zip(findings.contestants, names, strict=True)
    ]


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_WIDTH else f"{text[:_TEXT_WIDTH]}…"


def _answer(answer: Answer, findings: Findings, place: int) -> str:
    """``entailment, right +2.31``: label, verdict, margin; of several runs how many are right."""
    runs = len(findings.contestants[place].runs)
    if answer.right is None:
        return f"{answer.prediction:.2f}"
    right = round(answer.right * runs)
    mark = f"{right} of {runs} right" if runs > 1 else "right" if right else "wrong"
    margin = "" if answer.margin is None else f" {answer.margin:+.2f}".replace("-", "−")
    return f"{plain(str(answer.prediction))}, {mark}{margin}"


def _said(value: str | float) -> str:
    return plain(value) if isinstance(value, str) else f"{value:.2f}"


def rows_flat(findings: Findings, rows: Sequence[DifferingRow]) -> list[dict[str, Any]]:
    """One mapping for each row, for CSV and TSV."""
    labels = [each.label for each in findings.contestants]
    return [
        {
            "split": row.split,
            "row": row.index,
            "label": row.truth,
            **{
                f"{label}:{name}": value
                for label, answer in zip(labels, row.answers, strict=True)
                for name, value in _fields(answer).items()
            },
            **{f"text:{name}": text for name, text in row.texts.items()},
        }
        for row in rows
    ]


def rows_document(findings: Findings, rows: Sequence[DifferingRow]) -> dict[str, Any]:
    """The rows in full, JSON-able."""
    labels = [each.label for each in findings.contestants]
    return {
        "task": findings.section.conditions.task,
        "contestants": {
            each.label: {"model": each.model, "runs": [run.id for run in each.runs]}
            for each in findings.contestants
        },
        "rows": [
            {
                "split": row.split,
                "row": row.index,
                "label": row.truth,
                "answers": {
                    label: _fields(answer)
                    for label, answer in zip(labels, row.answers, strict=True)
                },
                "texts": dict(row.texts),
            }
            for row in rows
        ],
    }


def _fields(answer: Answer) -> dict[str, Any]:
    fields = {
        "prediction": answer.prediction,
        "right": answer.right,
        "error": answer.error,
        "margin": answer.margin,
    }
    return {name: value for name, value in fields.items() if value is not None}
