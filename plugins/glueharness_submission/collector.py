"""Collects findings by kind: a wrong label in every line is one finding, not 5,463."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glueharness import Finding

if TYPE_CHECKING:
    from glueharness import Answer

LINES_LISTED = 5
FINDINGS_LISTED = 5
_TEXT_SHOWN = 40


@dataclass(slots=True)
class _Kind:
    """A kind of finding: where it was seen first, and how often since."""

    what: str
    answer: Answer
    remedy: str
    lines: list[int] = field(default_factory=list)
    count: int = 1


@dataclass(slots=True)
class Collector:
    """Collects what is wrong with one file.

    Attributes:
        file: The file's name as found.
    """

    file: str
    _kinds: dict[str, _Kind] = field(default_factory=dict)

    def again(self, kind: str, line: int) -> bool:
        """Count one more line of a kind that was reported before; False if it is the first."""
        known = self._kinds.get(kind)
        if known is None:
            return False
        known.count += 1
        if len(known.lines) < LINES_LISTED:
            known.lines.append(line)
        return True

    def tell(
        self, kind: str, what: str, *, line: int = 0, answer: Answer = "rejected", remedy: str = ""
    ) -> None:
        """Report something wrong; ``line`` 0 means the whole file."""
        if not self.again(kind, line):
            self._kinds[kind] = _Kind(what, answer, remedy, [line] if line else [])

    def __contains__(self, kind: str) -> bool:
        """Whether something of that kind was reported."""
        return kind in self._kinds

    def findings(self) -> tuple[tuple[Finding, ...], int]:
        """The first few findings in the order of their lines, and how many more there are."""
        kinds = sorted(self._kinds.values(), key=lambda kind: kind.lines[:1])
        found = tuple(
            Finding(
                file=self.file,
                what=kind.what,
                answer=kind.answer,
                lines=tuple(kind.lines),
                count=kind.count,
                remedy=kind.remedy,
            )
            for kind in kinds[:FINDINGS_LISTED]
        )
        return found, max(0, len(kinds) - FINDINGS_LISTED)


def quoted(text: bytes | str) -> str:
    """Text from a file for a message: short, on one line, without control characters."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    short = text if len(text) <= _TEXT_SHOWN else text[:_TEXT_SHOWN] + "…"
    return repr(short) if short.isprintable() else ascii(short)


def plain(name: str) -> str:
    """A file name for a message, unchanged if it is harmless."""
    short = name if len(name) <= 4 * _TEXT_SHOWN else name[: 4 * _TEXT_SHOWN] + "…"
    return short if short.isprintable() else ascii(short)
