"""A Ray cluster: runs are Ray's tasks, on the nodes where it finds room for them.

Ray's own retries are off: the core gives away again what was lost, so that a run of which a
worker died is resumed, and one that failed is not repeated.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from glueharness import ENDS, ConfigError, Note
from glueharness.run.environment import core_count
from glueharness_executors.missing import require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness import ExecutorContext, Work

_SECONDS_TO_ANSWER = 5.0
_SECONDS_FOR_LETTERS = 30.0
_TAKEN_ALONG = (
    "GLUEHARNESS_CACHE", "GLUEHARNESS_CONFIG_DIR", "HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE",
    "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE",
)  # fmt: skip
"""Variables of the driver that its workers on other machines get; no secret is among them."""


class RayExecutor:
    """Gives works to a Ray cluster, that of an address, or one that it starts for the command.

    Args:
        context: What it is made with; its argument is the address.

    Raises:
        ConfigError: Ray is not installed, or no cluster answers.
    """

    def __init__(self, context: ExecutorContext) -> None:
        require("ray", "ray")
        self._jobs = context.jobs
        # Nobody is told of runs but by the user's own wish.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        self._queue: deque[Work] = deque()
        self._running: dict[str, Any] = {}  # key to the reference of its result
        self._notes: list[Note] = []
        self._environment: dict[str, Any] = {}
        self._own = self._connect(context.argument or os.environ.get("RAY_ADDRESS", ""))
        self._task, self._mailbox = self._make_remote()

    def submit(self, works: Sequence[Work]) -> list[str]:
        """Take works; Ray ends them with this process."""
        self._queue.extend(works)
        return [""] * len(works)

    def attach(self, work: Work, handle: str) -> bool:  # noqa: ARG002 - as every executor
        """Nothing outlives the process that submitted it."""
        return False

    def poll(self, seconds: float) -> list[Note]:
        """What happened since the last call."""
        import ray

        self._hand_out()
        if not self._notes and self._running:
            ready, _ = ray.wait(list(self._running.values()), num_returns=1, timeout=seconds)
            self._read_letters()
            if ready:
                self._take_result(ready[0])
        notes, self._notes = self._notes, []
        return notes

    def stop(self, key: str, *, now: bool = False) -> None:
        """Let a work save a checkpoint and end: Ray raises KeyboardInterrupt in it, or kills it."""
        import ray

        for work in [work for work in self._queue if work.key == key]:
            self._queue.remove(work)
            self._notes.append(Note(key=key, kind="stopped"))
        if key in self._running:
            ray.cancel(self._running[key], force=now)

    def close(self) -> None:
        """Kill what still runs, and leave the cluster."""
        import ray

        if not ray.is_initialized():
            return
        for reference in self._running.values():
            ray.cancel(reference, force=True)
        ray.kill(self._mailbox)
        if self._own:
            ray.shutdown()

    def _connect(self, address: str) -> bool:
        """Join the cluster; returns whether this executor has to leave it at its end."""
        if address and address not in {"auto", "local"}:
            _require_answer(address)
        elif address != "auto":
            # A cluster for one command is nobody else's business: it listens on this machine.
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
            os.environ.setdefault("RAY_worker_niceness", "0")
        import ray

        if ray.is_initialized():  # by whoever calls us, for instance in a notebook
            return False
        more: dict[str, Any] = {"address": address or "local"}
        if address in {"", "local"}:
            more |= {"num_cpus": max(core_count(), self._jobs or 1), "include_dashboard": False}
        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **more)
        except (ConnectionError, RuntimeError, OSError, ValueError) as error:
            raise _no_cluster(address or "this machine", error) from error
        return True

    def _make_remote(self) -> tuple[Any, Any]:
        import ray

        from glueharness_executors.ray_worker import Mailbox, work

        variables = {name: os.environ[name] for name in _TAKEN_ALONG if name in os.environ}
        self._environment = {"env_vars": variables} if variables else {}
        mailbox = ray.remote(num_cpus=0)(Mailbox).remote()
        return ray.remote(max_retries=0)(work), mailbox

    def _hand_out(self) -> None:
        while self._queue and (self._jobs is None or len(self._running) < self._jobs):
            work = self._queue.popleft()
            task = self._task.options(runtime_env=self._environment, **self._share(work))
            self._running[work.key] = task.remote(work.key, work.request, self._mailbox)

    def _share(self, work: Work) -> dict[str, Any]:
        """Processors and graphics processors of a work, by what the nodes have."""
        import ray

        told: Any = ray
        nodes = [node["Resources"] for node in told.nodes() if node["Alive"]]
        largest = int(max((node.get("CPU", 0) for node in nodes), default=1)) or 1
        total = int(sum(node.get("CPU", 0) for node in nodes)) or 1
        share = work.processors or (max(1, total // self._jobs) if self._jobs else 1)
        gpus = any(node.get("GPU", 0) for node in nodes)
        return {"num_cpus": min(share, largest), "num_gpus": work.gpus if gpus else 0}

    def _read_letters(self) -> None:
        import ray

        try:
            letters = ray.get(self._mailbox.take.remote(), timeout=_SECONDS_FOR_LETTERS)
        except (ray.exceptions.RayError, ray.exceptions.GetTimeoutError):
            return  # what is on the way is shown by the next look, the results come without it
        for key, kind, value in letters:
            if key in self._running and kind not in ENDS:
                self._notes.append(Note(key=key, kind=kind, value=value))

    def _take_result(self, reference: Any) -> None:
        import ray

        key = next(key for key, other in self._running.items() if other == reference)
        del self._running[key]
        try:
            kind, value = ray.get(reference)
        except (ray.exceptions.TaskCancelledError, KeyboardInterrupt):
            kind, value = "stopped", {}
        except ray.exceptions.RayError as error:
            kind, value = "lost", {"why": _one_line(error)}
        self._notes.append(Note(key=key, kind=kind, value=value))


def _require_answer(address: str) -> None:
    """Look whether anybody listens: Ray itself would try for a minute.

    Raises:
        ConfigError: Nobody does, or it is no address.
    """
    place = address.rpartition("://")[2]
    host, _, port = place.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_ANSWER):
            return
    except (OSError, ValueError, OverflowError) as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str, error: Exception) -> ConfigError:
    return ConfigError(
        f"no Ray cluster answers at {address}: {_one_line(error)}",
        remedy="Give the address of a cluster's head, HOST:PORT as `ray start --head` prints it "
        "(--executor ray:HOST:6379), or none to start a cluster here: --executor ray",
    )


def _one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
