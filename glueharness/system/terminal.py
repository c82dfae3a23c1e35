"""Standard streams for long runs: a display that fails never ends the work.

The reader of the progress may go away: ``2>&1 | head`` closes its pipe, a terminal is closed while
``nohup`` keeps the run alive, the disk of a log file is full. From then on nothing more is shown.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

from glueharness.errors import GlueharnessError
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

# A download's bars are redrawn with nothing but these; a message holds other letters as well.
_BAR_MOVES = re.compile(r"(?:\x1b\[A|[\r\n])+")


class ReaderGoneError(GlueharnessError):
    """Whoever read the result, for instance ``head``, has what it wanted: a good end."""

    exit_code = 0


class _GuardedStream(io.TextIOBase):
    """A text stream around another one that handles failures to write.

    Args:
        stream: The other one.
        at_once: Whether each text is flushed.
    """

    def __init__(self, stream: TextIO, *, at_once: bool = False) -> None:
        self._stream = stream
        self._at_once = at_once
        self.over = False

    def write(self, text: str) -> int:
        """Write, if that is still possible; the number of characters, as every stream says."""
        # Click probes a stream with an empty text, and passes over what comes of it.
        if text != "" and not self.over:
            try:
                self._stream.write(text)
                if self._at_once:
                    self._stream.flush()
            except OSError as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Flush, if that is still possible."""
        if not self.over and not self._stream.closed:
            try:
                self._stream.flush()
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Let what the stream still holds go nowhere: the interpreter flushes it at its end."""
        self.over = True
        silence(self._stream)
        self._failed(error)

    def _failed(self, error: OSError) -> None:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        """What a text stream has besides is the stream's own."""
        return getattr(self._stream, name)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Name of the encoding."""
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """How letters that the encoding lacks are handled."""
        return self._stream.errors

    def isatty(self) -> bool:
        """Whether somebody looks on."""
        return not self.over and self._stream.isatty()

    def fileno(self) -> int:
        """The file descriptor."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Always."""
        return True


class MutingStream(_GuardedStream):
    """A text stream that falls silent for good at its first failure."""

    def _failed(self, error: OSError) -> None:
        """Nobody is left to be told."""


class ResultStream(_GuardedStream):
    """Standard output: that a result is lost must be told, in one sentence."""

    def _failed(self, error: OSError) -> None:
        if isinstance(error, BrokenPipeError):
            raise ReaderGoneError("nobody reads the result any more") from error
        raise GlueharnessError(
            f"the result cannot be written: {error.strerror or error}",
            where="standard output",
            remedy="Send it elsewhere; the runs and files that were made are kept.",
        ) from error


class PrintableStream(MutingStream):
    """Standard error for whoever writes to it: libraries' warnings name tensors of a checkpoint.

    Attributes:
        rich_proxied_file: What `rich` writes to in this one's place, since it means the escape
            sequences that it sends.
    """

    def __init__(self, stream: TextIO) -> None:
        self.rich_proxied_file = MutingStream(stream)
        super().__init__(cast("TextIO", self.rich_proxied_file))

    def write(self, text: str) -> int:
        """Write the text made harmless."""
        moves = _BAR_MOVES.fullmatch(text) is not None
        super().write(text if moves else _keep_returns(text))
        return len(text)


def _keep_returns(text: str) -> str:
    return "\r".join(printable(part, lines=True) for part in text.split("\r"))


@contextlib.contextmanager
def guarded_streams() -> Iterator[None]:
    """Guard both output streams in the block; see the classes above."""
    before = sys.stdout, sys.stderr
    whole = _whole(before[0])
    result = ResultStream(whole, at_once=whole is not before[0])
    guarded = result, PrintableStream(before[1])
    sys.stdout, sys.stderr = guarded
    try:
        yield
    finally:
        guarded[1].flush()
        # Somebody may have put a stream of their own there meanwhile.
        if sys.stdout is guarded[0]:
            sys.stdout = before[0]
        if sys.stderr is guarded[1]:
            sys.stderr = before[1]


def _whole(stream: TextIO) -> TextIO:
    """A stream that writes a text whole or fails, in the place of one that may write part of it.

    With ``PYTHONUNBUFFERED``, which many containers set, there is no buffer between text and file,
    and Python passes over a write of which only the beginning fitted, for instance on a full disk.
    """
    if not isinstance(getattr(stream, "buffer", None), io.RawIOBase):
        return stream
    return open(stream.fileno(), "w", encoding=stream.encoding, errors=stream.errors, closefd=False)


def open_missing_streams() -> None:
    """Open what the caller closed (``>&-``): the next file would else take its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is taken, which is this one.
            os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115 - for good
            setattr(sys, name, stream)


def forget_unusable_size() -> None:
    """Take ``COLUMNS=0`` and ``LINES=0``, which some containers set, as not set."""
    for name in ("COLUMNS", "LINES"):
        value = os.environ.get(name)
        if value is not None and not (value.isdecimal() and int(value) > 0):
            del os.environ[name]


def silence(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere, so that the interpreter can close it in peace."""
    try:
        number = stream.fileno()
    except (OSError, ValueError, AttributeError):  # it is no file: nothing will be flushed
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, number)
    finally:
        os.close(nowhere)
