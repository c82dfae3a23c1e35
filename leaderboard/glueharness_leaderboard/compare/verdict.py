"""A finished comparison in words that need no course in statistics."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueharness_leaderboard.compare.numbers import p_relation, signed, signed_ends
from glueharness_leaderboard.ranking.advice import shows_from
from glueharness_leaderboard.ranking.settings import mixed_environments
from glueharness_leaderboard.ranking.short_paths import short_paths
from glueharness_leaderboard.statistics.detectable import detectable_difference
from glueharness_leaderboard.tables.texts import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness_leaderboard.compare.comparison import Comparison, Pair, Tested
    from glueharness_leaderboard.compare.contestants import Contestant
    from glueharness_leaderboard.ranking.sections import Section
    from glueharness_leaderboard.statistics.difference import Difference

MOST_SENTENCES = 10
"""Pairs that have a sentence each; of more, each contestant has one."""
MOST_PAIRS = 325
"""Pairs that are listed: all pairs of 26."""
_MOST_NAMES = 6
_MUCH = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictWords:
    """A verdict in words, apart from the names of the two.

    Attributes:
        form: The sentence, with ``{first}``, ``{second}``, ``{points}``, ``{interval}`` and ``{p}``
            in the places of those.
        points: The difference; of a real one by how much the better one is ahead.
        interval: Its interval.
        p: What p is: ``= 0.013``.
    """

    form: str
    points: str
    interval: str
    p: str

    @classmethod
    def of(cls, found: Difference, *, title: str, tested: Tested, runs_only: bool) -> VerdictWords:
        """The words for a difference.

        Args:
            found: The difference, with its test.
            title: Name of what ranks, in print.
            tested: What the test allows for.
            runs_only: Whether nothing can be said of models, only of these runs.
        """
        form = _form(found, title, tested, runs_only=runs_only)
        if found.verdict == "real" and found.value < 0:
            # The sentence begins with the better one: its lead is no negative number.
            found = dataclasses.replace(found, value=-found.value)
        return cls(
            form=form,
            points=signed(found.value, 2),
            interval=signed_ends(found),
            p=p_relation(found.p_corrected),
        )

    def sentence(self, first: str, second: str) -> str:
        """The sentence on two of those names."""
        values = {"points": self.points, "interval": self.interval, "p": self.p}
        return self.form.format(first=first, second=second, **values)


def _form(found: Difference, title: str, tested: Tested, *, runs_only: bool) -> str:
    what = title.replace("{", "{{").replace("}", "}}")
    if found.verdict == "undefined":
        return f"{{first}} and {{second}} cannot be compared: one has no {what} on these rows."
    if found.verdict == "identical":
        # Their labels may be others: two that always say the same have a correlation of 0.
        return f"{{first}} and {{second}} have the same {what}, and no row tells them apart."
    if found.verdict == "too few rows differ":
        return (
            "{first} and {second} cannot be told apart: they differ on a handful of rows only "
            "({points} points)."
        )
    size = "{points} points (95 % interval {interval}, p {p})"
    if found.verdict == "not distinguishable":
        return (
            f"{{first}} and {{second}} are not distinguishable: the difference of {size} may well "
            f"be chance, tested for the choice of {tested}."
        )
    better, worse = ("{first}", "{second}") if found.value > 0 else ("{second}", "{first}")
    who = f"{better} is better than {worse}"
    if runs_only:
        who = f"This run of {better} is better than that of {worse}"
    return (
        f"{who}: the difference of {size} is real at the 5 % level, tested for the choice of "
        f"{tested}."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """A finished comparison.

    Attributes:
        section: The contestants as rows, in their order, under what they have in common.
        contestants: The contestants.
        comparison: What was found.
        pooled: Further models on the same rows whose seeds were asked for the spread.
        names: Run id to its shortest name.
    """

    section: Section
    contestants: Sequence[Contestant]
    comparison: Comparison
    pooled: int
    names: Mapping[str, str]

    @property
    def pairs(self) -> Sequence[Pair]:
        """The pairs that were asked for."""
        return self.comparison.pairs

    def title(self, metric: str) -> str:
        """A metric's name in print; of the mean of those that count, all of them."""
        specs = self.section.task.metrics if self.section.task else ()
        titles = {spec.name: spec.title for spec in specs}
        names = [metric] if metric else list(self.section.counted)
        return plain(" + ".join(titles.get(name, name) for name in names))

    def name(self, place: int) -> str:
        """A contestant in a sentence: its model, and its letter where models are the same."""
        each = self.contestants[place]
        models = [other.model for other in self.contestants]
        short = short_paths(models)[place]
        return plain(short if models.count(each.model) == 1 else f"{short} ({each.label})")

    def label(self, pair: Pair) -> str:
        """``A − B``."""
        return f"{self.contestants[pair.first].label} − {self.contestants[pair.second].label}"

    def verdict(self, pair: Pair) -> str:
        """One sentence on a pair, by what ranks."""
        primary = pair.primary
        words = VerdictWords.of(
            primary.difference,
            title=self.title(primary.quantity.metric),
            tested=primary.tested,
            runs_only=self._runs_only(pair),
        )
        return words.sentence(self.name(pair.first), self.name(pair.second))

    def summary(self) -> list[str]:
        """The verdicts: a sentence for each pair, or of many pairs one for each contestant."""
        if len(self.pairs) <= MOST_SENTENCES:
            return [self.verdict(pair) for pair in self.pairs]
        lines = []
        for place in range(len(self.contestants)):
            worse, better, count = self.comparison.better_than(place)
            parts = [
                f"better than {self._listed(worse)}" if worse else "",
                f"worse than {self._listed(better)}" if better else "",
            ]
            found = " and ".join(part for part in parts if part)
            rest = count - len(worse) - len(better)
            left = f"; {rest} cannot be told from it" if rest else ""
            lines.append(f"{self.name(place)} is {found or 'not told from any other'}{left}.")
        return lines

    def _listed(self, places: Sequence[int]) -> str:
        if len(places) > _MOST_NAMES:
            return f"{len(places)} others"
        return ", ".join(map(self.name, places))

    def remarks(self) -> list[str]:
        """What a careful reader should know, too."""
        lines = [
            *self._on_number(),
            *self._on_seeds(),
            *self._on_power(),
            *self._on_selection(),
            *self._on_disagreement(),
            *self._on_constants(),
            *self._on_environments(),
            *(
                f"The runs of {self.name(place)} differ in more than their seed."
                for place, each in enumerate(self.contestants)
                if each.mixed
            ),
        ]
        missing = sorted({name for each in self.comparison.measured for name in each.without})
        if missing:
            lines.append(f"Not compared: {', '.join(missing)}; its plugin is not installed here.")
        return [plain(line) for line in dict.fromkeys(lines)]

    def _on_environments(self) -> list[str]:
        """Where the seeds of one side come from several machines or versions."""
        return [
            f"The runs of {self.name(place)} come from mixed environments: {'; '.join(mixed)}."
            for place, each in enumerate(self.contestants)
            if (mixed := mixed_environments(each.runs))
        ]

    def _runs_only(self, pair: Pair) -> bool:
        """Whether nothing is known of seeds, so that nothing can be said of models."""
        sides = (pair.first, pair.second)
        return pair.primary.tested == "rows" and any(
            self.comparison.measured[place].splits[0].predictions.shape[0] == 1 for place in sides
        )

    def _on_number(self) -> list[str]:
        if len(self.pairs) == 1:
            return []
        return [
            f"The verdicts, p and intervals allow for {len(self.pairs)} comparisons at once (Holm)."
        ]

    def _on_seeds(self) -> list[str]:
        lines = []
        if any(self._runs_only(pair) for pair in self.pairs):
            lines.append(
                "One seed a side cannot carry that one model is better: another seed may turn it. "
                "To compare models, run each with --seeds 3 and name the models: "
                "glueharness compare MODEL MODEL --task TASK"
            )
        borrowed = [self.name(place) for place in self.comparison.borrowed]
        table = next(iter(self.comparison.tables.values()), None)
        if borrowed:
            lines.append(
                f"There is one seed of {' and of '.join(borrowed)}: how much seeds spread is taken "
                "from the others."
            )
        counted = [pair for pair in self.pairs if pair.primary.tested == "rows and seeds"]
        if table is None or not counted:
            return lines
        if self.pooled:
            lines.append(
                f"The spread over seeds is pooled with {self.pooled} further "
                f"{'model' if self.pooled == 1 else 'models'} on the same rows."
            )
        if table.spread.ratio > _MUCH:
            lines.append(
                f"Seeds of one model spread {table.spread.ratio:.1f} times as much as all "
                "together; with few seeds its comparisons are unsure."
            )
        unsure = any(pair.verdict == "not distinguishable" for pair in counted)
        if table.spread.pool_degrees == 1 and unsure:
            lines.append("With two seeds in all hardly anything can be shown: add a seed.")
        return lines

    def _on_power(self) -> list[str]:
        """What would have shown, where something did not."""
        found = [
            (detectable_difference(each.rows, each.seeds, each.seed_degrees), difference.most)
            for pair in self.pairs
            if pair.verdict == "not distinguishable"
            for difference in [pair.primary.difference]
            for each in [difference.components]
        ]
        return [shows_from(*max(found))] if found else []

    def _on_selection(self) -> list[str]:
        rows = self.section.rows
        lines = []
        for pair in self.pairs:
            if pair.selection > 1:
                ahead = pair.first if pair.primary.difference.value > 0 else pair.second
                lines.append(
                    f"{self.name(ahead)} is the best of {rows[ahead].epochs_tried} epochs, picked "
                    f"on these rows: where it is ahead, p is multiplied by {pair.selection:.3g}."
                )
        return lines

    def _on_disagreement(self) -> list[str]:
        """Where a single metric points the other way than the mean that ranks."""
        if len(self.section.counted) < 2:
            return []
        lines = []
        for pair in self.pairs:
            sign = math.copysign(1, pair.primary.difference.value)
            other = [
                self.title(each.quantity.metric)
                for each in pair.differences[1:]
                if each.difference.value * sign < 0
            ]
            if other:
                lines.append(f"{self.label(pair)}: {', '.join(other)} points the other way.")
        return lines

    def _on_constants(self) -> list[str]:
        lines = []
        for place, each in enumerate(self.comparison.measured):
            count = each.splits[0].predictions.shape[0]
            if each.constant:
                which = "" if each.constant == count else f" ({each.constant} of {count} seeds)"
                lines.append(f"{self.name(place)} says the same for every row{which}.")
        return lines
