"""Describes a task by its data files: which labels there are, and the TOML that says so."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from glueharness import LABEL_COLUMN, ConfigError, CsvForm, FileForm, TaskDraft, UnknownNameError
from glueharness.authoring.csvfiles import CSV
from glueharness.authoring.jsonfiles import JSONL
from glueharness.authoring.parquetfiles import PARQUET
from glueharness_taskfile.labels import find_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from glueharness import DraftRequest
    from glueharness.authoring.datafiles import FileFormat
    from glueharness_taskfile.labels import Labels

_FORMATS: Mapping[str, tuple[FileFormat, FileForm]] = {
    "csv": (CSV, CsvForm()),
    "tsv": (CSV, CsvForm(delimiter="\t", quoted=False)),
    "jsonl": (JSONL, FileForm()),
    "parquet": (PARQUET, FileForm()),
}
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_TAKEN = {LABEL_COLUMN, "index", "help"}


def draft(request: DraftRequest) -> TaskDraft:
    """Describe a task; see :meth:`glueharness.TaskDrafter.draft`."""
    if request.dataset:
        from glueharness_taskfile.hub_draft import draft_of_dataset

        return draft_of_dataset(request)
    train = request.files["train"]
    request = replace(request, label=request.label or LABEL_COLUMN)
    kind = _kind_of(train)
    for path in request.files.values():
        if _kind_of(path) != kind:
            raise ConfigError(
                f"the training file is {kind}, and this one is {_kind_of(path)}",
                where=str(path),
                remedy="All files of a task are in one format.",
            )
    name = checked_name(request.name or _name_of(train))
    fields = _fields(train, kind)
    if not request.texts:
        raise ConfigError(
            "which fields are the texts that the model sees?",
            where=str(train),
            remedy=f"Say it: --text FIELD, or twice for a pair. The file has {', '.join(fields)}.",
        )
    check_fields(request, fields)
    values = (
        (split, place, record.get(request.label))
        for split, path in request.files.items()
        for place, record in (_records(path, kind) if split != "test" else ())
    )
    labels = find_labels(values, request.label, request.choices, str(train))
    source = [f"kind = {toml_text(kind)}"]
    splits = {split: _relative(path, request.folder) for split, path in request.files.items()}
    return written(request, name, labels, source, splits)


def checked_name(name: str) -> str:
    """The name, if a task may be called so.

    Raises:
        ConfigError: It may not.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"a task cannot be called {name!r}",
            remedy="Use one lower-case word of letters, digits, '.', '_' and '-'.",
        )
    return name


def _kind_of(path: Path) -> str:
    suffix = path.suffix.lower().removeprefix(".")
    kind = {"ndjson": "jsonl", "tab": "tsv"}.get(suffix, suffix)
    if kind not in _FORMATS:
        raise ConfigError(
            f"the suffix {path.suffix!r} does not say what the file is",
            where=str(path),
            remedy=f"Files end in {', '.join(f'.{known}' for known in _FORMATS)}.",
        )
    return kind


def _name_of(train: Path) -> str:
    """A task's name from its training file: ``snli_train.csv`` and ``snli/train.csv`` are snli."""
    words = re.split(r"[\W_]*(?:^|[\W_])train(?:ing)?(?:[\W_]|$)[\W_]*", train.stem.lower())
    stem = "-".join(word for word in words if word) or train.resolve().parent.name.lower()
    return re.sub(r"[^a-z0-9_-]+", "-", stem).strip("-") or "task"


def _records(path: Path, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    read, form = _FORMATS[kind][0].read, _FORMATS[kind][1]
    return read(path, form, {})


def _fields(path: Path, kind: str) -> list[str]:
    """The names of the first record's fields."""
    for _, record in _records(path, kind):
        return list(record)
    raise ConfigError("there is no row in it", where=str(path))


def check_fields(request: DraftRequest, fields: list[str]) -> None:
    """Refuse fields that are not there or named twice, and more texts than a model sees.

    Raises:
        ConfigError: With the nearest field that is there, or the one that is named twice.
    """
    if len(request.texts) > 2:
        raise ConfigError("a model sees one or two texts", remedy="Give --text once or twice.")
    named = (*request.texts, *request.choices, request.label)
    for place, name in enumerate(named):
        if name not in fields:
            raise UnknownNameError.among("field", name, fields)
        if name in named[:place]:
            # A label among the texts would tell the model the answer; equal choices have none.
            raise ConfigError(
                f"the field {name!r} is named twice",
                remedy="Each of --text, --choice and --label takes a field of its own.",
            )


def _columns_of(texts: tuple[str, ...]) -> dict[str, str]:
    """Column to field; a field whose name is no word gets another for the command line."""
    columns: dict[str, str] = {}
    for number, text in enumerate(texts, start=1):
        word = re.sub(r"\W+", "_", text.strip()).strip("_").lower()
        name = text if text.isidentifier() and text not in _TAKEN else word
        if not name.isidentifier() or name in _TAKEN or name in columns:
            name = f"text{number}"
        columns[name] = text
    return columns


def written(
    request: DraftRequest,
    name: str,
    labels: Labels,
    source: list[str],
    splits: Mapping[str, str],
) -> TaskDraft:
    """The task and its file.

    Args:
        request: Which fields the texts, the choices and the label are.
        name: The task's name.
        labels: The labels.
        source: The lines below ``[source]``, without the columns.
        splits: Split of the task to its file, or the hub's name for it.

    Raises:
        ConfigError: A name cannot be written.
    """
    columns = _columns_of((*request.texts, *request.choices))
    texts = " and ".join(request.texts)
    renamed = {column: text for column, text in columns.items() if column != text}
    if request.label != LABEL_COLUMN:
        renamed[LABEL_COLUMN] = request.label
    chosen = list(columns)[len(request.texts) :]
    if labels.low is None:
        facts = [f"labels = {_list(labels.counts)}", f"metrics = {_list(['accuracy', 'macro_f1'])}"]
    else:
        facts = [
            f"score_range = [{labels.low:g}, {labels.high:g}]  # found in the files",
            f"metrics = {_list(['pearson', 'spearman'])}",
        ]
    content = "\n".join(
        [
            f"name = {toml_text(name)}",
            f"title = {toml_text(name)}",
            f"description = {toml_text(f'The {request.label} of {texts}.')}",
            f"columns = {_list(columns)}",
            *([f"choices = {_list(chosen)}"] if chosen else []),
            *facts,
            'licence = "not stated"',
            "",
            "[source]",
            *source,
            *([f"columns = {_table(renamed)}"] if renamed else []),
            "",
            "[splits]",
            *(f"{split} = {toml_text(place)}" for split, place in splits.items()),
            "",
        ]
    )
    try:
        content.encode()
    except UnicodeEncodeError as error:
        raise ConfigError("a field's name or a label holds half of a character") from error
    told = {"task": name, "input": " + ".join(request.texts)}
    if request.choices:
        told["choices"] = ", ".join(request.choices)
    told |= {"label": request.label, "labels": labels.told}
    return TaskDraft(name=name, content=content, facts=told)


def _relative(path: Path, folder: Path) -> str:
    """The way from the task file to a data file."""
    if path.is_absolute():
        return str(path)
    return os.path.relpath(path, folder)


def toml_text(value: str) -> str:
    """A TOML text; JSON's are written in the same way but for one sign."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(values: Any) -> str:
    return f"[{', '.join(map(toml_text, values))}]"


def _table(values: Mapping[str, str]) -> str:
    return f"{{ {', '.join(f'{key} = {toml_text(value)}' for key, value in values.items())} }}"
