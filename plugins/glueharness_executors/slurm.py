"""Slurm, through submitit: works become job arrays, and come back by notes in the shared folder.

A job that is preempted, or whose time is up, saves a checkpoint, returns to the queue, and resumes.
Jobs go on when the driver is gone; the same command finds them by their handles.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness import ENDS, ConfigError, GlueharnessError, Note, RunFolderError
from glueharness.run.work_folder import WorkFolder, last_words
from glueharness.run.worker import do, failed_with
from glueharness_executors.missing import require
from glueharness_executors.slurm_tools import command, longest_minutes, options_of, states

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

    from glueharness import ExecutorContext, Work
    from glueharness.specs import NoteKind

_FOLDER = "slurm"
_SECONDS_BETWEEN_LOOKS = 2.0
_SECONDS_BETWEEN_NOTES = 0.1
_SECONDS_UNTIL_FILES_SHOW = 6.0
_TIMEOUTS = 100
_STOP = "stop"
_OVER = {
    "COMPLETED": "its job ended without a word",
    "FAILED": "its job failed",
    "NODE_FAIL": "its node failed",
    "BOOT_FAIL": "its node failed",
    "TIMEOUT": "its job's time was up",
    "DEADLINE": "its job's time was up",
    "PREEMPTED": "its job was preempted",
    "": "Slurm no longer knows its job",
}
"""States of jobs that are over, and what they mean if no worker said how."""
_NOT_AGAIN = {
    "OUT_OF_MEMORY": ("ran out of memory", "Give it more: --executor slurm:mem=8G"),
    "CANCELLED": ("was cancelled", "The same command resumes the run."),
}


@dataclass(slots=True)
class _Job:
    """A job of Slurm's.

    Attributes:
        number: Its id, ``12`` or ``12_3`` in an array.
        folder: Where its worker writes notes.
        over_since: When Slurm said first that it is over; 0 while it is not.
    """

    number: str
    folder: WorkFolder
    over_since: float = 0.0


class SlurmExecutor:
    """Submits works as job arrays.

    Args:
        context: What it is made with; its argument are options of ``sbatch``.

    Raises:
        ConfigError: submitit or Slurm is not there, or an option has another form.
    """

    def __init__(self, context: ExecutorContext) -> None:
        require("submitit", "slurm")
        for program in ("sbatch", "squeue", "scancel"):
            if shutil.which(program) is None:
                raise ConfigError(
                    f"this machine has no {program}, so it is no part of a Slurm cluster",
                    remedy="Give the command on a login node of the cluster.",
                )
        self._context = context
        self._options = options_of(context.argument)
        self._minutes = longest_minutes(self._options)
        self._jobs: dict[str, _Job] = {}
        self._over: list[str] = []
        self._notes: list[Note] = []
        self._looked = 0.0

    def submit(self, works: Sequence[Work]) -> list[str]:
        """Submit works, those with as many processors as one array."""
        handles: dict[str, str] = {}
        for processors in dict.fromkeys(work.processors for work in works):
            group = [work for work in works if work.processors == processors]
            folders = [self._folder_of(work) for work in group]
            executor = self._executor(processors)
            with self._refusals(), executor.batch():
                jobs = [executor.submit(SlurmWork(str(folder.path))) for folder in folders]
            for work, folder, job in zip(group, folders, jobs, strict=True):
                self._jobs[work.key] = _Job(str(job.job_id), folder)
                handles[work.key] = json.dumps({"job": job.job_id, "folder": str(folder.path)})
        return [handles[work.key] for work in works]

    def attach(self, work: Work, handle: str) -> bool:
        """Follow a job that an earlier driver submitted, if it is not over without a word."""
        try:
            values = json.loads(handle)
            number, folder = str(values["job"]), WorkFolder(Path(values["folder"]))
        except (ValueError, KeyError, TypeError):
            return False
        if folder.path.parent != self._context.folder or not folder.path.is_dir():
            return False
        if states([number]).get(number, "") in {*_OVER, *_NOT_AGAIN} and not any(
            note.kind in ENDS for note in WorkFolder(folder.path).read(work.key)
        ):
            folder.remove()
            return False
        self._jobs[work.key] = _Job(number, folder)
        return True

    def poll(self, seconds: float) -> list[Note]:
        """What happened since the last call."""
        end = time.monotonic() + seconds
        while True:
            for key in list(self._jobs):
                self._read(key)
            if time.monotonic() - self._looked > _SECONDS_BETWEEN_LOOKS:
                self._looked = time.monotonic()
                self._look()
            if self._notes or time.monotonic() >= end:
                notes, self._notes = self._notes, []
                return notes
            time.sleep(_SECONDS_BETWEEN_NOTES)

    def stop(self, key: str, *, now: bool = False) -> None:
        """Take a job out of the queue, or let it save a checkpoint and end, or kill it."""
        job = self._jobs.get(key)
        if job is None:
            return
        with contextlib.suppress(OSError):
            (job.folder.path / _STOP).touch()
        command("scancel", "--state=PENDING", job.number)
        if now:
            command("scancel", "--signal=KILL", "--full", job.number)
            command("scancel", job.number)
        else:
            command("scancel", "--signal=TERM", "--state=RUNNING", job.number)
        self._looked = 0.0

    def close(self) -> None:
        """Leave the queue alone: what the core did not stop is to go on."""
        self._tidy()
        with contextlib.suppress(OSError):
            (self._context.folder / _FOLDER).rmdir()

    def _folder_of(self, work: Work) -> WorkFolder:
        try:
            return WorkFolder.make(work, self._context.folder)
        except OSError as error:
            raise RunFolderError(
                f"a job cannot be told what to do: {error.strerror or error}",
                where=str(self._context.folder),
                remedy="Free some space, or choose another folder of runs: --runs-dir",
            ) from error

    def _executor(self, processors: int) -> Any:
        import submitit

        executor = submitit.SlurmExecutor(
            folder=self._context.folder / _FOLDER, max_num_timeout=_TIMEOUTS
        )
        extra: dict[str, Any] = {**self._options, "requeue": True}
        cpus = int(extra.pop("cpus-per-task", 0) or processors or 1)
        executor.update_parameters(
            job_name="glueharness",
            time=self._minutes,
            cpus_per_task=cpus,
            array_parallelism=self._context.jobs or 256,
            stderr_to_stdout=True,
            setup=[f"export OMP_NUM_THREADS={cpus}"],
            additional_parameters=extra,
        )
        return executor

    @contextlib.contextmanager
    def _refusals(self) -> Any:
        """What ``sbatch`` refuses is told as it tells it."""
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        try:
            yield
        except (FailedJobError, FailedSubmissionError, subprocess.CalledProcessError) as error:
            lines = [line for line in str(error).splitlines() if "error:" in line]
            what = lines[0] if lines else str(error).strip().splitlines()[0]
            raise GlueharnessError(
                f"Slurm does not take the jobs: {what}",
                remedy="Options of sbatch stand behind a colon: "
                "--executor slurm:partition=gpu,time=120,gres=gpu:1",
            ) from error

    def _read(self, key: str) -> None:
        job = self._jobs[key]
        notes = job.folder.read(key)
        self._notes += notes
        if any(note.kind in ENDS for note in notes):
            self._forget(key)

    def _look(self) -> None:
        """Ask Slurm for jobs that are over without a last note."""
        found = states([job.number for job in self._jobs.values()])
        for key, job in list(self._jobs.items()):
            state = found.get(job.number, "")
            if state not in {*_OVER, *_NOT_AGAIN}:
                job.over_since = 0.0
                continue
            job.over_since = job.over_since or time.monotonic()
            # A note may be on its way through a network drive.
            stopped = (job.folder.path / _STOP).exists()
            if not stopped and time.monotonic() - job.over_since < _SECONDS_UNTIL_FILES_SHOW:
                continue
            self._read(key)
            if key in self._jobs:
                self._notes.append(_last_note(key, job, state, self._log(job), stopped=stopped))
                self._forget(key)

    def _log(self, job: _Job) -> Path:
        return self._context.folder / _FOLDER / f"{job.number}_0_log.out"

    def _forget(self, key: str) -> None:
        job = self._jobs.pop(key)
        job.folder.remove()
        self._over.append(job.number)

    def _tidy(self) -> None:
        """Delete submitit's files of jobs that are over; a job outlives its last note a little."""
        end = time.monotonic() + _SECONDS_UNTIL_FILES_SHOW
        while time.monotonic() < end and {"RUNNING", "COMPLETING"} & set(
            states(self._over).values()
        ):
            time.sleep(_SECONDS_BETWEEN_NOTES * 5)
        patterns = [f"{number}_*" for number in self._over]
        arrays = {number.partition("_")[0] for number in self._over}
        patterns += [f"{number}_submission.sh" for number in arrays]
        # What submitit keeps of a script that sbatch has read.
        patterns += [".submission_file_*.sh"] if patterns else []
        for pattern in patterns:
            for path in (self._context.folder / _FOLDER).glob(pattern):
                with contextlib.suppress(OSError):
                    path.unlink()


def _last_note(key: str, job: _Job, state: str, log: Path, *, stopped: bool) -> Note:
    if stopped:
        return Note(key=key, kind="stopped")
    if state in _NOT_AGAIN:
        what, remedy = _NOT_AGAIN[state]
        error = RunFolderError(f"job {job.number} {what}", remedy=remedy)
        return Note(key=key, kind="failed", value=failed_with(error))
    words = last_words(log)
    why = f"{_OVER[state]} ({job.number})" + (f"; its last line was: {words}" if words else "")
    return Note(key=key, kind="lost", value={"why": why})


class SlurmWork:
    """What a job does; submitit pickles it.

    Slurm sends USR2 some time before a job's time is up, and TERM before it is preempted or
    cancelled. Both save a checkpoint. Then the job returns to the queue by itself, or waits for
    what Slurm does with it: one that left by itself would count as failed.

    Args:
        folder: The work's folder.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self) -> str:
        """Do the work; returns how it ended."""
        folder = WorkFolder(Path(self.folder))
        key, request = folder.request()
        requeue: Any = signal.getsignal(signal.SIGUSR2)
        asked: list[int] = []

        def ask(number: int, _frame: FrameType | None) -> None:
            asked.append(number)
            os.kill(os.getpid(), signal.SIGTERM)  # by which a run saves and stops

        def send(kind: NoteKind, value: Mapping[str, Any]) -> None:
            with contextlib.suppress(OSError):
                folder.write(Note(key=key, kind=kind, value=value))

        signal.signal(signal.SIGUSR2, ask)
        end = do(request, send)
        if end.kind == "stopped" and not (folder.path / _STOP).exists():
            if asked:
                send("told", {"line": "its time is nearly up: it goes back into the queue"})
                requeue(signal.SIGUSR2, None)
            send("told", {"line": "its job is taken off its node: it waits in the queue"})
            while True:
                time.sleep(1)
        folder.write(Note(key=key, kind=end.kind, value=end.value))
        return end.kind

    def checkpoint(self, *_: Any, **__: Any) -> Any:
        """What submitit does with a job that returns to the queue: the same again."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)
