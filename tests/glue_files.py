"""GLUE's eleven submission files, as a table of facts, and good content for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import MetricSpec, Prediction, SplitSpec, SubmissionFile, TaskSpec
from tests.small_task import Accuracy

if TYPE_CHECKING:
    from collections.abc import Sequence

ENTAILMENT = ("entailment", "not_entailment")
NLI = ("entailment", "neutral", "contradiction")
FACTS: dict[str, tuple[tuple[str, ...], dict[str, int], bool, str]] = {
    # task: labels, rows by file, whether names (not ids) are written, the task it is trained on
    "cola": (("unacceptable", "acceptable"), {"CoLA.tsv": 1063}, False, ""),
    "sst2": (("negative", "positive"), {"SST-2.tsv": 1821}, False, ""),
    "mrpc": (("not_equivalent", "equivalent"), {"MRPC.tsv": 1725}, False, ""),
    "stsb": ((), {"STS-B.tsv": 1379}, False, ""),
    "qqp": (("not_duplicate", "duplicate"), {"QQP.tsv": 390965}, False, ""),
    "mnli": (NLI, {"MNLI-m.tsv": 9796, "MNLI-mm.tsv": 9847}, True, ""),
    "qnli": (ENTAILMENT, {"QNLI.tsv": 5463}, True, ""),
    "rte": (ENTAILMENT, {"RTE.tsv": 3000}, True, ""),
    "wnli": (ENTAILMENT[::-1], {"WNLI.tsv": 146}, False, ""),
    "ax": (NLI, {"AX.tsv": 1104}, True, "mnli"),
}


def task(name: str) -> TaskSpec:
    """One of GLUE's tasks, as far as its submission goes."""
    labels, files, names, trained_on = FACTS[name]
    written = {label: label if names else str(i) for i, label in enumerate(labels)}
    return TaskSpec(
        name=name,
        title=name.upper(),
        description=name,
        columns=("sentence1", "sentence2"),
        labels=labels,
        score_range=None if labels else (0.0, 5.0),
        splits=(
            SplitSpec(name="train", role="train"),
            *(SplitSpec(name=file, role="test", rows=rows) for file, rows in files.items()),
        ),
        metrics=(MetricSpec(name="accuracy", title="Accuracy", factory=lambda _: Accuracy()),),
        writer="glue",
        group="glue",
        trained_on=trained_on,
        submission=tuple(
            SubmissionFile(
                name=file,
                split=file,
                values=written,
                superseded={5740: "QNLI v1"} if name == "qnli" else {},
                names_taken=name == "wnli",
            )
            for file in files
        ),
    )


def all_tasks() -> list[TaskSpec]:
    """All of GLUE's tasks."""
    return [task(name) for name in FACTS]


def good(spec: TaskSpec, file: SubmissionFile) -> Prediction:
    """A complete prediction with every value in it."""
    rows = spec.split(file.split).rows
    assert rows is not None
    values: Sequence[str] | Sequence[float]
    if spec.regression:
        values = [(row % 501) / 100 for row in range(rows)]
    else:
        values = [spec.labels[row * 7 % 11 % len(spec.labels)] for row in range(rows)]
    return Prediction(task=spec, file=file, index=range(rows), values=values, run="good")


def all_good() -> list[Prediction]:
    """Complete predictions for all eleven files."""
    return [good(spec, file) for spec in all_tasks() for file in spec.submission]
