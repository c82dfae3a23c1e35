"""The rows on which contestants differ, with their texts, labels and scores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness.errors import GlueharnessError
from glueharness_leaderboard.evidence.predictions_file import sealed_predictions
from glueharness_leaderboard.tables.columns import Column, Sheet, heading
from glueharness_leaderboard.tables.texts import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.specs import TaskSpec
    from glueharness_leaderboard.compare.verdict import Findings
    from glueharness_leaderboard.evidence.predictions import SplitValues

SHOWN = 20
"""Rows on a terminal; files have all of them."""
_CLOSER = 0.05
"""Share of the score range by which one regression must be closer, to count as a difference."""
_TEXT_WIDTH = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a contestant says of a row.

    Attributes:
        prediction: Its label, by most of its runs, or the mean number.
        right: Share of its runs that are right; None for a regression.
        error: Mean absolute error of a regression; None for labels.
        margin: Score of the true label less the highest of the others, the mean over the runs;
            None for a regression, or where no scores are stored.
    """

    prediction: str | float
    right: float | None
    error: float | None
    margin: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferingRow:
    """A row on which contestants differ.

    Attributes:
        split: Its split.
        index: Its number in the split.
        truth: Its label, or number.
        answers: By contestant.
        gap: How far the contestants are apart: in the share of runs that are right, or in error.
        texts: Its texts by column; empty where the data are not at hand.
    """

    split: str
    index: int
    truth: str | float
    answers: tuple[Answer, ...]
    gap: float
    texts: Mapping[str, str]


def differing_rows(
    findings: Findings, runs_dir: Path, texts: Mapping[str, Mapping[str, Sequence[str]]]
) -> list[DifferingRow]:
    """All rows on which the contestants differ, in the order of the data.

    Args:
        findings: The comparison.
        runs_dir: Folder of the runs, for the stored scores.
        texts: By split and column.
    """
    found = []
    for place in range(len(findings.comparison.measured[0].splits)):
        sides = [each.splits[place] for each in findings.comparison.measured]
        if sides[0].labels:
            found += _with_labels(findings, sides, runs_dir, texts.get(sides[0].name, {}))
        else:
            found += _regression(findings, sides, texts.get(sides[0].name, {}))
    return found


def _with_labels(
    findings: Findings,
    sides: Sequence[SplitValues],
    runs_dir: Path,
    texts: Mapping[str, Sequence[str]],
) -> list[DifferingRow]:
    first = sides[0]
    right = np.stack([(side.predictions == side.truth).mean(axis=0) for side in sides])  # [K, n]
    said = [_most_said(side) for side in sides]
    gaps = right.max(axis=0) - right.min(axis=0)
    other = np.any([each != said[0] for each in said], axis=0)
    margins = [_margins(each.runs, first, runs_dir) for each in findings.contestants]
    return [
        DifferingRow(
            split=first.name,
            index=int(first.index[row]),
            truth=first.labels[first.truth[row]],
            answers=tuple(
                Answer(
                    prediction=first.labels[labels[row]],
                    right=float(share[row]),
                    error=None,
                    margin=None if margin is None else float(margin[row]),
                )
                for labels, share, margin in zip(said, right, margins, strict=True)
            ),
            gap=float(gaps[row]),
            texts={name: column[int(row)] for name, column in texts.items()},
        )
        for row in np.flatnonzero((gaps > 0) | other)
    ]


def _most_said(side: SplitValues) -> Any:
    """The label that most runs give each row: ``[n]``; of equally many the first label."""
    counts = np.stack(
        [(side.predictions == label).sum(axis=0) for label in range(len(side.labels))]
    )
    return counts.argmax(axis=0)


def _margins(runs: Sequence[RunRecord], split: SplitValues, runs_dir: Path) -> Any | None:
    """Score of the true label less the highest other one, the mean over the runs: ``[n]``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [f"score:{label}" for label in split.labels]
    found = []
    for run in runs:
        try:
            table = pq.read_table(sealed_predictions(run, runs_dir, split.name), columns=names)
        except (OSError, pa.ArrowException):
            return None
        if set(table.column_names) != set(names) or len(table) != len(split.truth):
            return None
        scores = np.stack([table[name].to_numpy() for name in names], axis=1)  # [n, k]
        rows = np.arange(len(scores))
        true = scores[rows, split.truth]
        rest = scores.copy()
        rest[rows, split.truth] = -np.inf
        found.append(true - rest.max(axis=1))
    return np.mean(found, axis=0)


def _regression(
    findings: Findings, sides: Sequence[SplitValues], texts: Mapping[str, Sequence[str]]
) -> list[DifferingRow]:
    first = sides[0]
    errors = np.stack([np.abs(side.predictions - side.truth).mean(axis=0) for side in sides])
    gaps = errors.max(axis=0) - errors.min(axis=0)
    task = findings.section.task
    low, high = (task.score_range if task else None) or (first.truth.min(), first.truth.max())
    return [
        DifferingRow(
            split=first.name,
            index=int(first.index[row]),
            truth=float(first.truth[row]),
            answers=tuple(
                Answer(
                    prediction=float(side.predictions[:, row].mean()),
                    right=None,
                    error=float(error[row]),
                    margin=None,
                )
                for side, error in zip(sides, errors, strict=True)
            ),
            gap=float(gaps[row]),
            texts={name: column[int(row)] for name, column in texts.items()},
        )
        for row in np.flatnonzero(gaps > _CLOSER * (high - low))
    ]


def texts_of(
    record: RunRecord, task: TaskSpec | None, registry: Registry
) -> tuple[dict[str, dict[str, list[str]]], str]:
    """The texts of a run's dev splits, if the very rows that it was scored on are at hand.

    Nothing is fetched from the network. What is found counts only if its fingerprint is the
    record's.

    Args:
        record: A run.
        task: Its task.
        registry: Where the data sources are looked up.

    Returns:
        By split and column; and why there are none, if there are none.
    """
    from glueharness.data.opening import open_data
    from glueharness.data.table import fingerprint, head
    from glueharness.specs import DataOptions

    if task is None:
        return {}, f"no installed plugin knows the task {record.task}"
    folder = _folder(record)
    options = DataOptions(source=record.data.source, folder=folder, offline=True)
    found: dict[str, dict[str, list[str]]] = {}
    try:
        opened = open_data(task, options, registry.sources_for(task))
        for name, split in record.data.splits.items():
            if split.role != "dev":
                continue
            rows = head(opened.load(name), split.rows)
            if fingerprint(rows, task) != split.fingerprint:
                return {}, f"the rows of {name} there are not those that were scored"
            found[name] = {column: list(rows[column]) for column in task.columns}
    except GlueharnessError as error:
        return {}, error.what
    return found, ""


def _folder(record: RunRecord) -> Path | None:
    """The data folder that the run used, or that the environment names now."""
    from glueharness.cli.app import environment_layer

    chosen = environment_layer().values.get("data_dir")
    if chosen:
        return Path(str(chosen))
    used = record.settings.get("data_dir")
    folder = Path(str(used.value)) if used is not None and used.value else None
    return folder if folder is not None and folder.is_dir() else None


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
            cells=[plain(row.texts.get(name, ""))[:_TEXT_WIDTH] for row in shown],
            flexible=True,
        )
        for name in (rows[0].texts if rows else ())
    ]
    total = f"{len(rows):,} rows on which they differ"
    left = [] if len(shown) == len(rows) else [
        f"The {len(shown)} with the largest gap of {len(rows):,}; all of them: --tsv or --json"
    ]  # fmt: skip
    return Sheet(title=f"{heading(findings.section)} · {total}", columns=columns, footnotes=left)


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
