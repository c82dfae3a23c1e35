"""Training in the processes that torchrun or accelerate launch has started."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from glueharness import ConfigError
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueharness_finetune.parallel.world import World

_SECONDS_IN_SILENCE = 15.0
_worlds: list[World] = []


def world() -> World | None:
    """The processes that were started together with this one; None: it was started alone."""
    return _worlds[-1] if _worlds else None


@contextlib.contextmanager
def together() -> Iterator[bool]:
    """A region in which models train in all the processes that were started together.

    Returns:
        Whether this process is the first one. The others follow it until it leaves the region, and
        have nothing to do afterwards.

    Raises:
        ConfigError: They cannot come together.
    """
    from glueharness_finetune.cpu.threads import wait_politely

    wait_politely()
    from glueharness_finetune.parallel.helper import serve
    from glueharness_finetune.parallel.joining import require_accelerate
    from glueharness_finetune.training.trainee import HelperLost

    require_accelerate("training in several processes")
    found = _meet()
    if not found.first:
        # Whoever stops the command stops the first process, which saves a checkpoint before it
        # ends; this one ends with it.
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):  # not every system has all of them
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        serve(found)
        yield False
        return
    _worlds.append(found)
    try:
        yield True
    finally:
        _worlds.remove(found)
        with contextlib.suppress(HelperLost), found.exchange():
            found.say({"do": "end"})
        found.leave()


def _meet() -> World:
    import torch

    from glueharness_finetune.parallel.joining import make_world

    # Python is not interrupted while PyTorch waits for the others, and nothing has begun yet.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    patience = threading.Timer(_SECONDS_IN_SILENCE, _tell_of_waiting)
    patience.daemon = True
    patience.start()
    try:
        return make_world(on_gpu=torch.cuda.is_available())
    except (RuntimeError, ValueError) as error:
        where = f"{os.environ.get('MASTER_ADDR', '')}:{os.environ.get('MASTER_PORT', '')}"
        told = str(error).splitlines()[0]
        raise ConfigError(
            f"the processes cannot come together at {where}: {told}",
            remedy="MASTER_ADDR and MASTER_PORT must name a free port of the first process's "
            "machine; torchrun --standalone and accelerate launch choose one.",
        ) from error
    finally:
        patience.cancel()
        signal.signal(signal.SIGINT, before)


def _tell_of_waiting() -> None:
    """Say what a process waits for whose variables may be left over from something else."""
    size, rank = os.environ.get("WORLD_SIZE", ""), os.environ.get("RANK", "")
    where = f"{os.environ.get('MASTER_ADDR', '')}:{os.environ.get('MASTER_PORT', '')}"
    text = (
        f"process {rank} of {size} (RANK, WORLD_SIZE) waits for the others at {where}. If there "
        "are none: unset WORLD_SIZE RANK"
    )
    with contextlib.suppress(OSError):
        print(printable(text), file=sys.stderr, flush=True)  # noqa: T201 - nothing else can
