"""Which of the project's files a command enters: ``python -m tests.entered_files run qnli ...``.

A file counts once a function of it is entered, whoever calls it; being imported does not count.
The fewer a reader has to open to follow a command, the better.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

ROOT = Path(__file__).resolve().parents[1]
_SHELVES = tuple(f"{ROOT}/{name}/" for name in ("glueharness", "tasks", "plugins", "leaderboard"))


def entered(arguments: Sequence[str]) -> tuple[list[str], int]:
    """The files that ``glueharness`` enters with these words, and its exit code."""
    from glueharness.cli import main

    found: set[str] = set()

    def watch(frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        # The body of a module or class is import, not work.
        if event == "call" and code.co_name != "<module>" and code.co_flags & 0x2:
            found.add(code.co_filename)

    code = 0
    sys.setprofile(watch)
    try:
        main(list(arguments))
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.setprofile(None)
    ours = (name for name in found if name.startswith(_SHELVES))
    return sorted(Path(name).relative_to(ROOT).as_posix() for name in ours), code


if __name__ == "__main__":
    files, exit_code = entered(sys.argv[1:])
    for name in files:
        sys.stderr.write(f"{name}\n")
    sys.stderr.write(f"{len(files)} files, exit code {exit_code}\n")
