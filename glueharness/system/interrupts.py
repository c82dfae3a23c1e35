"""Ctrl-C, SIGTERM and a closed terminal: the first asks to stop, the second stops at once.

A signal that whoever started the program lets it ignore stays ignored: ``nohup`` does so with
SIGHUP, and a shell with SIGINT for what it starts in the background.

SIGTERM and SIGHUP come twice where nobody asks twice: the kernel tells of a parent's end once for
each of its threads, and what starts processes passes on what the whole group has had already. So
the same one within a second is one. Two quick Ctrl-C are two: a person pressed them.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    Handler = Callable[[int, FrameType | None], None]

_PR_SET_PDEATHSIG = 1
_SECONDS_OF_ECHO = 1.0
_regions = 0
_came: dict[int, float] = {}
"""When a signal came last, by its number; since the outermost region began."""
_heard = threading.Lock()


def _is_echo(number: int) -> bool:
    """Whether a signal is one that came already."""
    if not _heard.acquire(blocking=False):  # it came in the middle of this, for another one
        return True
    try:
        now = time.monotonic()
        if number != signal.SIGINT and now - _came.get(number, -math.inf) < _SECONDS_OF_ECHO:
            return True
        _came[number] = now
        return False
    finally:
        _heard.release()


@contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a run the way Ctrl-C does, so that its record says so."""

    def stop(number: int, _frame: FrameType | None) -> None:
        if not _is_echo(number):
            raise KeyboardInterrupt

    with _handled(("SIGTERM", "SIGHUP"), stop):
        yield


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """A region where the first of these signals only sets a flag; the value reads it."""
    asked = threading.Event()

    def ask(number: int, _frame: FrameType | None) -> None:
        if _is_echo(number):
            return
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    with _handled(("SIGINT", "SIGTERM", "SIGHUP"), ask):
        yield asked.is_set


@contextmanager
def _handled(names: tuple[str, ...], handler: Handler) -> Iterator[None]:
    """Handle those of the signals that the system has and that are not ignored."""
    global _regions  # noqa: PLW0603 - as the handlers of signals, it is the process's
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {
        number: signal.signal(number, handler)
        for number in numbers
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    if not _regions:
        _came.clear()
    _regions += 1
    try:
        yield
    finally:
        _regions -= 1
        for number, earlier in before.items():
            signal.signal(number, earlier)


def end_with_parent() -> None:
    """From now on, get SIGTERM when the process that started this one is gone, however it went."""
    parent = os.getppid()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # gone just before
                os.kill(os.getpid(), signal.SIGTERM)
            return
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent's watch").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
