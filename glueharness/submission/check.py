"""Check a submission from anywhere. Imports little: most of the time of a check is start-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness.errors import SubmissionError, UnknownNameError
from glueharness.plugin.blame import blamed
from glueharness.specs import Checker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glueharness.plugin.registry import Registry
    from glueharness.specs import Report, TaskSpec


def targets(names: Sequence[str], registry: Registry) -> tuple[list[TaskSpec], list[str]]:
    """The tasks and the score groups that these names mean.

    Raises:
        UnknownNameError: One is neither.
    """
    tasks, groups = [], []
    known = {task.group for task in registry.tasks if task.group}
    for name in dict.fromkeys(names):
        if name in registry.tasks.items:
            tasks.append(registry.task(name))
        elif name in known:
            groups.append(name)
        else:
            names_known = [*registry.tasks.items, *known]
            raise UnknownNameError.among("task or score group", name, names_known)
    return tasks, groups


def submitted_tasks(registry: Registry) -> list[TaskSpec]:
    """The tasks that have a submission."""
    return [task for task in registry.tasks if task.submission]


def check_submission(
    path: Path, registry: Registry, *, names: Sequence[str] = (), writer: str = ""
) -> Report:
    """Check a submission from anywhere.

    Args:
        path: One file, a folder or an archive.
        registry: Where tasks and writers are looked up.
        names: Tasks or groups that it must be of; empty for any.
        writer: The writer whose form it must have; empty for the tasks' own.

    Raises:
        SubmissionError: It cannot be read, or no installed writer can check it.
        UnknownNameError: No task, group or writer of that name.
    """
    named, groups = targets(names, registry)
    tasks = [
        task
        for task in submitted_tasks(registry)
        if not names or task in named or task.group in groups
    ]
    reports = []
    for name in [writer] if writer else dict.fromkeys(task.writer for task in tasks):
        owner = registry.writers.owner(name)
        with blamed(f"the submission writer {name!r}", owner, "cannot be made"):
            checker = registry.writers.get(name).factory()
        if isinstance(checker, Checker):
            own = [task for task in tasks if task.writer == name or writer]
            reports.append(checker.check(path, own))
    if not reports:
        raise SubmissionError("no installed plugin can check a submission", where=str(path))
    return max(reports, key=lambda report: report.recognised)
