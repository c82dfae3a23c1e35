"""A whole plugin of a few lines: a two-label task with data in memory, for tests of the core."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from glueharness import (
    DataOptions,
    DataOrigin,
    MetricSpec,
    ModelSpec,
    SourceSpec,
    SplitSpec,
    SubmissionFile,
    Table,
    TaskSpec,
    hookimpl,
    setting,
)
from glueharness.plugin.loading import load_plugins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glueharness import FitContext, FloatArray, ModelContext, Split
    from glueharness.plugin.plugins import Plugins

LABELS = ("even", "odd")


def rows(count: int, first: int = 0) -> Table:
    """Numbers from ``first`` on as text, labelled by whether they are even."""
    numbers = range(first, first + count)
    return Table(
        {
            "index": list(range(count)),
            "text": [f"number {number}" for number in numbers],
            "label": [LABELS[number % 2] for number in numbers],
        }
    )


class Accuracy:
    """The share of equal values."""

    def compute(self, *, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        """Compare position by position."""
        equal = sum(a == b for a, b in zip(predictions, references, strict=True))
        return {"accuracy": equal / len(references)}


@dataclass
class MemoryData:
    """Opened data."""

    origin: DataOrigin
    splits: Mapping[str, Table]

    @property
    def available(self) -> list[str]:
        """Names of the splits."""
        return list(self.splits)

    def load(self, split: str) -> Split:
        """One split."""
        return self.splits[split]


class MemorySource:
    """A source that makes its rows."""

    def open(self, task: TaskSpec, options: DataOptions) -> MemoryData:
        """Always there."""
        assert task.name == "parity"
        assert isinstance(options, DataOptions)
        test = Table({name: rows(6)[name] for name in ("index", "text")})
        return MemoryData(
            DataOrigin(source="memory", location="made in a test"),
            {"train": rows(20), "dev": rows(10, first=100), "test": test},
        )


def parity(**changes: Any) -> TaskSpec:
    """The task, with some facts changed."""
    facts: dict[str, Any] = {
        "name": "parity",
        "title": "Parity",
        "description": "Is the number even or odd?",
        "columns": ("text",),
        "labels": LABELS,
        "splits": (
            SplitSpec(name="train", role="train", rows=20),
            SplitSpec(name="dev", role="dev", rows=10),
            SplitSpec(name="test", role="test", rows=6),
        ),
        "metrics": (
            MetricSpec(name="accuracy", title="Accuracy", factory=lambda _task: Accuracy()),
        ),
        "sources": (SourceSpec(name="memory", description="rows", factory=MemorySource, order=1),),
        "writer": "glue",
        "submission": (
            SubmissionFile(name="Parity.tsv", split="test", values={"even": "0", "odd": "1"}),
        ),
    }
    return TaskSpec(**{**facts, **changes})


@dataclass(frozen=True, kw_only=True)
class OracleSettings:
    """Settings of the model below."""

    error_every: int = setting(0, help="Be wrong at every so-manieth row.", low=0, high=1000)
    recipe: bool = setting(False, help="Take another error_every than the one asked for.")
    fail: str = setting(
        "", help="How to fail in fit.", choices=("", "error", "interrupt", "shape", "nan")
    )


class Oracle:
    """A model that reads the number in the text, and fails on demand."""

    def __init__(self, settings: OracleSettings) -> None:
        self.settings = settings

    def fit(self, train: Split, dev: Mapping[str, Split], context: FitContext) -> None:
        """Tell two epochs, or fail."""
        assert len(train) > 0
        if self.settings.fail == "error":
            raise RuntimeError("the model broke")
        if self.settings.fail == "interrupt":
            raise KeyboardInterrupt
        if self.settings.recipe:
            self.settings = replace(self.settings, error_every=5)
            context.adjust("error_every", 5, "recipe for oracles")
        evaluation = context.score({name: self.predict(split) for name, split in dev.items()})
        for epoch in (1, 2):
            context.epoch(epoch, evaluation, {"loss": 1.0 / epoch})

    def predict(self, split: Split) -> FloatArray:
        """One for the right label."""
        import numpy as np

        scores = np.zeros((len(split), 2), dtype=np.float32)
        for row, text in enumerate(split["text"]):
            wrong = self.settings.error_every and row % self.settings.error_every == 0
            scores[row, (int(text.split()[1]) + bool(wrong)) % 2] = 1.0
        if self.settings.fail == "shape":
            return scores[:, :1]
        if self.settings.fail == "nan":
            scores[0, 0] = np.nan
        return scores

    def save(self, folder: Path) -> None:
        """Leave a mark."""
        (folder / "oracle.txt").write_text("knows\n", encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Look for the mark."""
        assert (folder / "oracle.txt").read_text(encoding="utf-8") == "knows\n"


def make_oracle(context: ModelContext) -> Oracle:
    """The factory."""
    return Oracle(context.settings)


class SmallPlugin:
    """The plugin; ``heard`` collects the events."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    @hookimpl
    def glueharness_tasks(self) -> list[TaskSpec]:
        """One task."""
        return [parity()]

    @hookimpl
    def glueharness_models(self) -> list[ModelSpec]:
        """One model."""
        return [
            ModelSpec(
                name="oracle",
                description="Knows the answer.",
                factory=make_oracle,
                settings=OracleSettings,
            )
        ]

    @hookimpl
    def glueharness_run_started(self, event: Any) -> None:
        """Listen."""
        self.heard.append(("started", event))

    @hookimpl
    def glueharness_run_adjusted(self, event: Any) -> None:
        """Listen."""
        self.heard.append(("adjusted", event))

    @hookimpl
    def glueharness_run_progress(self, event: Any) -> None:
        """Listen."""
        self.heard.append(("progress", event))

    @hookimpl
    def glueharness_run_evaluated(self, event: Any) -> None:
        """Listen."""
        self.heard.append(("evaluated", event))

    @hookimpl
    def glueharness_run_warned(self, event: Any) -> None:
        """Listen."""
        self.heard.append(("warned", event))

    @hookimpl
    def glueharness_run_finished(self, event: Any) -> None:
        """Listen."""
        self.heard.append(("finished", event))

    @hookimpl
    def glueharness_run_failed(self, event: Any) -> None:
        """Listen."""
        self.heard.append(("failed", event))


def small_plugins(plugin: SmallPlugin | None = None) -> Plugins:
    """The installed plugins and the small one."""
    plugins = load_plugins()
    plugins.register(plugin or SmallPlugin(), "small")
    return plugins
