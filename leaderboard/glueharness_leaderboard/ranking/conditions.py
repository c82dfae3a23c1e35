"""What runs must have in common before anybody may rank them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
        facts: dict[str, list[SplitFacts]] = {"dev": [], "train": []}
        for name, split in record.data.splits.items():
            facts.setdefault(split.role, []).append(
                SplitFacts(
                    name=name,
                    rows=split.rows,
                    fingerprint=split.fingerprint,
                    available=split.available,
                    expected=split.expected,
                )
            )
        return cls(
            task=record.task,
            version=record.task_version,
            metric=record.primary_metric,
            marks=record.marks,
            dev=tuple(facts["dev"]),
            train=tuple(facts["train"]),
        )
