"""The trials of a search: between a searcher, which chooses, and a dispatcher, which runs."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError, GlueharnessError, RunFolderError
from glueharness.run.elsewhere import Places, result_of
from glueharness.run.many_runs import config_told
from glueharness.run.outcomes import Outcome
from glueharness.run.plan import same_run
from glueharness.run.work import make_works
from glueharness.specs import ENDS, Note, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from glueharness.plugin.registry import Registry
    from glueharness.run.dispatch import Dispatcher
    from glueharness.run.plan import PlannedRun
    from glueharness.specs import Searcher, Work

    Hear = Callable[[Work, Note], None]

_MOST_REPEATS = 50
"""So often a searcher is asked again that names settings which were tried already."""


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """A trial, with the runs that it is made of."""

    trial: Trial
    plan: list[PlannedRun]
    works: list[Work]
    ends: dict[str, Note] = field(default_factory=dict)
    stopped: bool = False

    @property
    def over(self) -> bool:
        """Whether all of its runs have ended."""
        return len(self.ends) == len({work.key for work in self.works})


class Trials:
    """Asks for settings, has their runs done, and tells how they did.

    Args:
        searcher: Who chooses.
        count: Settings to try in all, those of earlier commands included.
        plan_of: Makes the runs of a point, and says which values they have for its own.
        registry: Where names are looked up.
        hear: Hears every note of a worker.
    """

    def __init__(
        self,
        searcher: Searcher,
        count: int,
        plan_of: Callable[[Mapping[str, Any]], tuple[dict[str, Any], list[PlannedRun]]],
        registry: Registry,
        hear: Hear,
    ) -> None:
        self._searcher, self._count = searcher, count
        self._plan_of, self._registry, self._hear = plan_of, registry, hear
        self._places = Places()
        self._attempts: dict[str, _Attempt] = {}
        self._of_work: dict[str, list[_Attempt]] = {}
        self._dispatcher: Dispatcher | None = None

    @property
    def complete(self) -> int:
        """Runs that are complete."""
        ends = self._dispatcher.ends if self._dispatcher is not None else {}
        return sum(note.kind == "done" for note in ends.values())

    @property
    def tried(self) -> int:
        """Settings that were found to try."""
        return len(self._attempts)

    def begin(self, dispatcher: Dispatcher, jobs: int) -> None:
        """Submit what earlier commands tried (completed runs are only looked up), then new ones."""
        self._dispatcher = dispatcher
        under_way = 0
        for trial in self._searcher.earlier():
            if len(self._attempts) < self._count and self._submit(trial):
                under_way += trial.open
        while under_way < jobs and self._ask():
            under_way += 1

    def heard(self, work: Work, note: Note) -> None:
        """Take a worker's note: the score of an epoch, or an end."""
        self._places.note(note)
        self._hear(work, note)
        for attempt in list(self._of_work.get(work.key, ())):
            if note.kind == "evaluated" and work.key == attempt.works[0].key:
                self._report(attempt, note)
            elif note.kind in ENDS:
                attempt.ends[work.key] = note
                self._conclude(attempt)

    def outcomes(self) -> list[Outcome]:
        """What became of every run, in the order in which they were asked for."""
        return [
            self._outcome(attempt, planned, work)
            for attempt in sorted(self._attempts.values(), key=lambda each: each.trial.number)
            for planned, work in zip(attempt.plan, attempt.works, strict=True)
        ]

    def _ask(self) -> bool:
        """Have one more trial begun; returns whether there was one to begin."""
        for _ in range(_MOST_REPEATS if len(self._attempts) < self._count else 0):
            trial = self._searcher.ask()
            if self._submit(trial):
                return True
            self._searcher.tell(trial.number, None)
        return False

    def _submit(self, trial: Trial) -> bool:
        """Take a trial up; returns whether its settings are others than those before."""
        assert self._dispatcher is not None  # noqa: S101 - begin() was called
        try:
            point, plan = self._plan_of(trial.point)
        except ConfigError as error:
            told = ", ".join(f"{name} {value}" for name, value in trial.point.items())
            raise ConfigError(
                f"the settings {told} do not go together: {error.what}",
                where=error.where,
                remedy=error.remedy,
            ) from error
        name = repr([same_run(planned) for planned in plan])
        if name in self._attempts:
            return False
        attempt = _Attempt(
            trial=dataclasses.replace(trial, point=point),
            plan=plan,
            works=make_works(plan, self._registry),
            stopped=trial.stopped,
        )
        self._attempts[name] = attempt
        if not trial.stopped:
            for work in attempt.works:
                self._of_work.setdefault(work.key, []).append(attempt)
            self._dispatcher.add(attempt.works)
        return True

    def _report(self, attempt: _Attempt, note: Note) -> None:
        """Tell the score of an epoch; of several seeds the first decides, for all."""
        if not attempt.trial.open or attempt.stopped:
            return
        epoch, score = int(note.value["epoch"]), float(note.value["primary"])
        if self._searcher.report(attempt.trial.number, epoch, score):
            assert self._dispatcher is not None  # noqa: S101 - it has told a note
            attempt.stopped = True
            for work in attempt.works:
                told = {"line": "its epochs score lower than those of others: stopped early"}
                self._hear(work, Note(key=work.key, kind="told", value=told))
                self._dispatcher.stop(work.key)

    def _conclude(self, attempt: _Attempt) -> None:
        """Tell how a trial ended, once all of its runs have, and ask for another."""
        if not attempt.trial.open or not attempt.over:
            return
        kinds = {note.kind for note in attempt.ends.values()}
        if kinds == {"done"}:
            attempt.stopped = False  # it was through before it heard
        if "stopped" in kinds and not attempt.stopped:
            return  # by the user: the same command takes it up again
        attempt.trial = dataclasses.replace(attempt.trial, open=False)
        if attempt.stopped:
            self._searcher.tell(attempt.trial.number, None, stopped=True)
        else:
            # One that failed is not told of: the same command tries it again.
            with contextlib.suppress(GlueharnessError):
                self._searcher.tell(attempt.trial.number, self._score(attempt))
        self._ask()

    def _score(self, attempt: _Attempt) -> float:
        runs_dir = attempt.plan[0].config.options.runs_dir
        found = [result_of(note, runs_dir).record.primary for note in attempt.ends.values()]
        values = [value for value in found if value is not None]
        if len(values) < len(found):
            raise RunFolderError("a run has no score")
        return median(values) if attempt.plan[0].choose == "median" else fmean(values)

    def _outcome(self, attempt: _Attempt, planned: PlannedRun, work: Work) -> Outcome:
        facts = Outcome(
            config=config_told(planned),
            worker=self._places.of(work.key),
            point=planned.point,
            choose=planned.choose,
        )
        if attempt.stopped:
            return dataclasses.replace(facts, stopped=True)
        try:
            result = result_of(attempt.ends[work.key], planned.config.options.runs_dir)
        except GlueharnessError as error:
            return dataclasses.replace(facts, error=error)
        return dataclasses.replace(facts, result=result)
