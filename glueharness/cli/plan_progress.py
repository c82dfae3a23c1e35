"""The progress display of runs that workers do: how many are over, and what each one is at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from glueharness.cli.output import percent, stderr
from glueharness.run.worker import error_of
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from rich.progress import TaskID

    from glueharness.specs import Note, Work

_SAMPLE = (
    "These runs use the bundled sample: made-up texts, good for trying things out. Their scores "
    "say nothing about the real task, and they cannot be submitted.\nFor real data: --data-dir "
    "FOLDER (for GLUE, the official download)."
)


class PlanDisplay:
    """One bar for all runs, one for each that is under way, and a line for each that ends."""

    def __init__(self) -> None:
        self._console = stderr()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[values]}", style="dim", markup=False),
            console=self._console,
            transient=True,
        )
        self._all: TaskID | None = None
        self._bars: dict[str, TaskID] = {}
        self._workers: dict[str, str] = {}
        self._scores: dict[str, str] = {}
        self._told: set[str] = set()
        self._over = self._failed = 0

    def __enter__(self) -> Self:
        """Start drawing."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing; the bars disappear, the lines remain."""
        self._progress.stop()

    def expect(self, runs: int) -> None:
        """Say how many runs there are."""
        if self._all is None:
            self._all = self._progress.add_task("all runs", total=runs, values="")
        self._progress.update(self._all, total=runs)

    def tell(self, line: str) -> None:
        """Leave a line."""
        self._say(line)

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
            self._warn(str(value.get("message")))
        elif note.kind in {"done", "failed", "stopped", "lost"}:
            self._end(work, note)

    def _move(self, work: Work, total: Any, done: Any, words: str) -> None:
        if work.key not in self._bars:
            self._bars[work.key] = self._progress.add_task(printable(work.title), values="")
        worker = self._workers.get(work.key, "")
        values = printable(f"{words} · {worker}")
        self._progress.update(
            self._bars[work.key], total=total or None, completed=done, values=values
        )

    def _end(self, work: Work, note: Note) -> None:
        if work.key in self._bars:
            self._progress.remove_task(self._bars.pop(work.key))
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
            self._progress.update(self._all, completed=self._over, values=words)

    def _tell_marks(self, marks: Sequence[str]) -> None:
        if "sample" in marks:
            self._warn(_SAMPLE, "bundled sample")
        others = [mark for mark in marks if mark != "sample"]
        line = f"marked {', '.join(others)}"
        if others and line not in self._told:
            self._told.add(line)
            self._say(line)

    def _say(self, line: str, style: str = "") -> None:
        self._console.print(Text(printable(line), style=style), soft_wrap=True)

    def _warn(self, message: str, title: str = "warning") -> None:
        if message in self._told:  # another run said so already
            return
        self._told.add(message)
        text = Text(printable(message, lines=True))
        self._console.print(
            Panel(text, title=Text(title), title_align="left", border_style="yellow")
        )
