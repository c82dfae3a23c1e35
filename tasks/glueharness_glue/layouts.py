"""Where a task's data lie: one record for each source that has them.

A task puts these into its ``locations``; the sources of this package look for their own kind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


GLUE_REPOSITORY = "nyu-mll/glue"
GLUE_REVISION = "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c"


@dataclass(frozen=True, slots=True, kw_only=True)
class TsvLayout:
    """A task in the official GLUE download: a folder with one file a split.

    Attributes:
        folder: Name of the task's folder, for instance ``"SST-2"``.
        files: Split name to file name.
        columns: Column of the task to its heading in the files, where they differ.
        label: Heading of the labels.
        index: Heading of the row numbers in test files.
        labels: What stands in the files for a label to the label's name, where they differ, for
            instance ``{"0": "negative", "1": "positive"}``.
        positions: For files with no header: split name to column to position, counted from 0.
        width: Number of fields in files with no header.
        quoted: Whether a text that holds a quote is wrapped in quotes, its own quotes doubled.
            Everywhere else a quote is a character like any other.
        broken_rows: Splits whose official file has rows that were broken in two; a row that ends
            before its label is dropped there, and counted. Anywhere else it is an error.
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
    """A task in a data set on the Hugging Face hub.

    Attributes:
        config: The task's configuration there.
        splits: Split name to the hub's name for it.
        repository: The data set's id.
        revision: The commit to read, so that data never change under a recorded score.
        quoted: As in :class:`TsvLayout`; the hub keeps the wrapping quotes.
    """

    config: str
    splits: Mapping[str, str]
    repository: str = GLUE_REPOSITORY
    revision: str = GLUE_REVISION
    quoted: bool = False


def unquoted(text: str) -> str:
    """A text without the quotes it is wrapped in; as it is, if it is not properly wrapped.

    ``'"He said ""no""."'`` becomes ``'He said "no".'``.
    """
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    if '"' in inner.replace('""', ""):
        return text
    return inner.replace('""', '"')
