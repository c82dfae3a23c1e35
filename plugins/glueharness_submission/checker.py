"""Check a submission: one TSV file, a folder of them, or the zip. Nothing in it is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import FileReport, Finding, Report, SubmissionError
from glueharness.errors import did_you_mean
from glueharness_submission.collector import Collector, plain
from glueharness_submission.content import check_content
from glueharness_submission.entries import Contents, Unreadable, folder_contents, single
from glueharness_submission.expected import Expected, expected_files, groups, likeness
from glueharness_submission.form import ARCHIVE
from glueharness_submission.zips import looks_like_zip, other_archive, zip_contents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glueharness import TaskSpec
    from glueharness_submission.entries import Entry

_UNLIKE = 3


def check(path: Path, tasks: Sequence[TaskSpec]) -> Report:
    """Check the file, folder or zip at ``path`` against what the tasks say.

    Raises:
        SubmissionError: There is nothing there, or it cannot be read.
    """
    expected = expected_files(tasks)
    try:
        if path.is_dir():
            return _check_many(path, folder_contents(path), expected)
        entry = single(path)
        start = entry.read(8)
    except FileNotFoundError as error:
        raise SubmissionError("there is no such file or folder", where=str(path)) from error
    except OSError as error:
        raise SubmissionError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except Unreadable as error:
        raise SubmissionError(str(error), where=str(path)) from error
    if other_archive(start):
        what = f"this is {other_archive(start)}; the server takes a zip"
        return Report(path=path, findings=[Finding(file=plain(path.name), what=what)])
    if looks_like_zip(path, start):
        return _check_many(path, zip_contents(path), expected)
    return _check_one(path, entry, expected)


def _check_one(path: Path, entry: Entry, expected: Sequence[Expected]) -> Report:
    """Check a single file."""
    best = min(expected, key=lambda item: likeness(entry.name, item), default=None)
    # If only one file can be meant, it is checked whatever its name is.
    if best is None or (likeness(entry.name, best) == _UNLIKE and len(expected) > 1):
        return Report(path=path, findings=[_unknown(entry, expected)])
    return Report(path=path, files=[_check_entry(entry, best)], recognised=1)


def _check_many(path: Path, contents: Contents, expected: Sequence[Expected]) -> Report:
    """Check the files of a folder or an archive, which must be exactly those of a group."""
    if not contents.opened:
        return Report(path=path, findings=contents.findings)
    chosen = _group(contents.entries, expected)
    files, used = [], set()
    for item in chosen:
        fitting = [entry for entry in contents.entries if likeness(entry.name, item) < _UNLIKE]
        best = min(
            fitting, key=lambda entry: (likeness(entry.name, item), entry.nested), default=None
        )
        if best is None:
            missing = Finding(file=item.name, what="the file is missing from the submission")
            files.append(_report(item, findings=(missing,)))
        else:
            used.add(best.path)
            files.append(_check_entry(best, item))
    for entry in [entry for entry in contents.entries if entry.path not in used]:
        if contents.full:
            contents.more += 1
        else:
            extra = _unknown(entry, chosen or expected)
            contents.tell(entry.path, extra.what, remedy=extra.remedy)
    if not contents.entries and not contents.findings:
        contents.tell(path.name, "nothing is in it")
    if path.is_dir() and (path / ARCHIVE).is_file():
        _tell_stale(path / ARCHIVE, contents, chosen)
    return Report(
        path=path,
        files=files,
        findings=contents.findings,
        more=contents.more,
        recognised=len(used),
    )


def _tell_stale(archive: Path, contents: Contents, expected: Sequence[Expected]) -> None:
    """Report if the archive in the folder was packed from other files than those in the folder."""
    packed = {entry.path: entry for entry in zip_contents(archive).entries}
    limits = {item.name: item.limit for item in expected}
    for entry in [entry for entry in contents.entries if entry.path in limits]:
        try:
            limit = limits[entry.path]
            same = entry.path in packed and packed[entry.path].read(limit) == entry.read(limit)
        except Unreadable:
            same = False
        if not same:
            what = f"the archive in this folder does not contain this {entry.path}"
            contents.tell(archive.name, what, remedy="Pack it anew before it is uploaded.")


def _group(entries: Sequence[Entry], expected: Sequence[Expected]) -> list[Expected]:
    """The group that most of the files belong to; if there is only one group, that one."""
    found = groups(expected)
    fitting = {
        name: sum(any(likeness(entry.name, item) < _UNLIKE for item in items) for entry in entries)
        for name, items in found.items()
    }
    best = max(fitting, key=lambda name: fitting[name], default="")
    return found[best] if best and (fitting[best] or len(found) == 1) else []


def _unknown(entry: Entry, expected: Sequence[Expected]) -> Finding:
    """Report that a file does not belong there."""
    twin = next((item.name for item in expected if likeness(entry.name, item) < _UNLIKE), "")
    if twin:
        return Finding(file=entry.shown, what=f"an extra file beside another {twin}")
    names = {item.name.lower(): item.name for item in expected}
    near = did_you_mean(entry.name, names)
    for lower, name in names.items():
        near = near.replace(repr(lower), name)
    listing = ", ".join(names.values())
    return Finding(
        file=entry.shown,
        what=f"an extra file; no file of the submission has this name{near}",
        remedy=f"Its files: {listing}." if listing else "No installed task has a submission.",
    )


def _check_entry(entry: Entry, item: Expected) -> FileReport:
    """Check name, place and content of a file."""
    collector = Collector(entry.shown)
    if entry.name != item.name:
        collector.tell("name", f"the file must be called {item.name}")
    if entry.nested:
        what = "the file is in a folder; all files must be at the archive's root"
        collector.tell("nested", what, remedy="Pack the files themselves: zip submission.zip *.tsv")
    try:
        data = entry.read(item.limit + 1)
    except Unreadable as error:
        collector.tell("unreadable", str(error))
        found, more = collector.findings()
        return _report(item, findings=found, more=more)
    if len(data) > item.limit:
        collector.tell("size", f"the file has more than {item.limit:,} bytes, twice a good one's")
        found, more = collector.findings()
        return _report(item, findings=found, more=more)
    content = check_content(data, item, collector)
    found, more = collector.findings()
    return FileReport(
        name=item.name,
        task=item.task.name,
        rows=content.rows,
        expected=item.rows,
        values=content.values,
        findings=found,
        more=more,
    )


def _report(item: Expected, *, findings: tuple[Finding, ...], more: int = 0) -> FileReport:
    return FileReport(
        name=item.name, task=item.task.name, expected=item.rows, findings=findings, more=more
    )
