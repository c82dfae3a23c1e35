"""What is checked of a listing that a server sends: nothing that leads elsewhere comes through."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from glueharness.errors import RunFolderError
from glueharness.record.foreign import RefusedError, check_names, check_part, is_part_of_a_run
from glueharness.record.places import Found, refuse_run
from glueharness.record.run_file import RUN_FILE
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MOST_FILES = 100_000
NO_FILE = "is no file but a link, or a device"


def runs_among(
    entries: Iterable[Mapping[str, Any]], folder: str, place: str
) -> tuple[list[str], list[Found]]:
    """The folders that may be runs, and what is refused by its name or kind.

    Args:
        entries: The listing of the folder of runs, as fsspec has it.
        folder: That folder.
        place: What it is called in messages.

    Raises:
        RunFolderError: It is a run itself.
    """
    runs: list[str] = []
    refused: list[Found] = []
    for entry in entries:
        name, kind = str(entry["name"]).rstrip("/"), entry["type"]
        run = name.removeprefix(f"{folder}/")
        if kind == "file" and run == RUN_FILE:
            refuse_run(place)
        if kind == "file" or name == folder or (run.startswith(".") and "/" not in run):
            continue
        try:
            check_part(run, run)
        except RefusedError as error:
            refused.append(Found(run=run, problem=str(error)))
            continue
        if kind == "directory":
            runs.append(run)
        else:
            refused.append(Found(run=run, problem="it is no folder but a link, or a device"))
    return sorted(runs), refused


def is_file(entries: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the record in the listing of a run's folder is a file.

    Raises:
        FileNotFoundError: There is no record.
    """
    for entry in entries:
        if posixpath.basename(str(entry["name"])) == RUN_FILE:
            return bool(entry["type"] == "file")
    raise FileNotFoundError(RUN_FILE)


def sizes_among(listing: Mapping[str, Mapping[str, Any]], prefix: str, run: str) -> dict[str, int]:
    """The files of a run that are passed on, with their sizes in bytes.

    Args:
        listing: All files below the run's folder, as fsspec has them.
        prefix: That folder.
        run: The run's id.

    Raises:
        RunFolderError: There is a link among them, or a name that leads elsewhere.
    """
    sizes: dict[str, int] = {}
    for place, info in listing.items():
        inside = str(place).removeprefix(f"{prefix}/")
        if inside == place:
            raise RunFolderError(f"{printable(inside)!r} is no file of its folder")
        hidden = any(part.startswith(".") and part != ".." for part in inside.split("/"))
        if hidden or not is_part_of_a_run(inside):
            continue
        if info["type"] != "file":
            raise RunFolderError(f"{printable(inside)} {NO_FILE}")
        sizes[inside] = int(info["size"] or 0)
    if len(sizes) > _MOST_FILES:
        raise RunFolderError(f"it has more than {_MOST_FILES:,} files")
    try:
        check_names(run, sizes)
    except RefusedError as error:
        raise RunFolderError(str(error)) from error
    return sizes
