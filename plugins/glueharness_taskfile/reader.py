"""Reads a task file."""

from __future__ import annotations

import dataclasses
import tomllib
from typing import TYPE_CHECKING, Any, cast

from glueharness import (
    EXACT_MATCH,
    METRICS,
    ConfigError,
    MetricSpec,
    SpecError,
    SplitSpec,
    SubmissionFile,
    TaskSpec,
    hookimpl,
)
from glueharness.errors import did_you_mean
from glueharness_taskfile.labels import LARGEST_SCORE
from glueharness_taskfile.sections import Lines, Section
from glueharness_taskfile.sources import Wanted, read_source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glueharness import DraftRequest, SealedFile, TaskDraft

_TEXTS = (
    "title", "description", "licence", "citation", "url", "group", "version", "starts_from",
    "trained_on", "writer",
)  # fmt: skip
KEYS = (
    "name", "columns", "choices", "labels", "score_range", "metrics", "unit", *_TEXTS,
    "texts_may_be_shared", "source", "splits", "submission",
)  # fmt: skip
"""The keys at the top of a task file."""

_OF_REGRESSIONS = {"pearson", "spearman"}
_ROLES = {"train": "train", "dev": "dev", "validation": "dev", "val": "dev", "test": "test"}


class TaskOfFile:
    """A plugin that offers the task of one file.

    Args:
        task: The task.
    """

    def __init__(self, task: TaskSpec) -> None:
        self._task = task

    @hookimpl
    def glueharness_tasks(self) -> list[TaskSpec]:
        """The task."""
        return [self._task]


class TaskFileReader:
    """Reads and writes task files."""

    def read(self, path: Path, content: bytes) -> TaskOfFile:
        """The plugin with the file's task; see :meth:`glueharness.FileReader.read`."""
        return TaskOfFile(read_task(path, content))

    def rebuild(self, path: Path, content: bytes, files: Mapping[str, SealedFile]) -> TaskOfFile:
        """The plugin with the task of a record; see :meth:`glueharness.TaskRebuilder.rebuild`."""
        return TaskOfFile(read_task(path, content, files))

    def draft(self, request: DraftRequest) -> TaskDraft:
        """Describe a task by its data files; see :meth:`glueharness.TaskDrafter.draft`."""
        from glueharness_taskfile.draft import draft

        return draft(request)


def read_task(
    path: Path, content: bytes, sealed: Mapping[str, SealedFile] | None = None
) -> TaskSpec:
    """The task that a file describes.

    Args:
        path: The file.
        content: What is in it.
        sealed: The data files by split if it comes from a record; no others are then read.

    Raises:
        ConfigError: It is not what it should be, with ``file:line``.
    """
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
        values = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError("this line is not UTF-8", where=f"{path}:{line}") from error
    # Besides its own error: names of thousands of parts, numbers of thousands of digits.
    except (ValueError, RecursionError) as error:
        raise _no_toml(path, str(error)) from error
    top = Section(values, "", Lines(path, text))
    top.refuse_unknown(KEYS)
    if "source" not in values or "splits" not in values:
        missing = "source" if "source" not in values else "splits"
        raise ConfigError(
            f"there is no [{missing}]",
            where=str(path),
            remedy="A task file has the task's facts, a [source] and [splits]; "
            "`glueharness tasks new` writes one from data files.",
        )
    return _task(top, path, sealed)


def _no_toml(path: Path, said: str) -> ConfigError:
    """The library's message, with its line where messages have theirs."""
    what, _, place = said.partition(" (at line ")
    line = place.partition(",")[0]
    where = f"{path}:{line}" if line.isdecimal() else str(path)
    return ConfigError(f"not valid TOML: {what}", where=where)


def _task(top: Section, path: Path, sealed: Mapping[str, SealedFile] | None) -> TaskSpec:
    columns = top.texts("columns", '["premise", "hypothesis"]')
    choices = top.texts("choices", '["choice1", "choice2"]')
    # Each choice has a label that says that it is right: its own name, if none is given.
    labels = top.texts("labels", '["yes", "no"]') or choices
    score_range = _score_range(top)
    if not columns:
        raise top.wrong("columns", "it says no columns", 'Write columns = ["text"].')
    if not labels and score_range is None:
        raise top.wrong(
            "labels", "it says neither labels nor score_range",
            'Write labels = ["yes", "no"], or score_range = [0, 5] for a regression.',
        )  # fmt: skip
    splits, files = _splits(top)
    wanted = Wanted(columns=columns, labels=labels, files=files, path=path, sealed=sealed)
    origin = read_source(top.section("source"), wanted)
    texts = {key: top.text(key) for key in _TEXTS if key in top.values}
    name = top.text("name", path.stem)
    try:
        return TaskSpec(
            **cast("Any", {"title": name, "description": "", **texts}),
            name=name,
            columns=columns,
            choices=choices,
            labels=labels,
            score_range=score_range,
            splits=splits,
            metrics=_metrics(top, labels),
            sources=origin.sources,
            locations=origin.locations,
            submission=_submission(top),
            texts_may_be_shared=top.truth("texts_may_be_shared", default=False),
        )
    except SpecError as error:
        raise ConfigError(error.what, where=_place_of(error.what, top)) from error


def _place_of(what: str, top: Section) -> str:
    """The line of the first key that a spec's complaint is about."""
    keys = {"choice": "choices", "label": "labels", "column": "columns", "split": "splits",
            "metric": "metrics", "score_range": "score_range", "must say": "submission",
            "name": "name"}  # fmt: skip
    said = what.partition(": ")[2]
    key = next((key for word, key in keys.items() if word in said), "")
    return top.lines.where("", key)


def _score_range(top: Section) -> tuple[float, float] | None:
    value = top.values.get("score_range")
    if value is None:
        return None
    numbers = isinstance(value, list) and all(
        isinstance(item, int | float) and not isinstance(item, bool) for item in value
    )
    if not numbers or len(value) != 2 or not -LARGEST_SCORE <= value[0] < value[1] <= LARGEST_SCORE:
        raise top.wrong(
            "score_range",
            "score_range must be two numbers, the lower one first: score_range = [0, 5]",
        )
    return float(value[0]), float(value[1])


def _metrics(top: Section, labels: tuple[str, ...]) -> tuple[MetricSpec, ...]:
    names = top.texts("metrics", '["accuracy"]')
    known = [name for name in METRICS if (name in _OF_REGRESSIONS) == (not labels)]
    fitting = f"Metrics of a {'classification' if labels else 'regression'}: {', '.join(known)}."
    if not names:
        raise top.wrong("metrics", "it says no metrics", fitting)
    for name in names:
        if name not in METRICS:
            near = did_you_mean(name, METRICS)
            raise top.wrong("metrics", f"there is no metric {name!r}{near}", fitting)
        if name not in known:
            kind = "a task with labels" if labels else "a regression"
            raise top.wrong("metrics", f"{name} is no metric of {kind}", fitting)
    if "f1" in names and len(labels) != 2:
        raise top.wrong(
            "metrics", f"f1 is the F1 of the second of two labels; there are {len(labels)}",
            "For more labels take macro_f1.",
        )  # fmt: skip
    unit = top.text("unit")
    if not unit and EXACT_MATCH.name in names:
        raise top.wrong(
            "metrics", "exact_match needs to know which rows belong together",
            'Write the field that says so: unit = "question".',
        )  # fmt: skip
    return tuple(dataclasses.replace(METRICS[name], unit=unit) for name in names)


def _splits(top: Section) -> tuple[tuple[SplitSpec, ...], dict[str, str]]:
    """The splits, and the file of each, or the hub's name for it."""
    section = top.section("splits")
    splits, files = [], {}
    for name, value in section.values.items():
        own = Section({"file": value}, section.name, section.lines)
        if isinstance(value, dict):
            own = section.section(name)
            own.refuse_unknown(("file", "role", "rows", "fingerprint"))
        elif not isinstance(value, str):
            raise section.wrong(name, f'split {name} must be a file\'s name: {name} = "..."')
        files[name] = own.needed("file", f"{name}.jsonl")
        role = own.text("role", _ROLES.get(name.partition("_")[0], ""))
        if role not in {"train", "dev", "test"}:
            raise section.wrong(
                name,
                f"split {name!r} has the role {role!r}" if role else f"split {name!r} has no role",
                f'Roles are train, dev, test: {name} = {{ file = "...", role = "dev" }}.',
            )
        splits.append(
            SplitSpec(
                name=name, role=cast("Any", role), rows=own.number("rows"),
                fingerprint=own.text("fingerprint"),
            )
        )  # fmt: skip
    if not splits:
        raise section.wrong("", "[splits] names no split", 'Write train = "train.jsonl".')
    return tuple(splits), files


def _submission(top: Section) -> tuple[SubmissionFile, ...]:
    found = []
    for section in top.sections("submission"):
        section.refuse_unknown(("name", "split", "values", "decimals"))
        decimals = section.number("decimals")
        found.append(
            SubmissionFile(
                name=section.needed("name", "Task.tsv"),
                split=section.needed("split", "test"),
                values=section.section("values").words(),
                decimals=3 if decimals is None else decimals,
            )
        )
    return tuple(found)
