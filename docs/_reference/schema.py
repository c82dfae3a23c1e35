"""The form of run.json as JSON Schema, made from the types that records are decoded by."""

from __future__ import annotations

from typing import Any

import msgspec

from docs._reference.markdown import attributes_of
from glueharness.record import computation, definition, record

RECORDS = (
    record.RunRecord, record.DataRecord, record.SplitRecord, record.SettingRecord,
    record.EpochRecord, record.ParentRecord, computation.Computation, computation.TaskComputed,
    computation.ModelComputed, definition.DefinitionRecord, definition.FileRecord,
)  # fmt: skip
"""The parts of a record, the whole first."""


def schema() -> dict[str, Any]:
    """The form of run.json as JSON Schema."""
    made = msgspec.json.schema(record.RunRecord)
    definitions: dict[str, Any] = made["$defs"]
    for kind in RECORDS:
        meanings = attributes_of(kind.__doc__ or "")
        definitions[kind.__name__].pop("title", None)
        for name, form in definitions[kind.__name__]["properties"].items():
            _describe(definitions[kind.__name__]["properties"], name, form, meanings[name])
    top = definitions.pop("RunRecord")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"glueharness run record, schema {record.SCHEMA}",
        **top,
        "$defs": definitions,
    }


def _describe(properties: dict[str, Any], name: str, form: dict[str, Any], meaning: str) -> None:
    """Put a field's meaning before its form."""
    form.pop("description", None)  # the docstring of the type that a reference leads to
    properties[name] = {"description": meaning, **form}
