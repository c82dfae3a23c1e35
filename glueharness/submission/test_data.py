"""The test data of a submission, which must be complete."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.data.opening import AUTO, open_data
from glueharness.data.table import check
from glueharness.errors import SourceUnavailable, SubmissionError
from glueharness.specs import DataOptions

if TYPE_CHECKING:
    from glueharness.data.opening import OpenedData
    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.specs import Split, SubmissionFile, TaskSpec
    from glueharness.submission.plan import SubmitOptions

_COMPLETE = "Give the complete official data: --data-dir FOLDER"


def data_of(record: RunRecord, options: SubmitOptions) -> DataOptions:
    """The options that find a run's data again, save for what the user says otherwise."""
    if options.data_dir is not None:
        source = options.data or AUTO
        return DataOptions(source=source, folder=options.data_dir, offline=options.offline)
    recorded = record.settings.get("data_dir")
    remembered = recorded.value if recorded else None
    return DataOptions(
        source=options.data or record.data.source,
        folder=Path(remembered) if isinstance(remembered, str) else None,
        offline=options.offline,
    )


def load_test_splits(task: TaskSpec, options: DataOptions, registry: Registry) -> dict[str, Split]:
    """The splits that a task's submission is made from, by file name.

    Raises:
        SourceUnavailable: There are no test data.
        SubmissionError: They are the sample's, or not complete.
        DataError: They are damaged.
    """
    opened = open_data(task, options, registry.sources_for(task))
    origin = opened.data.origin
    if origin.sample:
        tried = "".join(f"  {name}: {reason}\n" for name, reason in opened.passed_over)
        raise SubmissionError(
            f"the submission of {task.name} cannot be made from the bundled sample",
            where=opened.where,
            remedy=(f"Tried before:\n{tried}" if tried else "") + _COMPLETE,
        )
    return {file.name: load_test_split(task, file, opened) for file in task.submission}


def load_test_split(task: TaskSpec, file: SubmissionFile, opened: OpenedData) -> Split:
    """The split that a submission file is made from, complete.

    Raises:
        SourceUnavailable: The source does not have it.
        SubmissionError: It does not have all of the task's rows.
        DataError: It is damaged.
    """
    where = opened.where
    if file.split not in opened.data.available:
        raise SourceUnavailable(
            f"{file.name} is made from the split {file.split}, which is not there",
            where=where,
            remedy=_COMPLETE,
        )
    split = opened.load(file.split)
    check(split, task, name=file.split, where=where)
    absent = [key for key in file.keys if key not in split.column_names]
    if absent:
        raise SubmissionError(
            f"{file.name} names its rows by {', '.join(file.keys)}; the {file.split} split here "
            f"lacks {', '.join(absent)}",
            where=where,
        )
    expected = task.split(file.split).rows
    if expected is not None and len(split) != expected:
        hint = file.superseded.get(len(split), "")
        raise SubmissionError(
            f"{file.name} needs {expected:,} predictions; the {file.split} split here has "
            f"{len(split):,} rows" + (f": this is {hint}" if hint else ""),
            where=where,
            remedy=_COMPLETE,
        )
    return split
