"""Results as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness.errors import GlueharnessError
from glueharness.system.user_files import write_named

if TYPE_CHECKING:
    from pathlib import Path


def write_result(path: Path, text: str) -> None:
    """Write a result: a file whole or not at all, or into what is no file.

    Raises:
        GlueharnessError: The file cannot be written; an older one is as it was.
    """
    try:
        write_named(path, text)
    except OSError as error:
        raise GlueharnessError(
            f"the result cannot be written: {error.strerror or error}",
            where=str(path),
            remedy="Choose a file in a folder that exists and is yours to write: --output FILE",
        ) from error
