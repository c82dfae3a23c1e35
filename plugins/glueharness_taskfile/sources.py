"""The ``[source]`` of a task file: where the data are, and what their fields mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueharness import (
    LABEL_COLUMN,
    CsvForm,
    FileForm,
    HubLayout,
    SourceSpec,
    csv_source,
    jsonl_source,
    parquet_source,
)
from glueharness_taskfile.templates import RowTemplate, RowTemplates, fields_of, is_template

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glueharness import SealedFile
    from glueharness_taskfile.sections import Section

_COMMON = ("kind", "columns", "labels", "rows")
_OF_FILES = (*_COMMON, "folder", "below_data_dir")
KEYS = {
    "csv": (*_OF_FILES, "delimiter", "quoted"),
    "tsv": (*_OF_FILES, "quoted"),
    "jsonl": _OF_FILES,
    "parquet": _OF_FILES,
    "hub": (*_COMMON, "dataset", "config", "revision"),
}
"""Kind of source to the keys that it has."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[\w.-]+(/[\w.-]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a task's data are; one of the two is given.

    Attributes:
        sources: A source of the task's own.
        locations: What a shared source looks for.
    """

    sources: tuple[SourceSpec, ...] = ()
    locations: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a source has to give.

    Attributes:
        columns: The task's columns.
        labels: The task's labels.
        files: Split name to its file, or to the hub's name for it.
        path: The task file.
        sealed: The files by split if a record describes the task, which alone are then read.
    """

    columns: tuple[str, ...]
    labels: tuple[str, ...]
    files: Mapping[str, str]
    path: Path
    sealed: Mapping[str, SealedFile] | None = None


def read_source(section: Section, wanted: Wanted) -> Origin:
    """The source that a ``[source]`` describes.

    Raises:
        ConfigError: It is not what it should be, with the line.
    """
    kind = section.needed("kind", " | ".join(KEYS))
    if kind not in KEYS:
        from glueharness.errors import did_you_mean

        raise section.wrong(
            "kind",
            f"there is no kind of source called {kind!r}{did_you_mean(kind, KEYS)}",
            f"Kinds are {', '.join(KEYS)}.",
        )
    section.refuse_unknown(KEYS[kind])
    columns, labels, row = _meaning(section, wanted)
    task_file = str(wanted.path)
    if kind == "hub":
        form = FileForm(columns=columns, labels=labels, row=row, task_file=task_file)
        return Origin(locations=(_hub(section, wanted, form),))
    below = section.text("below_data_dir")
    own_folder = wanted.path.parent / section.text("folder")
    # Of a record it is known where the files are, wherever its user had them.
    folder = None if below and wanted.sealed is None else own_folder
    if kind in {"csv", "tsv"}:
        csv = CsvForm(
            files=wanted.files, columns=columns, labels=labels, row=row, below=below,
            task_file=task_file, sealed=wanted.sealed,
            quoted=section.truth("quoted", default=kind == "csv"),
            delimiter="\t" if kind == "tsv" else _delimiter(section),
        )  # fmt: skip
        return Origin(sources=(csv_source(folder, csv),))
    form = FileForm(
        files=wanted.files, columns=columns, labels=labels, row=row, below=below,
        task_file=task_file, sealed=wanted.sealed,
    )  # fmt: skip
    make = jsonl_source if kind == "jsonl" else parquet_source
    return Origin(sources=(make(folder, form),))


def _delimiter(section: Section) -> str:
    delimiter = section.text("delimiter", ",")
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise section.wrong(
            "delimiter", f"the delimiter is {delimiter!r}; it must be one character"
        )
    return delimiter


def _hub(section: Section, wanted: Wanted, form: FileForm) -> HubLayout:
    repository = section.needed("dataset", "owner/name")
    if not _REPOSITORY.fullmatch(repository) or set(repository) <= {"."}:
        raise section.wrong("dataset", f"{repository!r} is no data set's name: owner/name")
    revision = section.needed("revision", "the 40 letters and digits of the commit")
    if not _COMMIT.fullmatch(revision):
        raise section.wrong(
            "revision",
            f"the revision is {revision!r}, which is no commit",
            "Give the commit's 40 letters and digits, as the hub lists it below 'Files': a branch "
            "changes, and with it the data under a recorded score.",
        )
    return HubLayout(
        repository=repository,
        revision=revision,
        config=section.text("config", "default"),
        splits=dict(wanted.files),
        form=form,
    )


def _meaning(
    section: Section, wanted: Wanted
) -> tuple[dict[str, str], dict[str, str], RowTemplates | None]:
    """What the fields mean: field names, label words, and how rows are put together."""
    columns = _columns(section, wanted)
    labels = _labels(section, wanted)
    rows = section.sections("rows")
    if not rows and not any(is_template(text) for text in columns.values()):
        _refuse_answer(section, columns, columns.get(LABEL_COLUMN, LABEL_COLUMN))
        return columns, labels, None
    templates = []
    for own in rows or [section]:
        if rows:
            own.refuse_unknown(("columns", "labels"))
        fields = {name: name for name in wanted.columns} | columns | _columns(own, wanted)
        label = fields.pop(LABEL_COLUMN, LABEL_COLUMN)
        words = labels | _labels(own, wanted)
        _refuse_answer(own, fields, label)
        templates.append(RowTemplate(columns=fields, label=label, labels=words))
    return {}, {}, RowTemplates(tuple(templates))


def _refuse_answer(section: Section, columns: Mapping[str, str], label: str) -> None:
    """Refuse a text that is, or holds, the field with the label.

    Raises:
        ConfigError: With the line.
    """
    for column, text in columns.items():
        if column != LABEL_COLUMN and label in fields_of(text):
            raise section.section("columns").wrong(
                column,
                f"{column} is made of the field {label!r}, which has the label: a model would be "
                "told the answer",
                "Leave that field out; or say which field has the label: label = ...",
            )


def _columns(section: Section, wanted: Wanted) -> dict[str, str]:
    own = section.section("columns")
    own.refuse_unknown((*wanted.columns, LABEL_COLUMN))
    return own.words()


def _labels(section: Section, wanted: Wanted) -> dict[str, str]:
    own = section.section("labels")
    words = own.words()
    for word, name in words.items():
        if name not in wanted.labels:
            from glueharness.errors import did_you_mean

            raise own.wrong(
                word,
                f"the task has no label {name!r}{did_you_mean(name, wanted.labels)}",
                f"Its labels are {', '.join(wanted.labels) or 'none: it is a regression'}.",
            )
    return words
