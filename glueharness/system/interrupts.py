"""Ctrl-C, SIGTERM and a closed terminal: the first asks to stop, the second stops at once.

A signal that whoever started the program lets it ignore stays ignored: ``nohup`` does so with
SIGHUP, and a shell with SIGINT for what it starts in the background.
"""

from __future__ import annotations

import contextlib
import ctypes
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


@contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a run the way Ctrl-C does, so that its record says so."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled(("SIGTERM", "SIGHUP"), stop):
        yield


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """A region where the first of these signals only sets a flag; the value reads it."""
    asked = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    with _handled(("SIGINT", "SIGTERM", "SIGHUP"), ask):
        yield asked.is_set


@contextmanager
def _handled(names: tuple[str, ...], handler: Handler) -> Iterator[None]:
    """Handle those of the signals that the system has and that are not ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {
        number: signal.signal(number, handler)
        for number in numbers
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
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
