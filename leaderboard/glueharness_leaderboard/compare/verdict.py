"""A finished comparison in words that need no course in statistics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueharness_leaderboard.tables.texts import NOTHING, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.record.record import RunRecord
    from glueharness_leaderboard.compare.comparison import Difference, Pair
    from glueharness_leaderboard.compare.contestants import Contestant
    from glueharness_leaderboard.ranking.sections import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """A finished comparison.

    Attributes:
        section: The contestants as rows, in their order, under what they have in common.
        contestants: The contestants.
        pairs: What was compared.
        names: Run id to its shortest name.
    """

    section: Section
    contestants: Sequence[Contestant]
    pairs: Sequence[Pair]
    names: Mapping[str, str]

    def title(self, metric: str) -> str:
        """A metric's name in print."""
        specs = self.section.task.metrics if self.section.task else ()
        return plain(next((spec.title for spec in specs if spec.name == metric), metric))

    def label(self, pair: Pair) -> str:
        """``A − B``."""
        return f"{self.contestants[pair.first].label} − {self.contestants[pair.second].label}"

    def verdict(self, pair: Pair) -> str:
        """One sentence on a pair, by the primary metric."""
        first, second = self.contestants[pair.first].label, self.contestants[pair.second].label
        primary = pair.differences[0]
        p = f"p {p_relation(primary.p_corrected)}"
        size = f"{signed(primary.value, 2)} points (95 % interval {signed_interval(primary)}, {p})"
        if pair.verdict == "undefined":
            metric = self.title(primary.metric)
            return f"{first} and {second} cannot be compared: one has no {metric} on these rows."
        if pair.verdict == "identical":
            return f"{first} and {second} are right and wrong on the same rows."
        if pair.verdict == "real":
            better, worse = (first, second) if primary.value > 0 else (second, first)
            return (
                f"{better} is better than {worse}: the difference of {size} is real "
                "at the 5 % level."
            )
        if pair.verdict == "borderline":
            return (
                f"{first} against {second} is borderline: of the difference of {size}, the test "
                "says that it is real and the interval that it may not be."
            )
        return (
            f"{first} and {second} are not distinguishable: the difference of {size} "
            "may well be chance."
        )

    def remarks(self) -> list[str]:
        """What a careful reader should know, too."""
        lines = [
            *self._on_number(),
            *self._on_seeds(),
            *(
                f"The runs of {each.label} differ in more than their seed."
                for each in self.contestants
                if each.mixed
            ),
        ]
        if len({trained_on(run) for each in self.contestants for run in each.runs}) > 1:
            parts = [f"{each.label} {trained_on(each.runs[0])}" for each in self.contestants]
            lines.append(f"They were trained on different rows: {'; '.join(parts)}.")
        missing = sorted({name for pair in self.pairs for name in pair.without})
        if missing:
            lines.append(f"Not compared: {', '.join(missing)}; its plugin is not installed here.")
        return [plain(line) for line in lines]

    def _on_number(self) -> list[str]:
        if len(self.pairs) == 1:
            return []
        return [f"The verdicts allow for {len(self.pairs)} comparisons at once (Holm)."]

    def _on_seeds(self) -> list[str]:
        single = [each.label for each in self.contestants if len(each.runs) == 1]
        if len(single) == len(self.contestants):
            line = (
                "One seed each: this compares these trained models. Another seed may move "
                "either; to compare several: glueharness compare MODEL MODEL --task TASK"
            )
            return [line]
        if any(pair.borrowed for pair in self.pairs):
            line = (
                f"Of {' and '.join(single)} there is one seed; its spread over seeds is taken "
                "from the other side."
            )
            return [line]
        return []


def signed(fraction: float, digits: int) -> str:
    """A difference in points with its sign: ``+1.3``, ``−0.4``, ``0.0``; a dash for none."""
    if not math.isfinite(fraction):
        return NOTHING
    text = f"{100 * fraction:+.{digits}f}"
    if float(text) == 0:
        return f"{0:.{digits}f}"
    return text.replace("-", "−")


def signed_interval(difference: Difference) -> str:
    """The interval of a difference in points: ``+0.2 … +2.4``."""
    if difference.interval is None:
        return NOTHING
    low, high = (signed(end, 1) for end in difference.interval)
    return f"{low} … {high}"


def p_text(p: float | None) -> str:
    """A p value: ``0.013``; very small ones as a bound."""
    if p is None:
        return NOTHING
    if p < 0.0001:
        return "< 0.0001"
    return f"{p:.4f}" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def p_relation(p: float | None) -> str:
    """A p value behind the letter p: ``= 0.013`` or ``< 0.0001``."""
    text = p_text(p)
    return text if text.startswith("<") else f"= {text}"


def trained_on(run: RunRecord) -> str:
    """The rows that a run was trained on."""
    splits = [split for split in run.data.splits.values() if split.role == "train"]
    return ", ".join(f"{split.rows:,} rows, fingerprint {split.fingerprint}" for split in splits)
