"""Starts the processes that help this one to train, and ends them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness import ModelError
from glueharness.run.work_folder import last_words
from glueharness_finetune.parallel import launched
from glueharness_finetune.parallel.joining import join, ready_file
from glueharness_finetune.training.trainee import HelperLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from glueharness_finetune.parallel.world import World
    from glueharness_finetune.runtime import Runtime

_MODULE = "glueharness_finetune.parallel.helper"
_SECONDS_TO_END, _SECONDS_BETWEEN_LOOKS = 5.0, 0.02


@contextlib.contextmanager
def helpers(devices: int, runtime: Runtime) -> Iterator[Callable[[], World]]:
    """A region in which other processes are there to train together with this one.

    They are started at once, so that they load PyTorch while this one prepares the rows.

    Args:
        devices: How many processes there are, this one included.
        runtime: Where this one computes.

    Returns:
        Joins them; waits until all are there.
    """
    if (world := launched.world()) is not None:
        yield lambda: world
        return
    with tempfile.TemporaryDirectory(prefix="glueharness-") as folder:
        started = _Started(Path(folder), devices, runtime)
        try:
            started.start()
            yield started.join
        finally:
            started.close()


class _Started:
    """The helpers that this process has started.

    Each is in a session of its own, so that Ctrl-C in the terminal reaches this process alone, and
    is stopped by the kernel when this process is gone.

    Args:
        folder: For what they print, and for finding each other: no port has to be free for that.
        devices: How many processes there are, this one included.
        runtime: Where this one computes.
    """

    def __init__(self, folder: Path, devices: int, runtime: Runtime) -> None:
        self._folder, self._devices, self._runtime = folder, devices, runtime
        self._processes: list[subprocess.Popen[bytes]] = []
        self._world: World | None = None

    def start(self) -> None:
        """Start them; they come up while this process goes on.

        Raises:
            ModelError: The system does not let it.
        """
        for rank in range(1, self._devices):
            request = {**self._request(), "rank": rank, "parent": os.getpid()}
            share = {"OMP_NUM_THREADS": str(self._runtime.threads)}
            try:
                with self._log(rank).open("wb") as log:
                    process = subprocess.Popen(
                        [sys.executable, "-m", _MODULE],
                        stdin=subprocess.PIPE,
                        stdout=log,
                        stderr=log,
                        env={**os.environ, **share},
                        start_new_session=True,
                    )
            except OSError as error:
                raise ModelError(
                    f"a helper process cannot be started: {error.strerror or error}"
                ) from error
            self._processes.append(process)
            assert process.stdin is not None  # noqa: S101 - it was started with one
            with contextlib.suppress(OSError):  # it is gone, as is seen when it is waited for
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()

    def join(self) -> World:
        """Come together with all of them.

        Raises:
            HelperLost: One ended before it was there.
        """
        others = range(1, self._devices)
        while not all(ready_file(self._folder, rank).exists() for rank in others):
            self._check()
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        self._world = join(self._request(), 0)
        self._world.check_helpers = self._check
        return self._world

    def close(self) -> None:
        """Let them end, and see to it that they do."""
        world = self._world
        if world is not None and not world.broken:
            with contextlib.suppress(HelperLost), world.exchange():
                world.say({"do": "end"})
        else:
            for process in self._processes:
                process.kill()
        for process in self._processes:
            try:
                process.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
        if world is not None:
            world.leave()

    def _check(self) -> None:
        """Raise if one is gone."""
        for rank, process in enumerate(self._processes, 1):
            if (code := process.poll()) is not None:
                words = last_words(self._log(rank))
                said = f"; its last line was: {words}" if words else ""
                raise HelperLost(
                    f"the helper process {process.pid} of --devices {self._devices} is gone: "
                    f"{_how(code)}{said}"
                )

    def _request(self) -> dict[str, Any]:
        return {
            "folder": str(self._folder),
            "size": self._devices,
            "device": self._runtime.device.type,
        }

    def _log(self, rank: int) -> Path:
        return self._folder / f"helper-{rank}.log"


def _how(code: int) -> str:
    if code < 0:
        named = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"killed by {named}"
    return f"it ended with code {code}"
