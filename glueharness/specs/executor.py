"""Executors: where planned runs are done, and what passes between them and the core."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

NoteKind = Literal[
    "placed", "started", "progress", "evaluated", "warned", "told", "done", "failed", "stopped",
    "lost",
]  # fmt: skip
ENDS: frozenset[NoteKind] = frozenset({"done", "failed", "stopped", "lost"})
"""The kinds of notes after which no other follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A planned run as it travels to a worker: plain data, nothing of this process.

    Attributes:
        key: Hash of what is asked for: the same work has the same key.
        title: What it is, for people: ``"rte, seed 42"``.
        request: What the worker is told, as JSON has it; see :mod:`glueharness.run.worker`.
        after: Keys of works that must end first.
        processors: Processors that the user gives it; 0: the executor's choice.
        gpus: Graphics processors that it takes where there are any.
    """

    key: str
    title: str
    request: Mapping[str, Any]
    after: tuple[str, ...] = ()
    processors: int = 0
    gpus: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What an executor has to say of a work.

    Attributes:
        key: The work's key.
        kind: ``placed``, when a worker takes it; ``started``, ``progress``, ``evaluated``,
            ``warned`` and ``told`` come from the worker as they are. The last one is ``done``,
            ``failed``, ``stopped`` (there is a checkpoint) or ``lost`` (the worker is gone).
        value: Facts, by the kind; see :mod:`glueharness.run.worker`.
    """

    key: str
    kind: NoteKind
    value: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorContext:
    """What an executor is made with.

    Attributes:
        folder: Where it may keep files while works are under way: in the folder of the runs, so
            that workers see it that see the runs.
        jobs: Works at a time at most; None: the executor's choice.
        argument: What stands behind the colon of ``ray:ADDRESS``; empty if there is none.
    """

    folder: Path
    jobs: int | None = None
    argument: str = ""


@runtime_checkable
class Executor(Protocol):
    """Takes works and tells what becomes of them. All methods are called from one thread."""

    def submit(self, works: Sequence[Work]) -> Sequence[str]:
        """Take works, which may begin at once and in any order.

        Returns:
            For each a handle by which another process finds it again; empty: it ends with this one.

        Raises:
            GlueharnessError: They cannot be taken.
        """

    def attach(self, work: Work, handle: str) -> bool:
        """Follow a work that an earlier process submitted.

        Returns:
            Whether it is still there; if not it has to be submitted again.
        """

    def poll(self, seconds: float) -> Sequence[Note]:
        """What happened since the last call; waits so long at most if there is nothing yet."""

    def stop(self, key: str, *, now: bool = False) -> None:
        """Let a work save a checkpoint and end, or end it ``now``; a last note tells when it did.

        A key that is not known, or of a work that ended, is ignored.
        """

    def close(self) -> None:
        """Give back what it holds. Works that end with this process are stopped by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerShare:
    """What each of an executor's workers has, for an estimate of how long a plan would take.

    Attributes:
        workers: Works at a time.
        environments: For each worker that is to be measured the environment variables that it has
            besides. Several are measured at once: workers that share this machine slow each other
            down. Of workers on machines of their own one stands for all.
        assumed: What the estimate takes for granted, in a sentence.
    """

    workers: int
    environments: Sequence[Mapping[str, str]]
    assumed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorSpec:
    """A place where runs are done: ``run --executor NAME``.

    Attributes:
        name: What ``--executor`` takes.
        description: One sentence.
        factory: Makes the executor. Called before a run begins; raise a
            :class:`glueharness.ConfigError` if a library is missing or nothing answers.
        argument: What may stand behind the name and a colon, for instance ``"ADDRESS"``; empty if
            nothing may.
        share: What its workers would have, for ``bench``: called with the argument, the number of
            jobs (None: not given) and the processors that the user gives a work (0: not given).
            Nothing is started. Raise a :class:`glueharness.ConfigError` if it cannot be told.
    """

    name: str
    description: str
    factory: Callable[[ExecutorContext], Executor]
    argument: str = ""
    share: Callable[[str, int | None, int], WorkerShare] | None = None
