"""The task ``stance``: ordered labels, a metric that uses the order, and its own writer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from glueharness import (
    ACCURACY,
    SplitSpec,
    SubmissionFile,
    TaskSpec,
    WriterSpec,
    csv_source,
    hookimpl,
    metric,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness import Writer

requires_api = "1.0"
LABELS = ("against", "neutral", "in favour")


def ordinal_agreement(references: Sequence[str], predictions: Sequence[str]) -> float:
    """One minus the mean distance of the labels in their order, a fraction in [0, 1].

    Predicting "in favour" for "against" costs twice as much as predicting "neutral".
    """
    distances = [
        abs(LABELS.index(reference) - LABELS.index(prediction))
        for reference, prediction in zip(references, predictions, strict=True)
    ]
    return 1.0 - sum(distances) / ((len(LABELS) - 1) * len(distances))


def macro_f1(references: Sequence[str], predictions: Sequence[str]) -> float:
    """The mean over the labels of their F1, a fraction in [0, 1]."""
    from sklearn.metrics import f1_score

    return float(
        f1_score(references, predictions, labels=LABELS, average="macro", zero_division=0.0)
    )


def _writer() -> Writer:
    from glueharness_stance.writer import CsvWriter

    return CsvWriter()


@hookimpl
def glueharness_tasks() -> list[TaskSpec]:
    """One task."""
    return [
        TaskSpec(
            name="stance",
            title="Stance",
            description="Is a reply in favour of a proposal, against it, or neither?",
            columns=("proposal", "reply"),
            labels=LABELS,
            splits=(
                SplitSpec(name="train", role="train", rows=180),
                SplitSpec(name="dev", role="dev", rows=60),
                SplitSpec(name="test", role="test", rows=60),
            ),
            metrics=(
                metric("ordinal_agreement", "Ordinal agreement", ordinal_agreement),
                metric("macro_f1", "Macro F1", macro_f1),
                ACCURACY,
            ),
            sources=(csv_source(Path(__file__).parent / "data"),),
            writer="stance-csv",
            submission=(
                SubmissionFile(
                    name="stance.csv",
                    split="test",
                    values={"against": "-1", "neutral": "0", "in favour": "+1"},
                ),
            ),
            citation="Written for this example.",
            licence="CC0-1.0",
        )
    ]


@hookimpl
def glueharness_writers() -> list[WriterSpec]:
    """The form of the task's submission."""
    return [
        WriterSpec(
            name="stance-csv",
            description="One CSV file with the columns id and stance.",
            factory=_writer,
        )
    ]
