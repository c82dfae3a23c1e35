"""Checks a submission: a file of JSON Lines, a folder of them, or the zip. Nothing is trusted."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING

from glueharness import FileReport, Finding, Report, SubmissionError
from glueharness_superglue.content import check_content
from glueharness_superglue.form import ARCHIVE, MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from glueharness import SubmissionFile, TaskSpec

    Expected = tuple[TaskSpec, SubmissionFile]

RECORD = "ReCoRD.jsonl"
"""The official file that no task here makes: it may be there, and is not looked at."""
_LARGEST = 1 << 24
_DAMAGE = (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, ValueError, EOFError)
_WITHOUT_RECORD = (
    f"{RECORD} is not in it: the server wants predictions of that task, too, which this program "
    "does not make"
)


def check(path: Path, tasks: Sequence[TaskSpec]) -> Report:
    """Check what is at ``path`` against what the tasks say.

    Raises:
        SubmissionError: There is nothing there, or it cannot be read.
    """
    expected = {file.name: (task, file) for task in tasks for file in task.submission}
    try:
        if path.is_dir():
            found = {
                each.name: each.read_bytes()[: _LARGEST + 1]
                for each in sorted(path.iterdir())
                if each.is_file() and each.name not in {ARCHIVE, MANIFEST}
            }
            return _many(path, found, expected, [])
        with path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except FileNotFoundError as error:
        raise SubmissionError("there is no such file or folder", where=str(path)) from error
    except OSError as error:
        raise SubmissionError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if content.startswith(b"PK") or path.suffix.lower() == ".zip":
        return _zip(path, expected)
    known = {name.lower(): name for name in expected}
    name = known.get(path.name.lower(), "")
    if not name:
        return Report(path=path, findings=[_extra(path.name, expected)])
    report = _file(path.name, content, expected[name])
    return Report(path=path, files=[report], recognised=1)


def _zip(path: Path, expected: Mapping[str, Expected]) -> Report:
    found: dict[str, bytes] = {}
    findings: list[Finding] = []
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    findings.append(Finding(file=ascii(info.filename), what="an extra folder"))
                elif info.filename in found:
                    findings.append(Finding(file=ascii(info.filename), what="it is there twice"))
                elif info.file_size > _LARGEST:
                    what = f"the file unpacks to {info.file_size:,} bytes; no good one is so large"
                    findings.append(Finding(file=ascii(info.filename), what=what))
                else:
                    with archive.open(info) as stream:
                        found[info.filename] = stream.read(_LARGEST + 1)
    except _DAMAGE as error:
        what = f"the archive is damaged, has a password, or is no zip: {error}"
        return Report(path=path, findings=[Finding(file=path.name, what=what)])
    return _many(path, found, expected, findings)


def _many(
    path: Path, found: Mapping[str, bytes], expected: Mapping[str, Expected], told: list[Finding]
) -> Report:
    """Check that the files are those of the tasks, and each of them."""
    files = []
    for name, (task, file) in expected.items():
        if name in found:
            files.append(_file(name, found[name], (task, file)))
        else:
            like = [each for each in found if each.rpartition("/")[2].lower() == name.lower()]
            what = (
                f"the file must be called {name} and lie at the root" if like else "it is missing"
            )
            finding = Finding(file=(like or [name])[0], what=what)
            files.append(
                FileReport(
                    name=name,
                    task=task.name,
                    expected=task.split(file.split).rows,
                    findings=(finding,),
                )
            )
            told = [each for each in told if each.file != ascii(name)]
    known = {each.rpartition("/")[2].lower() for each in (*expected, RECORD)}
    strangers = [name for name in found if name.rpartition("/")[2].lower() not in known]
    findings = [*told, *(_extra(name, expected) for name in strangers)]
    return Report(
        path=path,
        files=files,
        findings=findings[:5],
        more=max(0, len(findings) - 5),
        recognised=sum(name in found for name in expected),
        notes=() if RECORD in found else (_WITHOUT_RECORD,),
    )


def _file(shown: str, content: bytes, item: Expected) -> FileReport:
    task, file = item
    rows = task.split(file.split).rows
    name = ascii(shown)[1:-1]
    findings: list[Finding] = []
    if shown != file.name:
        findings.append(Finding(file=name, what=f"the file must be called {file.name}"))
    if len(content) > _LARGEST:
        findings.append(Finding(file=name, what="the file is far larger than a good one"))
        return FileReport(name=file.name, task=task.name, expected=rows, findings=findings)
    seen = check_content(content, file, rows, name)
    return FileReport(
        name=file.name,
        task=task.name,
        rows=seen.rows,
        expected=rows,
        values=seen.values,
        findings=[*findings, *seen.findings],
        more=seen.more,
    )


def _extra(name: str, expected: Iterable[str]) -> Finding:
    return Finding(
        file=ascii(name)[1:-1],
        what="no file of the submission has this name",
        remedy=f"Its files: {', '.join(expected)}.",
    )
