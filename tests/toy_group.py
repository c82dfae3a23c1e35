"""A score group in memory: two labels, a regression, and a task with no training data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import (
    DataOptions,
    DataOrigin,
    MetricSpec,
    SourceSpec,
    SourceUnavailable,
    SplitSpec,
    SubmissionFile,
    Table,
    TaskSpec,
    hookimpl,
)
from glueharness.plugin.registry import Registry
from tests.small_task import MemoryData, SmallPlugin, parity, rows, small_plugins

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


class Nearness:
    """One less the mean distance."""

    def compute(self, *, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        """Compare position by position."""
        far = [abs(a - b) for a, b in zip(predictions, references, strict=True)]
        return {"nearness": 1 - sum(far) / len(far)}


class GroupSource:
    """Makes the rows of every task.

    Args:
        without: Tasks that have no test rows.
        short: Whether a test row is missing.
        sample: Whether it says that it is the bundled sample.
    """

    def __init__(
        self, *, without: tuple[str, ...] = (), short: bool = False, sample: bool = False
    ) -> None:
        self.without = without
        self.short = short
        self.sample = sample

    def open(self, task: TaskSpec, options: DataOptions) -> MemoryData:
        """The rows; from a folder only if it is there."""
        folder = options.folder
        if folder is not None and not folder.is_dir() and not self.sample:
            raise SourceUnavailable(f"there is no folder {folder}")
        origin = DataOrigin(source="toys", location="made in a test", sample=self.sample)
        text = task.columns[0]
        labelled = {"train": rows(20), "dev": rows(10)} if not task.trained_on else {}
        splits = {
            name: Table(
                {
                    "index": table["index"],
                    text: table["text"],
                    "label": [float(x % 5) for x in table["index"]]
                    if task.regression
                    else table["label"],
                }
            )
            for name, table in labelled.items()
        }
        if task.name not in self.without:
            # The rows come unsorted, as a source may give them.
            order = [5, 0, 3, 1, 4, 2][self.short :]
            splits["test"] = Table({"index": order, text: [f"number {n}" for n in order]})
        return MemoryData(origin, splits)


class GroupPlugin:
    """The three tasks."""

    def __init__(self, source: GroupSource | None = None) -> None:
        self.source = source or GroupSource()
        self.made = GroupSource(sample=True)

    @hookimpl
    def glueharness_tasks(self) -> list[TaskSpec]:
        """Parity under its name; a mirror of it; heights."""
        sources = (
            SourceSpec(name="toys", description="toys", factory=lambda: self.source, order=1),
            SourceSpec(name="toy-sample", description="toys", factory=lambda: self.made, order=2),
        )
        test = SplitSpec(name="test", role="test", rows=6)
        nearness = MetricSpec(
            name="nearness",
            title="Nearness",
            factory=lambda _: Nearness(),
            bounds=(-3.0, 1.0),  # heights are 0 to 4
        )
        return [
            parity(name="evenness", group="toys", sources=sources),
            parity(
                name="height",
                group="toys",
                labels=(),
                score_range=(0.0, 4.0),
                metrics=(nearness,),
                sources=sources,
                submission=(SubmissionFile(name="Height.tsv", split="test"),),
            ),
            parity(
                name="mirror",
                group="toys",
                columns=("words",),
                labels=("odd", "even"),  # the other way round than the task it leans on
                trained_on="evenness",
                splits=(test,),
                sources=sources,
                submission=(
                    SubmissionFile(
                        name="Mirror.tsv", split="test", values={"even": "even", "odd": "odd"}
                    ),
                ),
            ),
        ]


def toy_registry(source: GroupSource | None = None) -> Registry:
    """The installed plugins, the small one, and the group."""
    plugins = small_plugins(SmallPlugin())
    plugins.register(GroupPlugin(source), "toys")
    return Registry(plugins)
