"""What runs must have in common before anybody may rank them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from glueharness.record.record import RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitFacts:
    """A split that runs were trained or scored on.

    Attributes:
        name: The split's name.
        rows: Rows used.
        fingerprint: Hash of their texts and labels.
        available: Rows that the source had.
        expected: Rows of the complete split; None if the task does not say.
    """

    name: str
    rows: int
    fingerprint: str
    available: int = field(compare=False)
    expected: int | None = field(compare=False)

    @property
    def limited(self) -> bool:
        """Whether only some of the source's rows were used."""
        return self.rows < self.available

    @property
    def partial(self) -> bool:
        """Whether the source did not have the complete split."""
        return self.expected is not None and self.available != self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What runs must have in common to be ranked together.

    Attributes:
        task: Task name.
        version: Data version, for instance QNLI's ``"v2"``.
        metric: Name of the metric that ranks.
        marks: Any of ``sample``, ``partial``, ``limited``.
        dev: The splits that they were scored on.
        train: The split that they were trained on.
    """

    task: str
    version: str
    metric: str
    marks: tuple[str, ...]
    dev: tuple[SplitFacts, ...]
    train: tuple[SplitFacts, ...]

    @classmethod
    def of(cls, record: RunRecord) -> Conditions:
        """The conditions of a run."""
        splits = tuple(
            (split.role, name, split.rows, split.fingerprint, split.available, split.expected)
            for name, split in record.data.splits.items()
        )
        facts = (record.task, record.task_version, record.primary_metric, record.marks)
        return _conditions(facts, splits)


_Split: TypeAlias = "tuple[str, str, int, str, int, int | None]"


@lru_cache(maxsize=1_000)  # most runs of a store share them, and there may be ten thousand
def _conditions(
    facts: tuple[str, str, str, tuple[str, ...]], splits: tuple[_Split, ...]
) -> Conditions:
    by_role: dict[str, list[SplitFacts]] = {"dev": [], "train": []}
    for role, name, rows, fingerprint, available, expected in splits:
        by_role.setdefault(role, []).append(
            SplitFacts(
                name=name, rows=rows, fingerprint=fingerprint, available=available,
                expected=expected,
            )
        )  # fmt: skip
    task, version, metric, marks = facts
    return Conditions(
        task=task, version=version, metric=metric, marks=marks,
        dev=tuple(by_role["dev"]), train=tuple(by_role["train"]),
    )  # fmt: skip
