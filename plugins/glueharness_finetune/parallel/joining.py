"""How the processes that train together find each other, through accelerate."""

from __future__ import annotations

import contextlib
import os
import sys
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from glueharness_finetune.parallel.world import World

_TO_MEET = timedelta(minutes=10)
_OF_ACCELERATE = ("ACCELERATE_", "FSDP_")
_LOOPBACK = {"linux": "lo", "darwin": "lo0"}


def ready_file(folder: Path, rank: int) -> Path:
    """The file by which a helper says that it is there."""
    return folder / f"ready-{rank}"


def join_as_helper(request: Mapping[str, Any]) -> World:
    """Join the process that started this one, as its standard input said."""
    ready_file(Path(request["folder"]), request["rank"]).touch()
    return join(request, request["rank"])


def join(request: Mapping[str, Any], rank: int) -> World:
    """Join the processes of this machine that meet in a folder.

    Args:
        request: The folder, how many they are, and the kind of device.
        rank: Which one this is.
    """
    from torch import distributed

    size, on_gpu = request["size"], request["device"] == "cuda"
    file_store: Any = getattr(distributed, "FileStore")  # noqa: B009 - it has no types
    store = file_store(str(Path(request["folder"]) / "store"), size)
    placed = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size}
    environment = {name: str(value) for name, value in placed.items()}
    if interface := _LOOPBACK.get(sys.platform):
        environment["GLOO_SOCKET_IFNAME"] = interface  # strangers cannot reach it
    with _environment(environment):
        return make_world(on_gpu=on_gpu, store=store, rank=rank, world_size=size)


def make_world(*, on_gpu: bool, **where: Any) -> World:
    """Let accelerate bring the processes together by what the environment says of them.

    It finds the device of each process and what it talks through. What the processes tell each
    other goes through main memory, over a group of its own.

    Args:
        on_gpu: Whether they compute on GPUs, one each.
        where: Where they meet, if the environment does not say.
    """
    from accelerate import PartialState
    from accelerate.state import AcceleratorState
    from torch import distributed

    from glueharness_finetune.parallel.world import PATIENCE, World

    # A tracker may have asked before, when this process was alone.
    AcceleratorState._reset_state(reset_partial_state=True)  # noqa: SLF001 - nothing else does it
    with _plain_environment():
        state = PartialState(cpu=not on_gpu, timeout=_TO_MEET, **where)
    channel = distributed.new_group(backend="gloo", timeout=PATIENCE)

    def leave() -> None:
        state.destroy_process_group()
        AcceleratorState._reset_state(reset_partial_state=True)  # noqa: SLF001 - as above

    return World(state.process_index, state.num_processes, channel, leave=leave)


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """A region with other environment variables; accelerate, too, sets some of these."""
    names: Sequence[str] = [*values, "MASTER_ADDR", "MASTER_PORT"]
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _plain_environment() -> Iterator[None]:
    """A region in which accelerate finds nothing that it could stumble over.

    It takes ``OMP_NUM_THREADS`` for one number, where OpenMP allows lists, and its own variables,
    which a shell may have from somewhere else, ask for what is not done here.
    """
    share = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    threads = share if share.isascii() and share.isdigit() and int(share) else "1"
    own = {name: value for name, value in os.environ.items() if name.startswith(_OF_ACCELERATE)}
    for name in own:
        del os.environ[name]
    try:
        with _environment({"OMP_NUM_THREADS": threads}):
            yield
    finally:
        os.environ.update(own)


def require_accelerate(asked: str) -> None:
    """Refuse to train in several processes where accelerate is not installed.

    Args:
        asked: What asks for it.

    Raises:
        ConfigError: With the command that installs it.
    """
    if find_spec("accelerate") is None:
        raise ConfigError(
            f"{asked} needs the library accelerate, which is not installed",
            remedy="pip install 'glueharness[devices]'",
        )
