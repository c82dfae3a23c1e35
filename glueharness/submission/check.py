"""Checks a submission that any program has written.

It imports little: most of the time of a check is start-up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness.errors import SubmissionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glueharness.plugin.registry import Registry
    from glueharness.specs import Report, TaskSpec


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
    targets = registry.targets(names)
    tasks = [
        task
        for task in submitted_tasks(registry)
        if not names or task in targets.tasks or task.group in targets.groups
    ]
    reports = []
    for name in [writer] if writer else dict.fromkeys(task.writer for task in tasks):
        checker = registry.writer(name)
        if checker.checks:
            own = [task for task in tasks if task.writer == name or writer]
            reports.append(checker.check(path, own))
    if not reports:
        raise SubmissionError("no installed plugin can check a submission", where=str(path))
    return max(reports, key=lambda report: report.recognised)
