"""The progress display on stderr, an ordinary listener."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.progress import MofNCompleteColumn, SpinnerColumn, TimeRemainingColumn
from rich.text import Text

from glueharness.cli.bars import BarDisplay, make_bars
from glueharness.cli.output import percent
from glueharness.plugin.hookspecs import hookimpl
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from rich.progress import TaskID

    from glueharness.plugin.events import (
        RunAdjusted,
        RunEvaluated,
        RunProgress,
        RunStarted,
        RunWarned,
    )
    from glueharness.record.record import RunRecord
    from glueharness.run.config import RunConfig

_SHOWN = (
    ("loss", "loss {:.3f}"),
    ("examples_per_second", "{:,.0f} examples/s"),
)


_SAMPLE = "bundled sample"


class ProgressDisplay(BarDisplay):
    """Shows what a run is doing: a bar per phase, a line per epoch, a panel per warning.

    Args:
        runs: How many runs there will be; for more than one there is an overall bar.
    """

    def __init__(self, runs: int = 1) -> None:
        bars = make_bars(
            MofNCompleteColumn(), TimeRemainingColumn(compact=True), before=[SpinnerColumn()]
        )
        super().__init__(bars)
        self._runs = runs
        self._overall: TaskID | None = None
        self._adjusted: dict[str, list[str]] = {}
        self._bar: TaskID | None = None
        self._phase = ""

    def announce(self, position: int, config: RunConfig) -> None:
        """Show which of several runs comes next."""
        if self._runs == 1:
            return
        if self._overall is None:
            self._overall = self._bars.add_task("all runs", total=self._runs, values="")
        words = f"{config.task}, seed {config.options.seed}"
        self._bars.update(self._overall, completed=position, values=words)

    @hookimpl
    def glueharness_run_started(self, event: RunStarted) -> None:
        """Show what runs on which data, with a panel if the data are the sample."""
        record = event.record
        rows = ", ".join(f"{name} {split.rows:,}" for name, split in record.data.splits.items())
        facts = f" · {record.model} · seed {record.seed} · {record.data.source} data ({rows})"
        self._console.print(Text.assemble((record.task, "bold"), facts))
        self._tell_standing(record)
        if event.differs:
            self.tell(event.differs)
        if record.data.sample and _SAMPLE in self._told:
            self.tell("data: the bundled sample")  # the panel of the command's first run said more
        elif record.data.sample:
            self._told.add(_SAMPLE)
            tried = "\n".join(
                f"• {name}: {reason}" for name, reason in record.data.passed_over.items()
            )
            self.warn(
                "This run uses the bundled sample: made-up texts, good for trying things out. "
                "Its scores say nothing about the real task, and it cannot be submitted.\n"
                + (f"No real data were found:\n{tried}\n" if tried else "")
                + "For real data: --data-dir FOLDER (for GLUE, the official download).",
                title=_SAMPLE,
            )
        elif record.partial:
            short = ", ".join(
                f"{name} has {split.available:,} of {split.expected:,} rows"
                for name, split in record.data.splits.items()
                if split.partial
            )
            self.warn(f"The data are not complete: {short}. The run is marked partial.", "partial")

    def _tell_standing(self, record: RunRecord) -> None:
        """Say what the rows are, where that is not told by a panel of its own."""
        splits = record.data.splits
        if record.data.sample or record.partial:
            return
        if all(split.expected is None for split in splits.values()):
            return  # the task claims nothing of its data that they could fall short of
        unknown = [name for name, split in splits.items() if split.standing == "not known"]
        if record.altered:
            changed = ", ".join(
                name for name, split in splits.items() if split.standing == "altered"
            )
            self.warn(
                f"The rows of {changed} are not the official ones, though their number is: texts "
                "or labels differ. The run is marked altered.",
                "altered data",
            )
        elif unknown == list(splits):
            self.tell("data: whether they are the official ones is not known")
        elif unknown:
            self.tell(f"data: official, except that nobody knows it of {', '.join(unknown)}")
        else:
            self.tell("data: official")

    @hookimpl
    def glueharness_run_adjusted(self, event: RunAdjusted) -> None:
        """Keep the change: all that a recipe changes are shown together, on one line."""
        self._adjusted.setdefault(event.reason, []).append(f"{event.setting} {event.value}")

    @hookimpl
    def glueharness_run_progress(self, event: RunProgress) -> None:
        """Move the bar of the current phase; by now all settings have been adjusted."""
        self._tell_adjusted()
        progress = event.progress
        if self._bar is None or progress.phase != self._phase:
            if self._bar is not None:
                self._bars.remove_task(self._bar)
            self._phase = progress.phase
            self._bar = self._bars.add_task(
                printable(progress.phase), total=progress.total or None, values=""
            )
        self._bars.update(
            self._bar,
            completed=progress.done,
            total=progress.total or None,
            values=" · ".join(
                form.format(progress.values[name])
                for name, form in _SHOWN
                if name in progress.values
            ),
        )

    @hookimpl
    def glueharness_run_evaluated(self, event: RunEvaluated) -> None:
        """Print a line for the epoch."""
        self._tell_adjusted()
        scores = " · ".join(
            f"{split} {metric} {percent(value)}"
            for split, values in event.evaluation.metrics.items()
            for metric, value in values.items()
        )
        losses = [f"loss {event.values['loss']:.4f}"] if "loss" in event.values else []
        losses += [f"{split} loss {loss:.4f}" for split, loss in event.evaluation.losses.items()]
        self._console.print(" · ".join([f"epoch {event.epoch}", *losses, scores]))

    @hookimpl
    def glueharness_run_warned(self, event: RunWarned) -> None:
        """Show a warning as a panel."""
        self.warn(event.message, "warning")

    def _tell_adjusted(self) -> None:
        for reason, settings in self._adjusted.items():
            self._console.print(f"{reason}: {', '.join(settings)}")
        self._adjusted.clear()
