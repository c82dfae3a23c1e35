"""Tasks that nobody has installed, made again from what the record of a run keeps of them.

A task of data files, or of a task file that was named for one command, is there for that command
alone. The record keeps its definition, which a plugin reads (:class:`glueharness.TaskRebuilder`).
The record may be anybody's: what is made of it has to be the task that the run says it computed,
and its data files are read only while their hashes are the recorded ones.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.errors import GlueharnessError, RunFolderError, UnknownNameError
from glueharness.plugin.blame import blamed
from glueharness.plugin.described import PYTHON, suffix_of
from glueharness.plugin.plugins import file_status
from glueharness.record.computation import TaskComputed
from glueharness.record.definition import DEFINITION_SIGNS, DefinitionRecord, FileRecord
from glueharness.specs import SealedFile, TaskRebuilder, TaskSpec
from glueharness.system.user_files import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.plugin.status import PluginStatus
    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore

_DEEPEST = 4
"""Folders above a file that may lie, with it, below the folder that the user names."""


def describe_task(task: TaskSpec, registry: Registry) -> TaskComputed:
    """A task as it is defined now."""
    return TaskComputed(
        name=task.name,
        version=task.version,
        columns=task.columns,
        labels=task.labels,
        score_range=task.score_range,
        metrics=tuple(metric.name for metric in task.metrics),
        code=registry.tasks.owner(task.name).code,
    )


def definition_of(
    task: TaskSpec, registry: Registry, files: Callable[[], Mapping[str, Path]]
) -> DefinitionRecord | None:
    """What a run's record keeps of its task; None if an installed plugin has it.

    Args:
        task: The task.
        registry: Where its plugin is looked up.
        files: Tells its data files by split, if they are wanted.
    """
    owner = registry.tasks.owner(task.name)
    if owner.definition is None:
        return None
    path, content = owner.definition
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    rebuilder = _rebuilder(suffix_of(path), registry)
    if rebuilder is None or len(text) > DEFINITION_SIGNS:
        return None
    return DefinitionRecord(
        kind=suffix_of(path),
        path=str(path.absolute()),
        content=text,
        files=files_recorded(files()),
    )


def files_recorded(files: Mapping[str, Path]) -> dict[str, FileRecord]:
    """Where data files are, and their hashes; without those that cannot be read."""
    found = {}
    for split, file in files.items():
        try:
            found[split] = FileRecord(path=os.path.abspath(file), sha256=sha256_of(file))  # noqa: PTH100 - links stay
        except OSError:
            continue
    return found


def knowing(record: RunRecord, registry: Registry, folder: Path | None = None) -> Registry:
    """What the plugins offer, and the task of a run besides if none of them has it.

    Args:
        record: The run.
        registry: What the plugins offer.
        folder: Where the task's data files may lie by now.

    Raises:
        UnknownNameError: No plugin has the task, and the record does not keep it.
        RunFolderError: What the record keeps is not the task that the run computed.
        ConfigError: It cannot be read.
    """
    if record.task in registry.tasks.items:
        return registry
    task, owner = _rebuilt(record, registry, folder)
    return registry.knowing(task, owner)


def task_of(record: RunRecord, registry: Registry) -> TaskSpec | None:
    """The task of a run, installed or recorded, for whoever only shows it; None if not known."""
    try:
        return knowing(record, registry).task(record.task)
    except GlueharnessError:
        return None


def knowing_named(
    names: Iterable[str],
    store: RunStore,
    registry: Registry,
    folder: Path | None = None,
    run: str = "",
) -> Registry:
    """What the plugins offer, and besides those of some tasks that only runs have.

    Of several runs of a task the one that the user named says what it is, or else the newest.

    Args:
        names: Tasks, or groups, which stay as they are.
        store: The runs.
        registry: What the plugins offer.
        folder: Where the data files of such tasks may lie by now.
        run: The run that the user named, if any.

    Raises:
        GlueharnessError: As :func:`knowing`, of the newest run of a task. One that has no runs is
            left to whoever looks it up.
    """
    groups = {*registry.groups.items, *(task.group for task in registry.tasks)}
    for name in names:
        if name not in registry.tasks.items and name not in groups:
            runs = [record for record in store.all() if record.task == name]
            if runs and run and (named := store.find(run)).task == name:
                runs = [named]
            registry = _of_the_newest(runs, registry, folder)
    return registry


def _of_the_newest(runs: Sequence[RunRecord], registry: Registry, folder: Path | None) -> Registry:
    first: GlueharnessError | None = None
    for run in reversed(runs):
        try:
            return knowing(run, registry, folder)
        except GlueharnessError as error:
            first = first or error
    if first is not None:
        raise first
    return registry


def _rebuilt(
    record: RunRecord, registry: Registry, folder: Path | None
) -> tuple[TaskSpec, PluginStatus]:
    kept, computed = record.definition, record.computation
    if kept is None or computed is None:
        raise _not_kept(record)
    rebuilder = _rebuilder(kept.kind, registry)
    if rebuilder is None:
        raise UnknownNameError(
            f"no plugin here has the task {record.task!r}, nor reads the .{kept.kind} file that "
            f"run {record.id} keeps of it"
        )
    path, content = Path(kept.path), kept.content.encode("utf-8", "surrogateescape")
    status = file_status(path, content)
    status.definition = (path, content)
    # The code of a file in Python would be told by what it imports, which means to read it.
    if suffix_of(path) != kept.kind or status.code != computed.task.code:
        raise RunFolderError(
            f"the definition of the task {record.task!r} in the record of run {record.id} is not "
            "the one that the run was computed with"
        )
    files = {split: _sealed(file, folder) for split, file in kept.files.items()}
    owner = registry.file_kinds.owner(kept.kind)
    with blamed(f"the reader of .{kept.kind} files", owner, "failed"), status.watched():
        made = rebuilder.rebuild(path, content, files)
        tasks = list(getattr(made, "glueharness_tasks", list)())
    for task in tasks:
        if isinstance(task, TaskSpec):
            shown = _believed(task, registry)
            if describe_task(shown, registry.knowing(shown, status)) == computed.task:
                return shown, status
    raise RunFolderError(
        f"what the record of run {record.id} keeps of the task {record.task!r} describes another "
        "task than the run computed"
    )


def _believed(task: TaskSpec, registry: Registry) -> TaskSpec:
    """A task of a record without what no record may say.

    That its texts may be shared is for the present command to say; and it is not to be called in
    print as another task is.
    """
    called = {name.casefold() for known in registry.tasks for name in (known.name, known.title)}
    title = task.name if task.title.casefold() in called else task.title
    return dataclasses.replace(task, texts_may_be_shared=False, title=title)


def _rebuilder(kind: str, registry: Registry) -> TaskRebuilder | None:
    """The reader of a kind of file, if it can make a task again that a record describes."""
    if kind not in registry.file_kinds.items or f".{kind}" == PYTHON:
        return None
    owner = registry.file_kinds.owner(kind)
    with blamed(f"the reader of .{kind} files", owner, "failed"):
        reader = registry.file_kinds.get(kind).factory()
    return reader if isinstance(reader, TaskRebuilder) else None


def _sealed(file: FileRecord, folder: Path | None) -> SealedFile:
    """Where a file may be: where it was, or below the folder that the user names now."""
    path = Path(file.path)
    if folder is None:
        return SealedFile(places=(path,), sha256=file.sha256)
    parts = [part for part in path.parts[1:] if part != ".."]
    below = [folder.joinpath(*parts[-count:]) for count in range(1, _DEEPEST + 1)]
    return SealedFile(
        places=tuple(dict.fromkeys([path, *below])), sha256=file.sha256, sought=f"in {folder}"
    )


def _not_kept(record: RunRecord) -> UnknownNameError:
    """Why a task is not known, and what the user can do about it."""
    what = f"no plugin here has the task {record.task!r}"
    computed = record.computation
    if computed is None or not computed.task.code.startswith("file "):
        return UnknownNameError(
            what, remedy="Install the plugin that has it: glueharness plugins lists yours."
        )
    return UnknownNameError(
        f"{what}, and the record of run {record.id} does not keep its definition: that is in a "
        "Python file, or the run is of an earlier version of glueharness",
        remedy="Name its file: glueharness --plugin FILE ...; for a task of data files, "
        f"`glueharness tasks new {record.task}` with the options of the run writes it.",
    )
