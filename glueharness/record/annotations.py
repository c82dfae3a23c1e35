"""What users say of a run: tags, a note, whether it is archived. It lies beside ``run.json``.

It is no part of what was computed: neither the run's identity nor its seals know it. Like a record
it may come from anybody, and is decoded strictly.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from glueharness.errors import ConfigError, RunFolderError
from glueharness.system import atomic
from glueharness.system.user_files import read_untrusted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ANNOTATIONS_FILE = "annotations.json"
_BYTES = 1_000_000
_TAG_LENGTH, _MOST_TAGS, _NOTE_LENGTH = 100, 100, 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotations:
    """What users say of a run.

    Attributes:
        tags: Tags, sorted.
        note: A note of any length.
        archived: Whether it is left out of leaderboards and submissions.
        imported: When and from which archive it came; empty for a run that was made here.
        schema: Version of this form.
    """

    tags: tuple[Annotated[str, Meta(min_length=1, max_length=_TAG_LENGTH)], ...] = ()
    note: Annotated[str, Meta(max_length=_NOTE_LENGTH)] = ""
    archived: bool = False
    imported: Annotated[str, Meta(max_length=500)] = ""
    schema: Literal[1] = 1

    def with_tags(self, tags: Iterable[str]) -> Annotations:
        """The same with other tags.

        Raises:
            ConfigError: One is no tag, or there are too many.
        """
        found = tuple(sorted({*tags}))
        for tag in found:
            if not tag or tag != tag.strip() or "," in tag or not tag.isprintable():
                raise ConfigError(
                    f"{tag!r} is no tag",
                    remedy="A tag has letters, digits and signs; no comma, no space at its ends.",
                )
            if len(tag) > _TAG_LENGTH:
                raise ConfigError(f"a tag has at most {_TAG_LENGTH} letters, not {len(tag)}")
        if len(found) > _MOST_TAGS:
            raise ConfigError(f"a run has at most {_MOST_TAGS} tags, not {len(found)}")
        return dataclasses.replace(self, tags=found)

    def with_note(self, note: str) -> Annotations:
        """The same with another note.

        Raises:
            ConfigError: It is too long.
        """
        if len(note) > _NOTE_LENGTH:
            raise ConfigError(f"a note has at most {_NOTE_LENGTH:,} letters, not {len(note):,}")
        return dataclasses.replace(self, note=note)


NONE = Annotations()
"""Of a run that nobody has said anything of."""

_decoder = msgspec.json.Decoder(Annotations, strict=True)


def decode_annotations(content: bytes) -> Annotations:
    """Annotations from the bytes of their file.

    Raises:
        ValueError: They are something else; it says what.
    """
    try:
        return _decoder.decode(content)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise ValueError(str(error)) from error


def encode_annotations(annotations: Annotations) -> str:
    """Annotations as the text of their file."""
    return json.dumps(dataclasses.asdict(annotations), indent=2, ensure_ascii=True) + "\n"


def read_annotations(folder: Path | str) -> Annotations:
    """What users say of a run.

    Args:
        folder: The run folder.

    Raises:
        RunFolderError: The file is damaged, or no regular file.
    """
    path = f"{folder}/{ANNOTATIONS_FILE}"  # a text: they are looked for in every folder of a store
    try:
        return decode_annotations(read_untrusted(path, _BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return NONE
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise RunFolderError(
            f"the annotations of a run cannot be read: {reason}",
            where=path,
            remedy="Delete the file: its tags and note are lost, the run is not.",
        ) from error


def write_annotations(folder: Path, annotations: Annotations) -> None:
    """Keep what users say of a run; nothing said leaves no file.

    Raises:
        RunFolderError: It cannot be written.
    """
    path = folder / ANNOTATIONS_FILE
    try:
        if annotations == NONE:
            path.unlink(missing_ok=True)
        else:
            atomic.write_text(path, encode_annotations(annotations))
    except OSError as error:
        raise RunFolderError(
            f"the annotations cannot be written: {error.strerror or error}", where=str(path)
        ) from error
