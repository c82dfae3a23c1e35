"""``run.json``: writing a record, and reading one that is not trusted."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from glueharness.errors import RunFolderError
from glueharness.record.agreement import check_agreement
from glueharness.record.record import SCHEMA, RunRecord
from glueharness.system import atomic
from glueharness.system.printable import storable_json
from glueharness.system.user_files import read_untrusted

if TYPE_CHECKING:
    from pathlib import Path

RUN_FILE = "run.json"
RUN_FILE_BYTES = 16 * 1024 * 1024
"""Beyond this a file is no record."""
_DEPTH = 12
# Far below what a reader takes: a library's message can be as long as its model has tensors.
_LONGEST_TEXT, _MOST_WARNINGS = 10_000, 500
_NESTS = frozenset({dict, list})
_SAYS_ITS_SCHEMA = b'"schema"'
_UPGRADE = "Upgrade glueharness: pip install --upgrade glueharness"


class _Header(msgspec.Struct):
    """What must be known before the rest can be read."""

    schema: int


@functools.cache
def _decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=True)


def write_record(folder: Path, record: RunRecord) -> None:
    """Write ``run.json`` whole."""
    atomic.write_text(folder / RUN_FILE, to_json(record))


def to_json(record: RunRecord) -> str:
    """The record as JSON text; a float that is not a number becomes null, a long text is cut."""
    values = _finite(dataclasses.asdict(record))
    values["error"] = _cut(record.error)
    values["command"] = [_cut(word) for word in record.command]
    values["warnings"] = [_cut(text) for text in record.warnings[:_MOST_WARNINGS]]
    if left := len(record.warnings) - _MOST_WARNINGS:
        values["warnings"] += [f"… and {left:,} more"] if left > 0 else []
    text = json.dumps(values, indent=2, ensure_ascii=False)
    return storable_json(text) + "\n"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def check_keepable(record: RunRecord) -> None:
    """Make sure that the record of a run, which has no id yet, will be read: before any work.

    Raises:
        RunFolderError: It says what cannot be kept.
    """
    content = to_json(dataclasses.replace(record, id="new")).encode()
    try:
        _decode(content, RUN_FILE)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise RunFolderError(
            f"what this run would compute cannot be kept in a record: {error}",
            remedy="The path at the end says which setting, or which fact of the task, it is.",
        ) from error


def is_keepable(value: Any) -> bool:
    """Whether a note can be kept: plain values for JSON, not nested too deeply."""
    try:
        text = json.dumps(_finite(value), ensure_ascii=False)
        return _shallow(_decoder(Any).decode(storable_json(text)), _DEPTH)
    except (TypeError, ValueError, msgspec.MsgspecError, RecursionError):
        return False


def read_record(folder: Path) -> RunRecord:
    """Read a run folder's ``run.json``; the run's id is the folder's name.

    Raises:
        RunFolderError: There is none, it is damaged, or a newer glueharness wrote it.
    """
    return read_stored(folder).record


class Stored(NamedTuple):
    """A record as it lies in a run folder.

    Attributes:
        record: The record; its id is the folder's name.
        own: The id that the run had when it was made: a copy still tells it.
        digest: A hash of the whole ``run.json``.
    """

    record: RunRecord
    own: str
    digest: str


def read_stored(folder: Path | str) -> Stored:
    """The record of a run folder, and what else its ``run.json`` tells.

    Args:
        folder: The run folder; as text where there are ten thousand of them.

    Raises:
        RunFolderError: As :func:`read_record`.
    """
    path = f"{folder}/{RUN_FILE}"
    try:
        content = read_untrusted(path, RUN_FILE_BYTES)
    except FileNotFoundError as error:
        raise RunFolderError("this folder holds no run", where=path) from error
    except OSError as error:
        raise RunFolderError(
            f"the record cannot be read: {error.strerror or error}", where=path
        ) from error
    return stored_from(content, folder)


def stored_from(content: bytes, folder: Path | str) -> Stored:
    """The record in the content of a ``run.json``, wherever that lies.

    Args:
        content: The file's content.
        folder: The folder of the file; its name is the run's id.

    Raises:
        RunFolderError: It is damaged, or a newer glueharness wrote it.
    """
    path = f"{folder}/{RUN_FILE}"
    try:
        record = _decode(content, path)
    # Only later releases of msgspec count its errors among the ValueErrors.
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise RunFolderError(f"the record is damaged: {reason}", where=path) from error
    name = folder.rpartition("/")[2] if isinstance(folder, str) else folder.name
    own, record.id = record.id, name
    if record.computation is not None:
        # The hash follows from the fields: one that does not is not believed.
        record.identity = record.computation.identity
        record.kind = record.computation.kind
    return Stored(record, own, hashlib.blake2b(content, digest_size=16).hexdigest())


def _decode(content: bytes, path: str) -> RunRecord:
    record = _of_its_schema(content, path)
    for name, free in (("notes", record.notes), ("environment", record.environment)):
        if not _shallow(free, _DEPTH):
            raise ValueError(f"{name} is nested more than {_DEPTH} levels deep")
    check_agreement(record)
    return record


def _of_its_schema(content: bytes, path: str) -> RunRecord:
    wrong: Exception | None = None
    try:  # nearly always today's; to look for its schema first would read it twice
        record: RunRecord = _decoder(RunRecord).decode(content)
        if record.schema == SCHEMA and _SAYS_ITS_SCHEMA in content:
            return record
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        wrong = error
    schema = _decoder(_Header).decode(content).schema
    if schema > SCHEMA:
        raise RunFolderError(
            f"the record has schema {schema!r}; this version reads up to {SCHEMA}",
            where=path,
            remedy=_UPGRADE,
        )
    if schema == SCHEMA:
        if wrong is not None:
            raise wrong
        return record
    return msgspec.convert(_from_schema_1(_decoder(dict[str, Any]).decode(content)), RunRecord)


def _from_schema_1(values: dict[str, Any]) -> dict[str, Any]:
    """A record of schema 1 in today's form; what it does not know stays unknown."""
    metrics = values.get("metrics")
    if isinstance(metrics, dict):
        # Such a record may hold a score that is not a number, as null: there is no such score.
        values["metrics"] = {
            split: {name: value for name, value in scores.items() if value is not None}
            if isinstance(scores, dict)
            else scores
            for split, scores in metrics.items()
        }
    return {**values, "computation": None, "seals": {}}


def _shallow(value: Any, depth: int) -> bool:
    kind = type(value)
    if kind is not dict and kind is not list:
        return True
    if depth <= 0:
        return False
    # Only what may nest: a call for each number of ten thousand records would take a while.
    inside = value.values() if kind is dict else value
    for item in [item for item in inside if type(item) in _NESTS]:
        if not _shallow(item, depth - 1):
            return False
    return True


def _finite(value: Any) -> Any:
    """JSON has no NaN; plain null is what every reader understands."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
