"""Specs and protocols of files that describe a plugin, so that a task needs no Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from glueharness.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@runtime_checkable
class FileReader(Protocol):
    """Reads files that describe a plugin."""

    def read(self, path: Path, content: bytes) -> object:
        """The plugin that a file describes.

        Args:
            path: Where the file is; what it names lies relative to its folder.
            content: What is in it, read once, so that it is what its hash was made from.

        Returns:
            An object whose methods implement hooks, marked with ``@glueharness.hookimpl``.

        Raises:
            ConfigError: The file is not what it should be, with ``file:line``.
        """
        ...


_ELSEWHERE = "If the file lies elsewhere by now, name the folder: --data-dir, or GLUE_DATA_DIR."


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedFile:
    """A data file that a run's record names: it is read only if it is still the same.

    Attributes:
        places: Where it may be, the likeliest first.
        sha256: SHA-256 that its content must have.
        sought: Where else it was looked for, in words for messages; empty if nowhere.
    """

    places: tuple[Path, ...]
    sha256: str
    sought: str = ""

    def find(self) -> Path:
        """The file, where it is.

        Raises:
            DataError: It is gone, or another one now.
        """
        from glueharness.system.user_files import sha256_of

        changed, unread = [], []
        for place in self.places:
            try:
                if sha256_of(place) == self.sha256:
                    return place
                changed.append(place)
            except FileNotFoundError:
                continue
            except OSError as error:
                unread.append(f"{place} cannot be read: {error.strerror or error}")
        if changed:
            raise DataError(
                f"{changed[0]} is another file than the run read: its SHA-256 is not the recorded "
                f"{self.sha256[:12]}…",
                remedy=_ELSEWHERE,
            )
        if unread:
            raise DataError(unread[0], remedy=_ELSEWHERE)
        also = f", and is not {self.sought}" if self.sought else ""
        raise DataError(f"{self.places[0]} is gone{also}", remedy=_ELSEWHERE)


@runtime_checkable
class TaskRebuilder(Protocol):
    """A file reader that can make a task again from a run's record.

    Anybody may have written the record: nothing of it may be executed, and no file be read but
    those that are given, each where :meth:`SealedFile.find` finds it.
    """

    def rebuild(self, path: Path, content: bytes, files: Mapping[str, SealedFile]) -> object:
        """The plugin that the content of such a file describes.

        Args:
            path: Where the file was, for messages; it is not read.
            content: What was in it.
            files: The data files by split; a split that is not among them has no data.

        Returns:
            As :meth:`FileReader.read`.

        Raises:
            ConfigError: The content is not what it should be.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKindSpec:
    """A kind of file that describes a plugin, as a task in TOML.

    Attributes:
        name: The suffix of such files without the point, for instance ``"toml"``.
        description: One sentence.
        factory: Makes the reader. One that can also write such a file for a task is a
            :class:`TaskDrafter`, one that can make the task again from a run's record is a
            :class:`TaskRebuilder`.
        largest: Bytes beyond which a file is refused.
    """

    name: str
    description: str
    factory: Callable[[], FileReader]
    largest: int = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRequest:
    """The data files, or the data set of the hub, that a task is to be made from.

    Attributes:
        name: Name of the task; empty to take it from the training file, or the data set.
        files: ``"train"``, ``"dev"`` and, if there is one, ``"test"`` to the file; empty for a data
            set of the hub.
        texts: Names of the one or two fields that the model sees; empty if the user did not say.
        label: Name of the field with the label; empty if the user did not say.
        folder: Where the file that describes the task is going to be.
        choices: Names of the fields with the choices, for multiple choice; ``texts`` are then what
            they are chosen for.
        dataset: A data set of the hub, ``owner/name``, with ``:configuration`` and ``@revision``
            behind it where the user said so; empty for files.
        dev_split: The data set's split that is scored; empty for the one whose name says so.
        offline: Whether the network must not be used.
    """

    name: str
    files: Mapping[str, Path]
    texts: tuple[str, ...]
    label: str
    folder: Path
    choices: tuple[str, ...] = ()
    dataset: str = ""
    dev_split: str = ""
    offline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDraft:
    """A task that was made from data files.

    Attributes:
        name: Its name.
        content: The file that describes it.
        facts: What was found, to be shown: heading to text.
    """

    name: str
    content: str
    facts: Mapping[str, str]


@runtime_checkable
class TaskDrafter(Protocol):
    """Writes the file that describes a task, from the task's data files."""

    def draft(self, request: DraftRequest) -> TaskDraft:
        """Look at the data files and describe the task.

        Raises:
            ConfigError: The user has to say more, for instance which fields are texts.
            DataError: A data file cannot be read, with ``file:line``.
        """
        ...
