"""Ending a process that holds very much."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from typing import NoReturn


def leave_at_once(code: int) -> NoReturn:
    """End this process without freeing what it holds: the system takes all of it back at once.

    To free ten thousand records one by one takes as long as to read three thousand. What is to be
    done at the end of a process is done, and what was printed is written.

    Args:
        code: The exit code.
    """
    with contextlib.suppress(Exception):  # they print what is wrong themselves
        atexit._run_exitfuncs()  # noqa: SLF001 - there is no other way to them
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
