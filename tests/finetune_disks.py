"""Runs trainings whose disk fails them, in forked processes: a script, so that one is forked.

``python -m tests.finetune_disks FOLDER`` prints, as JSON by the name of the trouble, what the
command said on stderr, its exit code, and what became of it.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager, redirect_stderr, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness import cli, hookimpl
from glueharness.cli.app import App
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry
from tests.finetune_kills import SETTINGS, ColourPlugin, in_fork, outcome, warm_up
from tests.finetune_tools import write_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from glueharness.plugin.events import RunEvaluated, RunStarted

_OVERRIDES = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: what lets the superuser pass."""
_DONE = 100
_PAGE = 4096


class Trouble:
    """Lets something happen to the run folder when the second epoch is over.

    Args:
        happen: What.
    """

    def __init__(self, happen: Callable[[Path], None]) -> None:
        self._happen = happen
        self._folder = Path()

    @hookimpl
    def glueharness_run_started(self, event: RunStarted) -> None:
        """Learn where the run is."""
        self._folder = event.folder

    @hookimpl
    def glueharness_run_evaluated(self, event: RunEvaluated) -> None:
        """Let it happen."""
        if event.epoch == 2:
            self._happen(self._folder)


def command(checkpoint: Path, runs: Path, happen: Callable[[Path], None] | None = None) -> None:
    """``glueharness run``; ends the process."""
    plugins = load_plugins()
    plugins.register(ColourPlugin(), "colours")
    if happen is not None:
        plugins.register(Trouble(happen), "trouble")
    settings = {**SETTINGS, "epochs": "3", "checkpoint_minutes": "0"}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    words = ["run", "colours", f"--model=hf:{checkpoint}", f"--runs-dir={runs}", *options]
    cli.main(words, App(registry=Registry(plugins)))


def said_by(checkpoint: Path, runs: Path, happen: Callable[[Path], None] | None) -> dict[str, Any]:
    """Run the command in a process of its own: what it said, and its exit code."""
    said = Path(tempfile.mkdtemp()) / "stderr"

    def work() -> None:
        os.environ["COLUMNS"] = "1000"
        with said.open("w", encoding="utf-8") as stream, redirect_stderr(stream):
            try:
                command(checkpoint, runs, happen)
            except SystemExit as error:
                os._exit(_DONE + int(error.code or 0))

    # So that an error that the command does not print, code 1, is another thing.
    code = in_fork(work, runs, expected={_DONE, _DONE + 1})
    return {"code": code - _DONE, "said": said.read_text(encoding="utf-8").strip()}


def limit_files(_: Path) -> None:
    """Let no file grow beyond 20 kB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))


def fill_disk(folder: Path) -> None:
    """Leave no byte free."""
    with suppress(OSError), (folder.parents[1] / "filler").open("wb", buffering=0) as stream:
        while stream.write(bytes(_PAGE)):
            pass


def forbid_checkpoints(folder: Path) -> None:
    """Take the right to write checkpoints."""
    (folder / "checkpoint").chmod(0o555)


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A disk of 40 MB at ``folder``; False where this user cannot mount one."""
    folder.mkdir()
    if os.geteuid() != 0:
        yield False
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
        mounted = done.returncode == 0
    except OSError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def permissions_matter() -> Iterator[None]:
    """A region in which they stop the superuser too, who stays the owner of all that is his.

    Being somebody else would not do: the project may be installed where only its owner can read.
    """
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    # capabilities(7): version 3 and this thread; effective, permitted, inheritable, twice.
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0, os.strerror(ctypes.get_errno())
    before = sets[0]
    try:
        sets[0] = before & ~_OVERRIDES
        assert libc.capset(header, sets) == 0, os.strerror(ctypes.get_errno())
        yield
    finally:
        sets[0] = before
        libc.capset(header, sets)


def read_only(checkpoint: Path) -> dict[str, Any]:
    """A folder of runs that may not be written, and one whose checkpoints may not."""
    folder = Path(tempfile.mkdtemp())
    with permissions_matter():
        (folder / "closed").mkdir(0o555)
        found = {
            "read-only runs": said_by(checkpoint, folder / "closed", None),
            "read-only checkpoints": said_by(checkpoint, folder / "r", forbid_checkpoints),
        }
        found["read-only checkpoints"]["then"] = outcome(folder / "r")
    for path in folder.rglob("checkpoint"):
        path.chmod(0o755)
    shutil.rmtree(folder)
    return found


def main(folder: Path) -> None:
    """Try every trouble."""
    import torch

    torch.set_num_threads(1)  # a fork takes no other thread along
    checkpoint = write_checkpoint(folder / "start")
    warm_up(partial(command, checkpoint, folder / "undisturbed"))
    found: dict[str, Any] = {"undisturbed": {"then": outcome(folder / "undisturbed")}}
    found["removed"] = said_by(checkpoint, folder / "removed", shutil.rmtree)
    found["removed"]["left"] = sorted(path.name for path in (folder / "removed").iterdir())
    found["limit"] = said_by(checkpoint, folder / "limit", limit_files)
    found["limit"]["again"] = said_by(checkpoint, folder / "limit", None)
    found["limit"]["then"] = outcome(folder / "limit")
    with small_disk(folder / "disk") as mounted:
        if mounted:
            runs = folder / "disk" / "runs"
            found["full disk"] = said_by(checkpoint, runs, fill_disk)
            found["no room to begin"] = said_by(checkpoint, runs, None)
            (folder / "disk" / "filler").unlink()
            found["full disk"]["again"] = said_by(checkpoint, runs, None)
            found["full disk"]["then"] = outcome(runs)
    found |= read_only(checkpoint)
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
