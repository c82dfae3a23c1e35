"""``DefinitionRecord``: what a record keeps of a task that no installed plugin has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

from glueharness.record.computation import Name

DEFINITION_SIGNS = 1 << 20
"""Characters beyond which the definition of a task is not kept."""
Place = Annotated[str, Meta(min_length=1, max_length=10_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """A data file as the run read it.

    Attributes:
        path: Where it was, absolute.
        sha256: SHA-256 of its content.
    """

    path: Place
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionRecord:
    """A task that nobody has installed, as the file described it that it was made from.

    The content is that of a task file, be it on a disk or made on the spot of data files; which
    plugin reads it, its kind says. The task's code (:attr:`TaskComputed.code`) is its hash.

    Attributes:
        kind: The kind of file, as its suffix says it: ``toml``.
        path: Where the file was, or would have been, absolute.
        content: What was in it.
        files: The data files by split; empty if the data are in no files.
    """

    kind: Name
    path: Place
    content: Annotated[str, Meta(max_length=DEFINITION_SIGNS)]
    files: Annotated[dict[Name, FileRecord], Meta(max_length=1_000)] = field(default_factory=dict)
