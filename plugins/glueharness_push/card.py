"""The model card: what the model is, what it scored, and what that score is worth."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueharness import HubLayout
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggingface_hub import EvalResult, ModelCardData

    from glueharness import TaskSpec
    from glueharness.record.record import RunRecord

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_SOURCES = {
    "sample": "the bundled, made-up sample",
    "altered": "not the official rows, though their number is the official one",
    "partial": "not complete",
    "official": "the official rows",
    "not known": "whether they are the official rows is not known",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a card is made of.

    Attributes:
        record: The run.
        task: Its task; None if no plugin has it any more.
        interval: The 95 % interval of its score, as fractions; None if there is none.
        files: Paths of the model's files.
    """

    record: RunRecord
    task: TaskSpec | None
    interval: tuple[float, float] | None
    files: frozenset[str]

    @property
    def for_transformers(self) -> bool:
        """Whether ``transformers`` can load the model."""
        return "config.json" in self.files


def render(facts: Facts, repository: str) -> str:
    """The card's text, with metadata for the hub at its beginning.

    Args:
        facts: What is known.
        repository: ``owner/name``.
    """
    from huggingface_hub import ModelCard

    data = _metadata(facts, repository)
    body = "\n".join(_body(facts, repository))
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{body}\n"))


def _metadata(facts: Facts, repository: str) -> ModelCardData:
    from huggingface_hub import ModelCardData

    record = facts.record
    layout = _layout(facts.task)
    official = record.data.standing == "official"
    regression = facts.task is not None and facts.task.regression
    return ModelCardData(
        model_name=repository.partition("/")[2],
        library_name="transformers" if facts.for_transformers else "glueharness",
        pipeline_tag="text-classification" if facts.for_transformers else None,
        base_model=_base(record) or None,
        datasets=[layout.repository] if layout is not None and official else None,
        tags=["glueharness", record.task, *(["regression"] if regression else [])],
        eval_results=_results(facts) or None,
    )


def _base(record: RunRecord) -> str:
    """The hub's name of the checkpoint that training began with; empty if there is none."""
    checkpoint = record.notes.get("checkpoint")
    if not isinstance(checkpoint, dict) or not str(checkpoint.get("how")).startswith("hub"):
        return ""
    name = str(checkpoint.get("name", ""))
    return name if _HUB_NAME.fullmatch(name) else ""


def _layout(task: TaskSpec | None) -> HubLayout | None:
    """Where the task lies on the hub."""
    places = task.locations if task is not None else ()
    return next((place for place in places if isinstance(place, HubLayout)), None)


def _results(facts: Facts) -> list[EvalResult]:
    """The scores as the hub's ``model-index`` has them.

    None for a run with marks: the hub ranks such entries, and has no place for what sets it apart.
    """
    from huggingface_hub import EvalResult

    record, task = facts.record, facts.task
    layout = _layout(task)
    if record.marks or task is None or layout is None:
        return []
    titles = {metric.name: metric.title for metric in task.metrics}
    return [
        EvalResult(
            task_type="text-classification",
            dataset_type=layout.repository,
            dataset_name=task.title,
            dataset_config=layout.config,
            dataset_split=layout.splits.get(split, split),
            metric_type=name,
            metric_name=titles.get(name, name),
            metric_value=value,
            verified=False,
        )
        for split, scores in record.metrics.items()
        for name, value in scores.items()
    ]


def _body(facts: Facts, repository: str) -> Iterator[str]:
    record, task = facts.record, facts.task
    yield from (f"# {_plain(repository.partition('/')[2])}", "")
    title = _plain(task.title) if task is not None else _plain(record.task)
    yield f"{_model(record)}, trained on {title} with glueharness."
    if task is not None:
        yield f"{_plain(task.description)}"
    yield ""
    if record.marks:
        yield f"> **Not to be compared with other scores:** {_plain(', '.join(record.marks))}."
        yield ""
    yield from ("## Scores", "", "| split | metric | score | rows |", "| --- | --- | --- | --- |")
    for split, scores in record.metrics.items():
        rows = record.data.splits[split].rows if split in record.data.splits else 0
        for name, value in scores.items():
            yield f"| {_plain(split)} | {_plain(name)} | {100 * value:.2f} | {rows:,} |"
    yield ""
    if facts.interval is not None:
        low, high = facts.interval
        yield (
            f"95 % interval of {_plain(record.primary_metric)} over other rows of the same kind: "
            f"{100 * low:.2f} to {100 * high:.2f}. It is one run with one seed: another seed may "
            "differ by more."
        )
    else:
        yield "It is one run with one seed; no interval was computed."
    yield ""
    yield from _data(facts)
    yield from _training(record)
    if facts.for_transformers:
        yield from _use(facts, repository)


def _model(record: RunRecord) -> str:
    """The model's name; of a checkpoint in a folder not where that lies."""
    checkpoint = record.notes.get("checkpoint")
    if isinstance(checkpoint, dict) and checkpoint.get("how") == "folder":
        return f"An encoder from a folder ({_plain(record.model.partition(':')[0])})"
    return _plain(record.model)


def _data(facts: Facts) -> Iterator[str]:
    record, task = facts.record, facts.task
    yield from ("## Data", "")
    yield f"Source: {_plain(record.data.source)}; {_SOURCES[record.data.standing]}."
    if record.task_version:
        yield f"Version: {_plain(record.task_version)}."
    yield from ("", "| split | rows | fingerprint |", "| --- | --- | --- |")
    for name, split in record.data.splits.items():
        yield f"| {_plain(name)} | {split.rows:,} | `{_plain(split.fingerprint[:16])}` |"
    if task is not None and task.citation:
        yield from ("", f"{_plain(task.citation)} Licence of the data: {_plain(task.licence)}")
    yield ""


def _training(record: RunRecord) -> Iterator[str]:
    yield from ("## Training", "", "| setting | value |", "| --- | --- |")
    yield f"| seed | {record.seed} |"
    for name, item in record.settings.items():
        # What cannot change the result may be a path of the machine.
        if item.changes_result and name not in {"seed", "model"} and item.value is not None:
            yield f"| {_plain(name)} | {_plain(str(item.value))} |"
    base, checkpoint = _base(record), record.notes.get("checkpoint")
    if base and isinstance(checkpoint, dict):
        revision = str(checkpoint.get("revision") or "")
        known = f" at {_plain(revision)}" if revision else ""
        yield f"| starts from | {_plain(base)}{known} |"
    yield from ("", f"Run `{_plain(record.id)}`, identity `{_plain(record.identity)}`.", "")


def _use(facts: Facts, repository: str) -> Iterator[str]:
    columns = facts.task.columns if facts.task is not None else ("text",)
    given = '"..."' if len(columns) == 1 else "{" + '"text": "...", "text_pair": "..."' + "}"
    yield from ("## Use", "", "```python", "from transformers import pipeline", "")
    yield f'classify = pipeline("text-classification", model="{repository}")'
    yield from (f"classify({given})", "```")


def _plain(text: str) -> str:
    """Text that Markdown and HTML leave as it is."""
    return re.sub(r"([\\`*\[\]<>|&#~])", r"\\\1", " ".join(printable(text).split()))
