"""The form of run.json as JSON Schema."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

from docs._reference.markdown import attributes_of
from glueharness.record import record

RECORDS = (
    record.RunRecord, record.DataRecord, record.SplitRecord, record.SettingRecord,
    record.EpochRecord,
)  # fmt: skip
"""The parts of a record, the whole first."""


def schema() -> dict[str, Any]:
    """The form of run.json as JSON Schema."""
    definitions = {kind.__name__: _object(kind) for kind in RECORDS}
    top = definitions.pop("RunRecord")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"glueharness run record, schema {record.SCHEMA}",
        **top,
        "$defs": definitions,
    }


def _object(kind: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    meanings = attributes_of(kind.__doc__ or "")
    fields = dataclasses.fields(kind)
    required = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    properties = {
        field.name: {"description": meanings[field.name], **_type(hints[field.name])}
        for field in fields
    }
    return {"type": "object", "required": required, "properties": properties}


def _type(hint: Any) -> dict[str, Any]:
    plain = {str: "string", int: "integer", bool: "boolean", type(None): "null"}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return {}
    if hint is float:  # what is no number is written as null
        return {"type": ["number", "null"]}
    if hint in plain:
        return {"type": plain[hint]}
    if dataclasses.is_dataclass(hint):
        return {"$ref": f"#/$defs/{getattr(hint, '__name__', '')}"}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(arguments[1])}
    if origin is list:
        return {"type": "array", "items": _type(arguments[0])}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    return {"anyOf": [_type(argument) for argument in arguments]}
