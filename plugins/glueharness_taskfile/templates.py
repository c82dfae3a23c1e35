"""Rows that are put together from a record's fields: ``"{word}: {sentence1}"``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness import LABEL_COLUMN, DataError
from glueharness.authoring.datafiles import label_word, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELD = re.compile(r"\{([^{}]*)\}")


def is_template(text: str) -> bool:
    """Whether a column is put together from fields, and is not simply one."""
    return bool(_FIELD.search(text))


def fields_of(text: str) -> set[str]:
    """The fields that a column is made of."""
    return set(_FIELD.findall(text)) or {text}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTemplate:
    """How one row is made of a record.

    Attributes:
        columns: Column of the task to a field's name, or to a text with fields in braces.
        label: Name of the field with the label.
        labels: How the label is written to the label's name.
    """

    columns: Mapping[str, str]
    label: str
    labels: Mapping[str, str]

    def fill(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The row; fields that no column is made of stay as they are.

        Raises:
            DataError: The record lacks a field, or it is missing there.
        """
        row = {name: value for name, value in record.items() if name != LABEL_COLUMN}
        row |= {name: _filled(text, record) for name, text in self.columns.items()}
        if self.label in record:
            label = record[self.label]
            row[LABEL_COLUMN] = self.labels.get(label_word(label) or "", label)
        return row


@dataclass(frozen=True, slots=True)
class RowTemplates:
    """The row function of a task file: the rows that each record stands for.

    Attributes:
        rows: How each of them is made.
    """

    rows: tuple[RowTemplate, ...]

    def __call__(self, record: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Make the rows."""
        return [row.fill(record) for row in self.rows]


def _filled(text: str, record: Mapping[str, Any]) -> Any:
    if not is_template(text):
        return _field(text, record)

    def of(match: re.Match[str]) -> str:
        value = _field(match[1], record)
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise DataError(f"the field {match[1]!r} is {shown(value)}, which is not text")
        return str(value)

    return _FIELD.sub(of, text)


def _field(name: str, record: Mapping[str, Any]) -> Any:
    if name not in record:
        raise DataError(
            f"the record lacks {name!r}; it has {', '.join(map(str, record)) or 'nothing'}",
            remedy="Say in the task's file how the field is called here.",
        )
    return record[name]
