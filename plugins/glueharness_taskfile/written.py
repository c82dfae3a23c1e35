"""The TOML file of a task that was described by its data."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from glueharness import LABEL_COLUMN, ConfigError, TaskDraft, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness import DraftRequest
    from glueharness_taskfile.labels import Labels

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_TAKEN = {LABEL_COLUMN, "index", "help"}


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
            f"score_range = [{_number(labels.low)}, {_number(labels.high)}]  # found in the files",
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


def toml_text(value: str) -> str:
    """A TOML text; JSON's are written in the same way but for one sign."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _number(value: float | None) -> str:
    """A number, short where that is exact: a rounded limit would leave its own row out."""
    short = f"{value:g}"
    return short if value is None or float(short) == value else repr(value)


def _list(values: Any) -> str:
    return f"[{', '.join(map(toml_text, values))}]"


def _table(values: Mapping[str, str]) -> str:
    return f"{{ {', '.join(f'{key} = {toml_text(value)}' for key, value in values.items())} }}"
