"""The most memory that the process had at once."""

from __future__ import annotations

import re
import sys
from pathlib import Path

_STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_PEAK = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)


class PeakMemory:
    """The largest resident memory of this process since this was made.

    Where the system cannot forget an earlier peak, it is known only if it is exceeded.
    """

    def __init__(self) -> None:
        try:
            _FORGET.write_text("5", encoding="ascii")  # proc(5): resets the peak
            self._before = 0
        except OSError:
            self._before = _peak() or 0

    def bytes(self) -> int | None:
        """The peak in bytes; None where it is not known."""
        now = _peak()
        return now if now is not None and now > self._before else None


def _peak() -> int | None:
    try:
        found = _PEAK.search(_STATUS.read_text(encoding="ascii", errors="replace"))
    except OSError:
        found = None
    return int(found[1]) * 1024 if found else _peak_by_usage()


def _peak_by_usage() -> int | None:
    """The peak by getrusage(2), which Windows does not have."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
