"""From the record of a run to a model card."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from glueharness import SubmissionError
from glueharness.record.run_file import read_record
from glueharness.system.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glueharness import Prediction, TaskSpec
    from glueharness.record.record import RunRecord

FILE = "README.md"


class ModelCardWriter:
    """Writes a card of the one run that the predictions come from."""

    def write(self, predictions: Sequence[Prediction], folder: Path) -> Sequence[Path]:
        """Write ``README.md``.

        Raises:
            SubmissionError: The predictions come from several runs, or the file cannot be written.
        """
        runs = {prediction.run for prediction in predictions}
        if len(runs) != 1:
            raise SubmissionError(
                f"a card is of one model; these predictions come from {len(runs)}",
                remedy="Submit one task at a time.",
            )
        first = predictions[0]
        record = read_record(first.folder) if first.folder is not None else None
        path = folder / FILE
        try:
            write_text(path, render(first.task, first.run, record))
        except OSError as error:
            raise SubmissionError(f"cannot be written: {error}", where=str(path)) from error
        return [path]


def render(task: TaskSpec, run: str, record: RunRecord | None) -> str:
    """The card's text; without a record it has no scores to show."""
    results = _results(task, record) if record is not None else []
    data = ModelCardData(
        model_name=run,
        license="other",
        library_name="transformers",
        pipeline_tag="text-classification",
        tags=["glueharness", task.name],
        eval_results=results or None,
    )
    parts = [f"# {run}", "", f"{_plain(task.description)} ({_plain(task.title)})", ""]
    if record is not None:
        parts += _facts(record)
        parts += ["", "| split | metric | score |", "| --- | --- | --- |"]
        parts += [
            f"| {_plain(split)} | {_plain(name)} | {value:.4f} |"
            for split, scores in record.metrics.items()
            for name, value in scores.items()
        ]
    if task.citation:
        parts += ["", f"Data: {_plain(task.citation)} Licence: {_plain(task.licence)}"]
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n" + "\n".join(parts) + "\n"))


def _results(task: TaskSpec, record: RunRecord) -> list[EvalResult]:
    """One entry a metric and dev split, as the hub's ``model-index`` has them."""
    # Scores of the bundled sample or of part of the data are no result to be ranked by the hub.
    if record.marks:
        return []
    titles = {metric.name: metric.title for metric in task.metrics}
    return [
        EvalResult(
            task_type="text-classification",
            dataset_type=task.group or task.name,
            dataset_name=task.title,
            dataset_config=task.name,
            dataset_split=split,
            dataset_revision=record.data.revision or None,
            metric_type=name,
            metric_name=titles.get(name, name),
            metric_value=value,
        )
        for split, scores in record.metrics.items()
        for name, value in scores.items()
    ]


def _facts(record: RunRecord) -> list[str]:
    facts = [
        f"- model: {_plain(record.model)}, seed {record.seed}",
        f"- data: {_plain(record.data.source)}, {_plain(record.data.location)}",
    ]
    if record.marks:
        facts.append(f"- **not comparable**: the data are marked {', '.join(record.marks)}")
    chosen = [
        f"{name} {item.value}" for name, item in record.settings.items() if item.value is not None
    ]
    return [*facts, f"- settings: {_plain(', '.join(chosen))}"]


def _plain(text: str) -> str:
    """Text that Markdown and HTML leave as it is."""
    return re.sub(r"([\\`*_\[\]<>|&#])", r"\\\1", " ".join(text.split()))
