"""Records out of the index: what listings need at once, the rest from ``run.json`` when asked."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import msgspec

from glueharness.record.record import RunRecord
from glueharness.record.run_file import read_stored

if TYPE_CHECKING:
    from pathlib import Path

_FIELDS = (
    "id", "identity", "task", "model", "seed", "started", "finished", "status", "kind",
    "task_version", "primary", "primary_metric", "metrics",
)  # fmt: skip


class Summary(msgspec.Struct, frozen=True, array_like=True):
    """What the index keeps of a run.

    Attributes:
        digest: Hash of the ``run.json`` that all this is from.
        original: What two folders share only if one is a copy of the other.
        own: The id that the run had when it was made.
        marks: What sets the run apart.
        dev: Names of the splits that it was scored on.
        reproduction: Whether it was to reproduce another run.
        values: The fields of the record that are kept, in order; the id is the folder's name.
        planned: Identity of what was planned, if it is not that of what was computed.
    """

    digest: str
    original: str
    own: str
    marks: tuple[str, ...]
    dev: tuple[str, ...]
    reproduction: bool
    values: tuple[Any, ...]
    planned: str


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Summary)


def encode(record: RunRecord, digest: str, original: str, own: str) -> bytes:
    """A record's summary as bytes."""
    values = tuple(getattr(record, name) for name in _FIELDS)
    reproduction = record.reproduction_of is not None
    summary = Summary(
        digest, original, own, record.marks, record.dev_splits, reproduction, values,
        record.planned_identity,
    )  # fmt: skip
    return _encoder.encode(summary)


def decode(content: bytes) -> Summary:
    """A summary from what :func:`encode` gave.

    Raises:
        msgspec.MsgspecError: It is something else.
    """
    return _decoder.decode(content)


class IndexedRecord(RunRecord):
    """A record of which the index knows the summary. Anything else is read when it is asked for.

    It is used as any other record. If ``run.json`` has changed meanwhile, all of the record is what
    the file says now.
    """

    __slots__ = ("_dev", "_digest", "_marks", "_planned", "_store")
    _dev: tuple[str, ...]
    _digest: str
    _marks: tuple[str, ...]
    _planned: str
    _store: Path

    @classmethod
    def of(cls, summary: Summary, store: Path) -> IndexedRecord:
        """The record of a run in a store, of which the summary is known."""
        record = cls.__new__(cls)
        record.begin(summary, store)
        return record

    def begin(self, summary: Summary, store: Path) -> None:
        """Take over what is known."""
        self._digest, self._store = summary.digest, store
        self._marks, self._dev, self._planned = summary.marks, summary.dev, summary.planned
        if not summary.reproduction:  # which lists of runs ask of each
            self.reproduction_of = None
        for name, value in zip(_FIELDS, summary.values, strict=True):
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        """A field that is not filled yet.

        Raises:
            RunFolderError: The run was removed meanwhile.
        """
        if name not in _DETAILS:
            raise AttributeError(name)
        self.fill()
        return object.__getattribute__(self, name)

    @property
    def marks(self) -> tuple[str, ...]:
        """What sets the run apart."""
        return self._marks

    @property
    def dev_splits(self) -> tuple[str, ...]:
        """Names of the splits that it was scored on."""
        return self._dev

    @property
    def planned_identity(self) -> str:
        """The identity of what was planned; empty if that is what was computed."""
        return self._planned

    def fill(self) -> None:
        """Read what the index does not know."""
        stored = read_stored(self._store / self.id)
        known = _KNOWN if stored.digest == self._digest else frozenset()
        for name in _ALL:
            if name not in known:
                setattr(self, name, getattr(stored.record, name))
        self._digest = stored.digest
        self._marks, self._dev = stored.record.marks, stored.record.dev_splits
        self._planned = stored.record.planned_identity

    def __eq__(self, other: object) -> bool:
        """As records are equal, wherever they were read from."""
        if not isinstance(other, RunRecord):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _ALL)

    __hash__: None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy has everything."""
        return _whole_record, ({name: getattr(self, name) for name in _ALL},)


def _whole_record(values: dict[str, Any]) -> RunRecord:
    return RunRecord(**values)


_ALL = tuple(field.name for field in dataclasses.fields(RunRecord))
_KNOWN = frozenset(_FIELDS)
_DETAILS = frozenset(_ALL) - _KNOWN
