"""Where a task's data are and how they look: one record for each kind of place.

A task puts these into its ``locations``. They are plain facts; a data source that reads such a
place looks for its own kind of record (:meth:`glueharness.TaskSpec.location`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness.authoring.datafiles import FileForm


@dataclass(frozen=True, slots=True, kw_only=True)
class TsvLayout:
    """A folder of tab-separated files, one file per split, for ``--data dir``.

    Attributes:
        folder: Name of the task's folder below the one that the user gives, for instance
            ``"Headlines"``.
        files: Split name to file name.
        columns: Column of the task to its heading in the files, where they differ.
        label: Heading of the labels.
        index: Heading of the row numbers in test files.
        labels: How a label is written in the files to the label's name, where they differ, for
            instance ``{"0": "negative", "1": "positive"}``.
        positions: For files without a header: split name to column to position, counted from 0.
        width: Number of fields in files without a header.
        quoted: Whether a text that contains a quote is wrapped in quotes, with its own quotes
            doubled. Without this, a quote is a character like any other.
        broken_rows: Splits whose official file has rows that were broken in two; a row that ends
            before its label is dropped there, and counted. In any other split it is an error.
        outdated: Split name to row counts of older versions of the data, and what those are.
    """

    folder: str
    files: Mapping[str, str]
    columns: Mapping[str, str] = field(default_factory=dict)
    label: str = "label"
    index: str = "index"
    labels: Mapping[str, str] = field(default_factory=dict)
    positions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    width: int = 0
    quoted: bool = False
    broken_rows: tuple[str, ...] = ()
    outdated: Mapping[str, Mapping[int, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubLayout:
    """A data set on the Hugging Face hub, for ``--data hub``.

    Attributes:
        repository: The data set's name, for instance ``"owner/dataset"``.
        revision: The commit to read, so that the data never change under a recorded score.
        config: The task's configuration in that data set.
        splits: Split name to the hub's name for it.
        quoted: As in :class:`TsvLayout`, for a data set whose texts keep the wrapping quotes.
        form: What the fields mean, for a data set that is not in GLUE's form (columns called as
            the task's, labels in the task's order, row numbers in ``idx``).
    """

    repository: str
    revision: str
    config: str
    splits: Mapping[str, str]
    quoted: bool = False
    form: FileForm | None = None
