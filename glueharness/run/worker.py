"""Does a work where an executor placed it, and tells in notes how it goes.

An executor either calls :func:`do` in a process of its own, or starts this module as a program:
``python -m glueharness.run.worker [FOLDER]`` does the work in that folder, or those whose folders
it is told on its standard input, one a line.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness import errors
from glueharness.errors import ConfigError, GlueharnessError, Interrupted, RunFolderError
from glueharness.system.interrupts import end_with_parent, terminate_as_interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.run.plan import PlannedRun
    from glueharness.settings.fields import Layer
    from glueharness.specs import NoteKind

    Send = Callable[[NoteKind, Mapping[str, Any]], None]

CANNOT_TELL = 74
"""Exit code of a worker that could not write how its work ended: its disk is full, or away."""
WORK_FOLDER = ".work"
"""Where the works of a folder of runs are, while they are under way."""


@dataclass(frozen=True, slots=True)
class End:
    """How a work ended.

    Attributes:
        kind: ``done``, ``failed`` or ``stopped``.
        value: Of ``done`` the ids of its ``runs`` in order, the last of which is its result,
            whether that was ``reused``, and the ``folder`` of runs if it is not the driver's; of
            the others the ``error``: type, what, where, remedy.
    """

    kind: NoteKind
    value: Mapping[str, Any]


def do(request: Mapping[str, Any], send: Send) -> End:
    """Do a work. Whatever goes wrong is told in how it ended.

    Args:
        request: The :attr:`glueharness.specs.Work.request`.
        send: Takes the notes on the way, by their kind.
    """
    send("placed", {"worker": who()})
    try:
        with terminate_as_interrupt(), in_folder(request):
            return _do(request, send)
    except KeyboardInterrupt:
        return End("stopped", failed_with(Interrupted("stopped before it began")))
    except Interrupted as error:
        return End("stopped", failed_with(error))
    except GlueharnessError as error:
        return End("failed", failed_with(error))
    except Exception as error:  # noqa: BLE001 - it is told where the other workers' runs go on
        from glueharness.plugin.status import describe

        return End("failed", failed_with(GlueharnessError(f"internal error: {describe(error)}")))


def who() -> str:
    """This worker in words."""
    return f"process {os.getpid()} on {platform.node()}"


def error_of(value: Mapping[str, Any]) -> GlueharnessError:
    """The error that a worker told of."""
    told: Any = value.get("error", {})
    kind: Any = getattr(errors, str(told.get("type")), GlueharnessError)
    if not (isinstance(kind, type) and issubclass(kind, GlueharnessError)):
        kind = GlueharnessError
    texts = {name: str(told.get(name, "")) for name in ("what", "where", "remedy")}
    made: GlueharnessError = kind(texts["what"], where=texts["where"], remedy=texts["remedy"])
    return made


def cannot_tell(folder: Path) -> Mapping[str, Any]:
    """What became of a work whose worker ended with :data:`CANNOT_TELL`.

    Args:
        folder: Where it should have written.
    """
    return failed_with(
        RunFolderError(
            "the worker could not write how its run ended: the disk is full, or was away",
            where=str(folder),
            remedy="When that is mended, the same command resumes the run.",
        )
    )


def failed_with(error: GlueharnessError) -> dict[str, Any]:
    """The value of a note that tells of an error; :func:`error_of` makes an error of it again."""
    facts = {"what": error.what, "where": error.where, "remedy": error.remedy}
    return {"error": {"type": type(error).__name__, **facts}}


def _do(request: Mapping[str, Any], send: Send) -> End:
    from glueharness.run.many_runs import do_planned
    from glueharness.run.worker_events import WorkerEvents

    registry = registry_of(request)
    _require_paths(request)
    shared = _is_shared(request)
    planned = _planned(request, registry, shared=shared)
    events = WorkerEvents(send, shared=shared)
    registry.plugins.register(events, "worker")
    sys.argv = list(request["command"])  # which the run's record tells
    with events:
        results = do_planned(planned, registry, lambda line: send("told", {"line": line}))
    ended: dict[str, Any] = {
        "runs": [result.record.id for result in results],
        "reused": results[-1].reused,
        "kept": [not result.reused for result in results],
    }
    if not shared:
        ended["folder"] = str(results[-1].folder.parent.absolute())
    return End("done", ended)


@contextlib.contextmanager
def in_folder(request: Mapping[str, Any]) -> Iterator[None]:
    """Work in the driver's folder, from which paths count, if this machine has it."""
    before = Path.cwd()
    with contextlib.suppress(OSError):
        os.chdir(request["folder"])
    try:
        yield
    finally:
        os.chdir(before)


def registry_of(request: Mapping[str, Any]) -> Registry:
    """What the plugins offer here, if they are those of the driver.

    Args:
        request: The :attr:`glueharness.specs.Work.request`.

    Raises:
        ConfigError: glueharness or a plugin is another one here, or is not there.
    """
    import importlib.metadata

    from glueharness.plugin.choice import PluginChoice
    from glueharness.plugin.loading import load_plugins
    from glueharness.plugin.registry import Registry
    from glueharness.plugin.status import OWN

    _compare(OWN, request["version"], importlib.metadata.version(OWN))
    for file in request["files"]:
        if not Path(file).is_file():
            raise ConfigError(
                f"the worker on {platform.node()} does not have a plugin file of the command",
                where=file,
                remedy="Put it where every worker sees it, at the same path.",
            )
    choice = PluginChoice(
        without=tuple(_known(request["without"])), files=tuple(map(Path, request["files"]))
    )
    plugins = load_plugins(choice=choice)
    registry = Registry(plugins, request["prefer"])
    for path, text in request["texts"].items():
        status = plugins.describe(Path(path), text.encode("utf-8", "surrogateescape"))
        registry.include(status)
    for name, code in request["plugins"].items():
        found = plugins.statuses.get(name)
        _compare(f"the plugin {name!r}", code, found.code if found and found.in_use else "")
    return registry


def _require_paths(request: Mapping[str, Any]) -> None:
    """Make sure that this machine has the files and folders that the settings name.

    Raises:
        ConfigError: It lacks one.
    """
    for path, named in request["paths"].items():
        if not Path(path).exists():
            raise ConfigError(
                f"the worker on {platform.node()} does not have {path}, which the command names "
                f"({named})",
                remedy="Put it where every worker sees it, at the same path.",
            )


def _known(names: Sequence[str]) -> Iterator[str]:
    """Those of the plugins to leave out that are installed here."""
    import importlib.metadata

    installed = {point.name for point in importlib.metadata.entry_points(group="glueharness")}
    return (name for name in names if name in installed)


def _compare(what: str, there: str, here: str) -> None:
    if there != here:
        raise ConfigError(
            f"{what} is another one at the worker on {platform.node()}: {here or 'not installed'} "
            f"there, {there} where the command was given",
            remedy="Install the same on every machine: what is computed depends on it.",
        )


def _is_shared(request: Mapping[str, Any]) -> bool:
    """Whether this machine sees the driver's folder of runs: the very one, not one like it."""
    return (Path(request["runs_dir"]) / WORK_FOLDER / str(request.get("token", ""))).is_file()


def _planned(request: Mapping[str, Any], registry: Registry, *, shared: bool) -> PlannedRun:
    from glueharness.run.config import build_config
    from glueharness.run.plan import PlannedRun
    from glueharness.settings.fields import Layer

    layers = layers_of(request)
    if not shared:
        if request["init_from"]:
            raise ConfigError(
                f"the worker on {platform.node()} does not see the folder of the runs, in which "
                f"is the run of {request['init_from']} that it is to start from",
                where=request["runs_dir"],
                remedy="Use a folder that every worker sees: --runs-dir",
            )
        layers.insert(0, Layer(origin="worker", values={"runs_dir": _own_store(request)}))
    config = build_config(
        request["task"], layers, registry, resume=request["resume"], rerun=request["rerun"]
    )
    return PlannedRun(
        config=config,
        layers=layers,
        init_from=request["init_from"],
        evaluated=request["evaluated"],
    )


def layers_of(request: Mapping[str, Any]) -> list[Layer]:
    """The settings of the run that is asked for, strongest first."""
    from glueharness.settings.fields import Layer

    return [Layer(origin=origin, values=values) for origin, values in request["layers"]]


def _own_store(request: Mapping[str, Any]) -> str:
    """A folder of runs on this machine, the same whenever the driver's is: runs resume in it."""
    import hashlib

    digest = hashlib.sha256(request["runs_dir"].encode("utf-8", "surrogateescape")).hexdigest()
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"glueharness-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or (hasattr(os, "getuid") and folder.stat().st_uid != os.getuid()):
        raise ConfigError(
            "the folder for a worker's own runs belongs to somebody else",
            where=str(folder),
            remedy="Set TMPDIR to a folder that is yours, or let workers see the runs: --runs-dir",
        )
    return str(folder / f"runs-{digest[:12]}")


def main(arguments: Sequence[str]) -> int:
    """Do the work in the folder named, or in those that lines of standard input name in JSON."""
    end_with_parent()
    with contextlib.suppress(KeyboardInterrupt), terminate_as_interrupt():
        if arguments:
            return _do_in(Path(arguments[0]))
        while line := sys.stdin.readline():
            # One that was stopped has a checkpoint to leave alone, and a plan that is over.
            if code := _do_in(Path(json.loads(line))):
                return code
    return 0


def _do_in(path: Path) -> int:
    """Do one work; returns 1 if it was stopped, :data:`CANNOT_TELL` if nobody can learn how."""
    from glueharness.run.work_folder import WorkFolder
    from glueharness.specs import Note

    folder = WorkFolder(path)
    key, request = folder.request()

    def send(kind: NoteKind, value: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):  # a full disk takes notes from nobody
            folder.write(Note(key=key, kind=kind, value=value))

    end = do(request, send)
    try:
        folder.write(Note(key=key, kind=end.kind, value=end.value))
    except OSError:
        return CANNOT_TELL
    return int(end.kind == "stopped")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
