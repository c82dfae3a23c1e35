"""Protocols of data: splits, opened sources, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

Role = Literal["train", "dev", "test"]

# A string, so that numpy is not imported by a plugin that merely describes itself.
FloatArray: TypeAlias = "npt.NDArray[np.float32]"
"""A numpy array of float32: the scores that a model gives."""

LABEL_COLUMN = "label"
"""Split column with label names (classification) or floats (regression); absent if unlabelled."""
INDEX_COLUMN = "index"
"""Split column with the row's number in a submission, 0 … n-1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSpec:
    """One split of a task's data.

    Attributes:
        name: The split's name, for instance ``"dev_matched"``.
        role: What it is for. Only ``train`` and ``dev`` have labels that may be scored.
        rows: Rows of the complete split; None if the task's author does not say. A split with
            fewer or more is marked partial and is not ranked beside complete ones.
        fingerprint: :func:`glueharness.data.table.fingerprint` of the official complete split;
            empty if it is not known. A split of as many other rows is marked altered.
    """

    name: str
    role: Role
    rows: int | None = None
    fingerprint: str = ""


@runtime_checkable
class Split(Protocol):
    """A read-only table, such as a ``datasets.Dataset`` or a :class:`glueharness.Table`."""

    @property
    def column_names(self) -> Sequence[str]:
        """The columns: the task's texts, and ``index`` and ``label`` if they are known."""
        ...

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def __getitem__(self, column: str, /) -> Sequence[Any]:
        """A whole column; labels are names, or floats for a regression."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """Where the user wants the data from.

    Attributes:
        source: ``"auto"`` or a source's name.
        folder: The data folder, if one was given.
        offline: Whether the network must not be touched.
    """

    source: str = "auto"
    folder: Path | None = None
    offline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOrigin:
    """Where data come from, for the record.

    Attributes:
        source: Name of the source.
        location: Folder, hub id with config, or generator.
        revision: Pinned revision or generator version; empty if there is none.
        sample: Whether these are made-up data whose scores mean nothing outside of a trial.
        official: Whether the source itself is official, for instance the hub at the revision that
            the task names: it then vouches for splits whose fingerprint nobody knows.
    """

    source: str
    location: str
    revision: str = ""
    sample: bool = False
    official: bool = False


@runtime_checkable
class TaskData(Protocol):
    """An opened source: the splits of one task."""

    @property
    def origin(self) -> DataOrigin:
        """Where the data come from."""
        ...

    @property
    def available(self) -> Sequence[str]:
        """Names of the splits that can be loaded."""
        ...

    def load(self, split: str) -> Split:
        """Read one split whole.

        Raises:
            DataError: The data are not what the task says; ``where`` is ``file:line``.
        """
        ...


@runtime_checkable
class Remarked(Protocol):
    """Opened data with remarks on what was read, for instance on rows that were left out."""

    @property
    def remarks(self) -> Sequence[str]:
        """One sentence each, with file and line; grows as splits are loaded."""
        ...


@runtime_checkable
class FromFiles(Protocol):
    """Opened data that lie in files, so that a run's record can say in which.

    They are told only for tasks that nobody has installed: see :class:`TaskRebuilder`.
    """

    @property
    def files(self) -> Mapping[str, Path]:
        """The file of each split that can be loaded."""
        ...
