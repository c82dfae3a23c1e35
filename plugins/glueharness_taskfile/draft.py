"""Describes a task by its data files: which labels there are, and the TOML that says so."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness import LABEL_COLUMN, ConfigError, CsvForm, FileForm, TaskDraft, UnknownNameError
from glueharness.authoring.csvfiles import CSV
from glueharness.authoring.datafiles import label_word, shown
from glueharness.authoring.jsonfiles import JSONL
from glueharness.authoring.parquetfiles import PARQUET

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
_MANY = 200
"""More labels than these are texts that somebody took for labels."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_FEW = 10
_SHOWN = 12
_TAKEN = {LABEL_COLUMN, "index", "help"}


@dataclass(frozen=True, slots=True)
class _Labels:
    """What the labels of the data files are.

    Attributes:
        counts: How each is written to how often it occurs in the training file.
        low: The lowest of them, if all are numbers and one is no whole number; else None.
        high: The highest of them.
    """

    counts: Mapping[str, int]
    low: float | None = None
    high: float | None = None


def draft(request: DraftRequest) -> TaskDraft:
    """Describe a task; see :meth:`glueharness.TaskDrafter.draft`."""
    train = request.files["train"]
    kind = _kind_of(train)
    for path in request.files.values():
        if _kind_of(path) != kind:
            raise ConfigError(
                f"the training file is {kind}, and this one is {_kind_of(path)}",
                where=str(path),
                remedy="All files of a task are in one format.",
            )
    name = request.name or _name_of(train)
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"a task cannot be called {name!r}",
            remedy="Use one lower-case word of letters, digits, '.', '_' and '-'.",
        )
    fields = _fields(train, kind)
    _check_fields(request, fields, train)
    labels = _labels(request, kind)
    columns = _columns_of((*request.texts, *request.choices))
    content = _written(request, name, kind, (columns, labels))
    try:
        content.encode()
    except UnicodeEncodeError as error:
        raise ConfigError(
            "a field's name or a label holds half of a character", where=str(train)
        ) from error
    facts = {"task": name, "input": " + ".join(request.texts)}
    if request.choices:
        facts["choices"] = ", ".join(request.choices)
    facts |= {"label": request.label, "labels": _told(labels)}
    return TaskDraft(name=name, content=content, facts=facts)


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


def _check_fields(request: DraftRequest, fields: list[str], train: Path) -> None:
    listing = ", ".join(fields)
    if not request.texts:
        raise ConfigError(
            "which fields are the texts that the model sees?",
            where=str(train),
            remedy=f"Say it: --text FIELD, or twice for a pair. The file has {listing}.",
        )
    if len(request.texts) > 2:
        raise ConfigError("a model sees one or two texts", remedy="Give --text once or twice.")
    for name in (*request.texts, *request.choices, request.label):
        if name not in fields:
            raise UnknownNameError.among("field", name, fields)


def _labels(request: DraftRequest, kind: str) -> _Labels:
    """The labels of the training and the dev file, in the order of their numbers or names."""
    counts: dict[str, int] = {}
    numbers: list[float] = []
    for split, path in request.files.items():
        for place, record in _records(path, kind) if split != "test" else ():
            word = label_word(record.get(request.label))
            if word is None or not word:
                what = shown(record.get(request.label))
                raise ConfigError(f"the label ({request.label}) is {what}", where=place)
            counts[word] = counts.get(word, 0) + (split == "train")
            number = _number(word)
            if number is not None:
                numbers.append(number)
            if len(counts) > _MANY and len(numbers) < sum(counts.values()):
                raise ConfigError(
                    f"the field {request.label!r} has more than {_MANY} values, such as {word!r}",
                    where=place,
                    remedy="Is it the label? Say which field is: --label FIELD.",
                )
    if request.choices:
        return _labels_of_choices(request, counts)
    values = [_number(word) for word in counts]
    plain = [value for value in values if value is not None]
    if len(plain) == len(values) and any(not value.is_integer() for value in plain):
        return _Labels(counts, min(plain), max(plain))
    if len(counts) > _MANY:
        return _Labels(counts, min(plain), max(plain))
    alike = len(counts) < 2
    if alike or (len(counts) > _FEW and max(counts.values()) < 2):
        what = f"is {next(iter(counts))!r} in each row" if alike else "is another one in each row"
        raise ConfigError(
            f"the field {request.label!r} {what}",
            where=str(request.files["train"]),
            remedy="Is it the label? Say which field is: --label FIELD.",
        )
    ordered = sorted(counts, key=lambda word: (_number(word) is None, _number(word) or 0.0, word))
    return _Labels({word: counts[word] for word in ordered})


def _labels_of_choices(request: DraftRequest, counts: Mapping[str, int]) -> _Labels:
    """Which choice each label means: numbers count them, from 0 or 1; names are those of fields.

    Raises:
        ConfigError: They are neither.
    """
    for start in (0, 1):
        words = [str(start + number) for number in range(len(request.choices))]
        if set(counts) <= set(words):
            return _Labels({word: counts.get(word, 0) for word in words})
    if set(counts) <= set(request.choices):
        return _Labels({word: counts.get(word, 0) for word in request.choices})
    listing = ", ".join(sorted(counts)[:_SHOWN])
    raise ConfigError(
        f"the labels are {listing}, which do not say which of the {len(request.choices)} choices "
        "is right",
        where=str(request.files["train"]),
        remedy="They must be the choices' numbers or the names of their fields; write any others "
        "below [source.labels] in a task file.",
    )


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


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


def _written(
    request: DraftRequest, name: str, kind: str, found: tuple[dict[str, str], _Labels]
) -> str:
    """The file."""
    columns, labels = found
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
    return "\n".join(
        [
            f"name = {_text(name)}",
            f"title = {_text(name)}",
            f"description = {_text(f'The {request.label} of {texts}.')}",
            f"columns = {_list(columns)}",
            *([f"choices = {_list(chosen)}"] if chosen else []),
            *facts,
            'licence = "not stated"',
            "",
            "[source]",
            f"kind = {_text(kind)}",
            *([f"columns = {_table(renamed)}"] if renamed else []),
            "",
            "[splits]",
            *(
                f"{split} = {_text(_relative(path, request.folder))}"
                for split, path in request.files.items()
            ),
            "",
        ]
    )


def _relative(path: Path, folder: Path) -> str:
    """The way from the task file to a data file."""
    if path.is_absolute():
        return str(path)
    return os.path.relpath(path, folder)


def _text(value: str) -> str:
    """A TOML text; JSON's are written in the same way but for one sign."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(values: Any) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _table(values: Mapping[str, str]) -> str:
    return f"{{ {', '.join(f'{key} = {_text(value)}' for key, value in values.items())} }}"


def _told(labels: _Labels) -> str:
    """The labels with their number of training rows."""
    if labels.low is not None:
        return f"numbers from {labels.low:g} to {labels.high:g}: a regression"
    items = [f"{word} ({count:,})" for word, count in labels.counts.items()]
    more = f", … ({len(items)} labels)" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more
