"""The progress display of runs that workers do: how many are over, and what each one is at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.progress import MofNCompleteColumn

from glueharness.cli.bars import BarDisplay, make_bars
from glueharness.cli.output import percent
from glueharness.run.worker import error_of
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import TaskID

    from glueharness.specs import Note, Work

_SAMPLE = (
    "These runs use the bundled sample: made-up texts, good for trying things out. Their scores "
    "say nothing about the real task, and they cannot be submitted.\nFor real data: --data-dir "
    "FOLDER (for GLUE, the official download)."
)


class PlanDisplay(BarDisplay):
    """One bar for all runs, one for each that is under way, and a line for each that ends."""

    def __init__(self) -> None:
        super().__init__(make_bars(MofNCompleteColumn()))
        self._all: TaskID | None = None
        self._each: dict[str, TaskID] = {}
        self._workers: dict[str, str] = {}
        self._scores: dict[str, str] = {}
        self._over = self._failed = 0

    def expect(self, runs: int) -> None:
        """Say how many runs there are."""
        if self._all is None:
            self._all = self._bars.add_task("all runs", total=runs, values="")
        self._bars.update(self._all, total=runs)

    def hear(self, work: Work, note: Note) -> None:
        """Show what a worker has to say."""
        value = note.value
        if note.kind == "placed":
            self._workers[work.key] = str(value.get("worker", ""))
            self._move(work, None, 0, "begins")
        elif note.kind == "started":
            self._tell_marks(value.get("marks", ()))
        elif note.kind == "progress":
            words = f"{value.get('phase')}{self._scores.get(work.key, '')}"
            self._move(work, value.get("total"), value.get("done", 0), words)
        elif note.kind == "evaluated":
            self._scores[work.key] = f", epoch {value.get('epoch')}: {percent(value['primary'])}"
        elif note.kind == "told":
            self._say(f"{work.title}: {value.get('line')}")
        elif note.kind == "warned":
            self.warn(str(value.get("message")))
        elif note.kind in {"done", "failed", "stopped", "lost"}:
            self._end(work, note)

    def _move(self, work: Work, total: Any, done: Any, words: str) -> None:
        if work.key not in self._each:
            self._each[work.key] = self._bars.add_task(printable(work.title), values="")
        worker = self._workers.get(work.key, "")
        values = printable(f"{words} · {worker}")
        self._bars.update(self._each[work.key], total=total or None, completed=done, values=values)

    def _end(self, work: Work, note: Note) -> None:
        if work.key in self._each:
            self._bars.remove_task(self._each.pop(work.key))
        worker = self._workers.get(work.key, "")
        self._over += 1
        if note.kind == "done":
            runs = note.value.get("runs", ["?"])
            words = "was there already" if note.value.get("reused") else f"done by {worker}"
            self._say(f"{work.title}: {words}{self._scores.get(work.key, '')} ({runs[-1]})")
        elif note.kind == "stopped":
            self._say(f"{work.title}: stopped")
        else:
            self._failed += 1
            why = error_of(note.value).what if note.kind == "failed" else "its worker is gone"
            self._say(f"{work.title}: failed at {worker or 'no worker'}: {why}", style="red")
        if self._all is not None:
            words = f"{self._failed} failed" if self._failed else ""
            self._bars.update(self._all, completed=self._over, values=words)

    def _tell_marks(self, marks: Sequence[str]) -> None:
        if "sample" in marks:
            self.warn(_SAMPLE, "bundled sample")
        others = [mark for mark in marks if mark != "sample"]
        line = f"marked {', '.join(others)}"
        if others and line not in self._told:
            self._told.add(line)
            self._say(line)

    def _say(self, line: str, style: str = "") -> None:
        self.tell(printable(line), style)  # whatever a worker says, it is one line
