"""Folders and zips: what must be there, what must not, and archives that mean harm."""

from __future__ import annotations

import io
import os
import random
import shutil
import struct
import time
import tracemalloc
import zipfile
import zlib
from typing import TYPE_CHECKING, Self

import pytest

from glueharness import SubmissionError
from glueharness_submission.writer import GlueWriter
from tests.glue_files import FACTS, all_good, all_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from glueharness import Report

NAMES = sorted(name for _, files, _, _ in FACTS.values() for name in files)
# QQP's file is the only large one; the others show the same in less time.
TASKS = [spec for spec in all_tasks() if spec.name != "qqp"]
SMALL = [name for name in NAMES if name != "QQP.tsv"]


@pytest.fixture(scope="module")
def submission(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good submission, all but QQP's file, as a folder with the zip in it."""
    folder = tmp_path_factory.mktemp("good")
    GlueWriter().bundle([item for item in all_good() if item.task.name != "qqp"], folder, {})
    return folder


@pytest.fixture(scope="module")
def files(submission: Path) -> dict[str, bytes]:
    """The good files by name."""
    return {name: (submission / name).read_bytes() for name in SMALL}


def check(path: Path) -> Report:
    return GlueWriter().check(path, TASKS)


def packed(path: Path, files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip of these files."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def told(report: Report, file: str, said: str) -> None:
    """The report says this of that file, and the submission is refused."""
    found = [finding for finding in report.all_findings if said in finding.what]
    assert found, [(finding.file, finding.what) for finding in report.all_findings]
    assert file in {finding.file for finding in found}
    assert report.answer == "rejected"
    assert not report.clean


def test_all_eleven_are_accepted_as_folder_and_as_zip(tmp_path: Path) -> None:
    paths = GlueWriter().bundle(all_good(), tmp_path, {})
    for path in (tmp_path, paths[0]):
        report = GlueWriter().check(path, all_tasks())
        assert report.clean
        assert report.answer == "accepted"
        assert [file.name for file in report.files if file.rows] == [
            name for _, names, _, _ in FACTS.values() for name in names
        ]


def renamed(old: str, new: str) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    return lambda files: {new if name == old else name: data for name, data in files.items()}


def added(name: str, data: bytes = b"x") -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    return lambda files: {**files, name: data}


LAYOUTS: dict[str, tuple[Callable[[dict[str, bytes]], dict[str, bytes]], str, str]] = {
    "a file missing": (
        lambda files: {name: data for name, data in files.items() if name != "AX.tsv"},
        "AX.tsv", "missing",
    ),
    "lower case": (renamed("QNLI.tsv", "qnli.tsv"), "qnli.tsv", "must be called QNLI.tsv"),
    "SST2": (renamed("SST-2.tsv", "SST2.tsv"), "SST2.tsv", "must be called SST-2.tsv"),
    "STSB": (renamed("STS-B.tsv", "STSB.tsv"), "STSB.tsv", "must be called STS-B.tsv"),
    "underscore": (renamed("MNLI-mm.tsv", "MNLI_mm.tsv"), "MNLI_mm.tsv", "called MNLI-mm.tsv"),
    "csv": (renamed("RTE.tsv", "RTE.csv"), "RTE.csv", "must be called RTE.tsv"),
    "double extension": (renamed("RTE.tsv", "RTE.tsv.txt"), "RTE.tsv.txt", "must be called RTE"),
    "another name": (renamed("RTE.tsv", "RTE (1).tsv"), "RTE (1).tsv", "did you mean RTE.tsv?"),
    "in a folder": (
        lambda files: {f"out/{name}": data for name, data in files.items()},
        "out/QNLI.tsv", "must be at the archive's root",
    ),
    "one in a folder": (renamed("AX.tsv", "diagnostic/AX.tsv"), "diagnostic/AX.tsv", "root"),
    "an extra file": (added("README.md"), "README.md", "an extra file"),
    "macOS's litter": (added("__MACOSX/._QNLI.tsv"), "__MACOSX/._QNLI.tsv", "macOS put there"),
    ".DS_Store": (added(".DS_Store"), ".DS_Store", "macOS put there"),
    "Thumbs.db": (added("Thumbs.db"), "Thumbs.db", "Windows put there"),
    "the file twice": (added("qnli.tsv"), "qnli.tsv", "extra file beside another QNLI.tsv"),
    "a copy in a folder": (added("old/QNLI.tsv"), "old/QNLI.tsv", "beside another QNLI.tsv"),
}  # fmt: skip


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_wrong_layout_is_told(
    tmp_path: Path, files: dict[str, bytes], name: str, form: str
) -> None:
    change, file, said = LAYOUTS[name]
    wrong = change(files)
    if form == "zip":
        path = packed(tmp_path / "submission.zip", wrong)
    else:
        path = tmp_path / "folder"
        for inner, data in wrong.items():
            (path / inner).parent.mkdir(parents=True, exist_ok=True)
            (path / inner).write_bytes(data)
    report = check(path)
    told(report, file, said)
    if name not in {"in a folder", "another name"}:
        assert len(report.all_findings) == 1


def test_content_in_an_archive_is_told_with_its_line(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    wrong = files["CoLA.tsv"].replace(b"\n41\t", b"\n41\t7")
    report = check(packed(tmp_path / "a.zip", {**files, "CoLA.tsv": wrong}))
    (finding,) = report.all_findings
    assert finding.where == "CoLA.tsv:43"


def test_a_folder_whose_zip_is_older_is_told(tmp_path: Path, submission: Path) -> None:
    folder = shutil.copytree(submission, tmp_path / "copy")
    assert check(folder).clean
    (folder / "RTE.tsv").write_bytes((folder / "RTE.tsv").read_bytes().replace(b"not_", b""))
    told(check(folder), "submission.zip", "does not contain this RTE.tsv")


def test_an_empty_folder_and_an_empty_zip(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    told(check(tmp_path / "folder"), "QNLI.tsv", "missing")
    told(check(packed(tmp_path / "a.zip", {})), "QNLI.tsv", "missing")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system knows no named pipes")
@pytest.mark.parametrize("what", ["link", "pipe"])
def test_a_folder_with_something_else_than_files(
    tmp_path: Path, submission: Path, what: str
) -> None:
    folder = shutil.copytree(submission, tmp_path / "copy")
    (folder / "RTE.tsv").unlink()
    if what == "link":
        (folder / "RTE.tsv").symlink_to(submission / "RTE.tsv")
    else:
        os.mkfifo(folder / "RTE.tsv")
    report = check(folder)
    told(report, "RTE.tsv", "symbolic link" if what == "link" else "not a regular file")
    told(report, "RTE.tsv", "missing")


@pytest.mark.parametrize(
    "name", ["../QNLI.tsv", "/etc/passwd", "C:\\x", "a/../../b", "..\\x", "\\\\h\\x"]
)
def test_paths_that_lead_out_are_told_and_never_written(
    tmp_path: Path, files: dict[str, bytes], name: str
) -> None:
    report = check(packed(tmp_path / "a.zip", {**files, name: b"x"}))
    told(report, name, "leads out of the archive")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_link_in_a_zip_is_told(tmp_path: Path, files: dict[str, bytes]) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(packed(path, files), "a") as archive:
        entry = zipfile.ZipInfo("link.tsv")
        entry.create_system = 3
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    told(check(path), "link.tsv", "symbolic link")


def test_a_name_twice_in_a_zip_is_told(tmp_path: Path, files: dict[str, bytes]) -> None:
    path = packed(tmp_path / "a.zip", files)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("QNLI.tsv", files["QNLI.tsv"])
    told(check(path), "QNLI.tsv", "twice")


@pytest.mark.parametrize(
    ("method", "said"), [(zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "LZMA")]
)
def test_unusual_compression_is_told(
    tmp_path: Path, files: dict[str, bytes], method: int, said: str
) -> None:
    told(check(packed(tmp_path / "a.zip", files, compression=method)), "QNLI.tsv", said)


def test_a_stored_zip_and_one_with_another_suffix_are_fine(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    assert check(packed(tmp_path / "upload", files, compression=zipfile.ZIP_STORED)).clean


def patched(path: Path, files: Mapping[str, bytes], offset: int, value: bytes) -> Path:
    """A zip in whose headers of the first file some bytes are changed, local and central."""
    data = bytearray(packed(path, files).read_bytes())
    central = data.index(b"PK\x01\x02")
    data[offset : offset + len(value)] = value
    data[central + 2 + offset : central + 2 + offset + len(value)] = value
    path.write_bytes(data)
    return path


def test_an_encrypted_file_is_told(tmp_path: Path, files: dict[str, bytes]) -> None:
    told(check(patched(tmp_path / "a.zip", files, 6, b"\x01\0")), "AX.tsv", "encrypted")


def test_a_wrong_checksum_is_told(tmp_path: Path, files: dict[str, bytes]) -> None:
    told(
        check(patched(tmp_path / "a.zip", files, 14, b"\1\2\3\4")),
        "AX.tsv",
        "damaged in the archive",
    )


def test_a_bomb_that_says_its_size_is_not_unpacked(tmp_path: Path, files: dict[str, bytes]) -> None:
    path = packed(tmp_path / "a.zip", {**files, "WNLI.tsv": bytes(1 << 26)})
    with spent() as spending:
        told(check(path), "WNLI.tsv", "unpacks to 67,108,864 bytes")
    assert spending.peak < 32 << 20


def test_a_bomb_within_the_limit_is_known_by_its_ratio(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    report = check(packed(tmp_path / "a.zip", {**files, "WNLI.tsv": bytes(1 << 20)}))
    told(report, "WNLI.tsv", "as a zip bomb does")


def test_a_bomb_that_lies_about_its_size_is_cut_off(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    bomb = {
        "AX.tsv": bytes(1 << 26),
        **files,
    }
    path = patched(tmp_path / "a.zip", bomb, 22, struct.pack("<I", 1000))
    with spent() as spending:
        told(check(path), "AX.tsv", "damaged in the archive")
    assert spending.peak < 32 << 20


class spent:  # noqa: N801 - reads as a context
    """The most memory that Python took inside."""

    peak = 0

    def __enter__(self) -> Self:
        tracemalloc.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


def test_a_directory_of_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    size = 200 << 20
    with path.open("wb") as stream:
        stream.truncate(size)
        stream.seek(size)
        stream.write(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 9, 9, size, 0, 0))
    with spent() as spending:
        told(check(path), "a.zip", "directory is too large")
    assert spending.peak < 16 << 20


def test_a_zip_of_very_many_files_is_read_quickly(tmp_path: Path, files: dict[str, bytes]) -> None:
    path = packed(tmp_path / "a.zip", {**files, **{f"{n}.txt": b"" for n in range(9000)}})
    start = time.perf_counter()
    report = check(path)
    assert time.perf_counter() - start < 10
    assert len(report.findings) == 5
    assert report.more == 9000 - 5


def test_a_huge_file_in_a_folder_is_not_read_whole(tmp_path: Path, submission: Path) -> None:
    folder = shutil.copytree(submission, tmp_path / "copy")
    with (folder / "WNLI.tsv").open("r+b") as stream:
        stream.truncate(1 << 33)
    with spent() as spending:
        told(check(folder), "WNLI.tsv", "bytes, twice a good one's")
    assert spending.peak < 32 << 20


def test_very_many_lines_are_not_all_diagnosed(tmp_path: Path, files: dict[str, bytes]) -> None:
    (tmp_path / "WNLI.tsv").write_bytes(files["WNLI.tsv"] + b"\n" * 1_000_000 + b"x\n")
    report = check(tmp_path / "WNLI.tsv")
    told(report, "WNLI.tsv", "the line is blank")
    assert max(finding.count for finding in report.all_findings) < 2000


@pytest.mark.parametrize(
    ("start", "said"),
    [(b"\x1f\x8b\x08", "a gzip file"), (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
     (b"Rar!\x1a\x07", "a RAR archive"), (b"BZh9", "a bzip2 file"), (b"\xfd7zXZ\0", "an xz file")],
)  # fmt: skip
def test_another_archive_is_named(tmp_path: Path, start: bytes, said: str) -> None:
    path = tmp_path / "submission.zip"
    path.write_bytes(start + bytes(100))
    told(check(path), "submission.zip", said)


def test_no_cut_and_no_flipped_byte_brings_the_checker_down(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    few = {name: files[name] for name in ("WNLI.tsv", "AX.tsv", "CoLA.tsv")}
    whole = packed(tmp_path / "whole.zip", few).read_bytes()
    path, dice = tmp_path / "a.zip", random.Random(7)
    directory = whole.index(b"PK\x01\x02")
    for turn in range(400):
        data = bytearray(whole)
        if turn % 4 == 0:
            data = data[: dice.randrange(len(data))]
        else:
            # Half of the flips hit the directory, where they do the most.
            first = directory if turn % 2 else 0
            for _ in range(dice.randint(1, 4)):
                data[dice.randrange(first, len(data))] = dice.randrange(256)
        path.write_bytes(data)
        report = check(path)
        assert all(finding.what for finding in report.all_findings)


def test_a_zip_with_a_good_checksum_of_bad_data(tmp_path: Path, files: dict[str, bytes]) -> None:
    # Data that do not inflate at all, while both headers agree with each other.
    stream = io.BytesIO(packed(tmp_path / "a.zip", {"AX.tsv": files["AX.tsv"]}).read_bytes())
    stream.seek(36)
    stream.write(b"\xff" * 100)
    (tmp_path / "a.zip").write_bytes(stream.getvalue())
    assert zlib.crc32(files["AX.tsv"])
    told(check(tmp_path / "a.zip"), "AX.tsv", "damaged in the archive")


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match="there is no such file or folder"):
        check(tmp_path / "nothing")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system knows no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tsv")
    with pytest.raises(SubmissionError, match="not a regular file"):
        check(tmp_path / "pipe.tsv")


def test_a_file_of_no_known_name(tmp_path: Path, files: dict[str, bytes]) -> None:
    (tmp_path / "predictions.tsv").write_bytes(files["RTE.tsv"])
    told(check(tmp_path / "predictions.tsv"), "predictions.tsv", "no file of the submission")
    rte = [spec for spec in TASKS if spec.name == "rte"]
    (report,) = GlueWriter().check(tmp_path / "predictions.tsv", rte).files
    assert [finding.what for finding in report.findings] == ["the file must be called RTE.tsv"]
