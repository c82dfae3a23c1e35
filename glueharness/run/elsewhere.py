"""A plan that workers of an executor do: ``run … --executor NAME --jobs N``."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.errors import ConfigError, GlueharnessError, Interrupted, RunFolderError
from glueharness.record.run_file import read_record
from glueharness.run.dispatch import RETRIES, Dispatcher, work_folder
from glueharness.run.many_runs import config_told
from glueharness.run.one_run import RunResult
from glueharness.run.outcomes import Outcome
from glueharness.run.parcel import unpack
from glueharness.run.work import make_works
from glueharness.run.worker import error_of
from glueharness.specs import ExecutorContext

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.run.plan import PlannedRun
    from glueharness.specs import Note, Work

LOCAL = "local"
"""The executor that a command has where it names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where a plan is done.

    Attributes:
        name: The executor's name.
        argument: What stands behind it and a colon.
        jobs: Runs at a time at most; None: the executor's choice.
    """

    name: str = LOCAL
    argument: str = ""
    jobs: int | None = None

    @classmethod
    def parse(cls, text: str, jobs: int | None) -> Where:
        """From ``ray:ADDRESS`` and a number of jobs.

        Raises:
            ConfigError: No job at a time, or nothing behind the colon.
        """
        if jobs is not None and jobs < 1:
            raise ConfigError(f"--jobs must be at least 1, not {jobs}")
        name, colon, argument = text.partition(":")
        if colon and not argument.strip():  # the variable of a script that nobody has set
            raise ConfigError(
                f"nothing stands behind the colon of --executor {text}",
                remedy=f"Write --executor {name}, or {name}:ADDRESS for a place that is there.",
            )
        return cls(name=name, argument=argument, jobs=jobs)

    @property
    def here(self) -> bool:
        """Whether that is this very process, one run after another."""
        return self.name == LOCAL and not self.argument and self.jobs in {None, 1}


@dataclass(slots=True)
class Places:
    """Which worker has a work, and where its log is."""

    worker: dict[str, str] = field(default_factory=dict)
    log: dict[str, str] = field(default_factory=dict)

    def note(self, note: Note) -> None:
        """Take what a note tells of it."""
        if "worker" in note.value:
            self.worker[note.key] = str(note.value["worker"])
        if note.value.get("log"):
            self.log[note.key] = str(note.value["log"])

    def of(self, key: str) -> str:
        """The worker of a work, and its log, in words; empty if none took it."""
        worker, log = self.worker.get(key, ""), self.log.get(key, "")
        return f"{worker}, log {log}" if log else worker


def run_elsewhere(
    plan: Sequence[PlannedRun],
    registry: Registry,
    where: Where,
    hear: Callable[[Work, Note], None] = lambda _work, _note: None,
) -> list[Outcome]:
    """Let an executor's workers do every run of a plan; one that fails does not stop the others.

    Args:
        plan: The runs.
        registry: Where names are looked up.
        where: The executor.
        hear: Hears every note of a worker.

    Raises:
        Interrupted: The user stopped it; what was done is kept, and not repeated next time.
        GlueharnessError: The executor cannot be made, or takes no works.
    """
    works = make_works(plan, registry)
    runs_dir = plan[0].config.options.runs_dir
    places = Places()

    def heard(work: Work, note: Note) -> None:
        places.note(note)
        hear(work, note)

    with work_folder(runs_dir) as (folder, token):
        context = ExecutorContext(folder=folder, jobs=where.jobs, argument=where.argument)
        executor = registry.executor(where.name, context)
        try:
            dispatcher = Dispatcher(executor, folder, token, heard)
            dispatcher.add(works)
            stopped = dispatcher.run()
        finally:
            executor.close()
    ends = dispatcher.ends
    if stopped:
        done = sum(note.kind == "done" for note in ends.values())
        raise stopped_after(done, len({work.key for work in works}), runs_dir)
    return [
        _outcome(planned, ends[work.key], runs_dir, places.of(work.key))
        for planned, work in zip(plan, works, strict=True)
    ]


def stopped_after(done: int, count: int, runs_dir: Path) -> Interrupted:
    """The error of a plan that the user stopped."""
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    return Interrupted(
        f"stopped after {done} of {count} runs",
        where=str(runs_dir),
        remedy=f"The same command continues from here: {command}",
    )


def _outcome(planned: PlannedRun, note: Note, runs_dir: Path, worker: str) -> Outcome:
    config = config_told(planned)
    try:
        result = result_of(note, runs_dir)
    except GlueharnessError as error:
        return Outcome(
            config=config, error=error, worker=worker, point=planned.point, choose=planned.choose
        )
    return Outcome(
        config=config, result=result, worker=worker, point=planned.point, choose=planned.choose
    )


def result_of(note: Note, runs_dir: Path) -> RunResult:
    """The run that a work's last note tells of.

    Raises:
        GlueharnessError: It failed, its worker is gone, or it cannot be read.
    """
    if note.kind == "failed":
        raise error_of(note.value)
    if note.kind != "done":
        raise RunFolderError(
            f"its worker is gone, {RETRIES + 1} times in all: "
            f"{note.value.get('why') or 'it said nothing'}",
            remedy="The same command resumes the run from its last checkpoint.",
        )
    record: RunRecord | None = None
    archives = note.value.get("archives", {})
    for run in note.value["runs"]:
        if run in archives:
            record = unpack(archives[run], run, runs_dir)
        else:
            record = read_record(runs_dir / Path(run).name)
    if record is None:
        raise RunFolderError("a worker says that it is done, and names no run")
    reused = bool(note.value.get("reused"))
    return RunResult(record=record, folder=runs_dir / record.id, reused=reused)
