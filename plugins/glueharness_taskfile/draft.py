"""Describes a task by its data files: their fields, and which labels there are."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from glueharness import LABEL_COLUMN, ConfigError, CsvForm, FileForm, TaskDraft
from glueharness.authoring.csvfiles import CSV
from glueharness.authoring.jsonfiles import JSONL
from glueharness.authoring.parquetfiles import PARQUET
from glueharness_taskfile.labels import find_labels
from glueharness_taskfile.written import check_fields, checked_name, toml_text, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from glueharness import DraftRequest
    from glueharness.authoring.datafiles import FileFormat

_FORMATS: Mapping[str, tuple[FileFormat, FileForm]] = {
    "csv": (CSV, CsvForm()),
    "tsv": (CSV, CsvForm(delimiter="\t", quoted=False)),
    "jsonl": (JSONL, FileForm()),
    "parquet": (PARQUET, FileForm()),
}


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
        fields = list(record)
        _refuse_other_delimiter(fields, path, kind)
        return fields
    raise ConfigError("there is no row in it", where=str(path))


def _refuse_other_delimiter(fields: list[str], path: Path, kind: str) -> None:
    """Say by what the fields of a file are parted, where it is not what its suffix says.

    Raises:
        ConfigError: With the way to describe such a file.
    """
    others = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}
    if kind not in {"csv", "tsv"} or len(fields) != 1:
        return
    for other, called in others.items():
        if other in fields[0]:
            raise ConfigError(
                f"the fields are parted by {called}, which {path.suffix} does not mean",
                where=f"{path}:1",
                remedy="A .csv file has commas, and a .tsv file tabs; for others write a task file "
                f"with delimiter = {toml_text(other)} below [source]: see docs/tasks.md.",
            )


def _relative(path: Path, folder: Path) -> str:
    """The way from the task file to a data file."""
    if path.is_absolute():
        return str(path)
    return os.path.relpath(path, folder)
