"""The writer: exact bytes, complete, whole or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import Bundler, Checker, Prediction, SubmissionError, Writer
from glueharness.plugin.registry import Registry
from glueharness.submission.submit import filler
from glueharness_submission.writer import GlueWriter
from tests.glue_files import FACTS, all_good, all_tasks, good, task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

NAMES = sorted(name for _, files, _, _ in FACTS.values() for name in files)


def predicted(name: str, **changes: Any) -> Prediction:
    """A good prediction of a task's first file, changed."""
    spec = task(name)
    return dataclasses.replace(good(spec, spec.submission[0]), **changes)


def written(predictions: Sequence[Prediction], folder: Path) -> list[bytes]:
    """What the writer makes of predictions."""
    return [path.read_bytes() for path in GlueWriter().write(predictions, folder)]


def test_the_plugin_offers_a_writer_that_also_packs_and_checks() -> None:
    writer = Registry().writers.get("glue").factory()
    assert isinstance(writer, Writer)
    assert isinstance(writer, Bundler)
    assert isinstance(writer, Checker)


def test_the_bytes_are_those_that_the_server_wants(tmp_path: Path) -> None:
    values = ["not_entailment", "entailment"] * 73
    prediction = predicted("wnli", values=values)
    (data,) = written([prediction], tmp_path / "new" / "folder")
    lines = data.split(b"\n")
    assert lines[0] == b"index\tprediction"
    assert lines[1:4] == [b"0\t0", b"1\t1", b"2\t0"]  # WNLI numbers its labels the other way
    assert lines[-2:] == [b"145\t1", b""]
    assert len(lines) == 148
    assert (tmp_path / "new" / "folder" / "WNLI.tsv").read_bytes() == data


def test_rows_are_written_by_their_index(tmp_path: Path) -> None:
    straight = predicted("rte")
    rows = len(straight.values)
    turned = dataclasses.replace(
        straight, index=[*range(rows)][::-1], values=[*map(str, straight.values)][::-1]
    )
    assert written([turned], tmp_path / "a") == written([straight], tmp_path / "b")


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.2, "0.000"), (-0.0, "0.000"), (5.2, "5.000"), (2.3456, "2.346"), (1, "1.000"),
     (math.inf, "5.000"), (1e-9, "0.000")],
)  # fmt: skip
def test_scores_are_clipped_and_have_three_decimals(
    tmp_path: Path, value: float, text: str
) -> None:
    values = [value] * 1379
    (data,) = written([predicted("stsb", values=values)], tmp_path)
    assert data.split(b"\n")[7].decode() == f"6\t{text}"


BROKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "a row less": ("rte", {"index": range(2999), "values": ["entailment"] * 2999}, "2999 pred"),
    "fewer values": ("rte", {"values": ["entailment"] * 2999}, "2999 predictions for 3000"),
    "an index twice": ("wnli", {"index": [0, *range(145)]}, "index 0 occurs twice"),
    "an index too large": ("wnli", {"index": range(1, 147)}, "index 146 is out of range"),
    "a negative index": ("wnli", {"index": [-1, *range(1, 146)]}, "index -1 is out of range"),
    "an unknown label": (
        "wnli",
        {"values": ["maybe"] * 146},
        "row 0: 'maybe' is not a label of wnli",
    ),
    "an id": ("wnli", {"values": ["entailment"] * 145 + ["1"]}, "row 145: '1'"),
    "not a number": ("stsb", {"values": [1.0] * 1378 + [math.nan]}, "row 1378: nan"),
    "text": ("stsb", {"values": ["1.0"] * 1379}, "row 0: '1.0' is not a number"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_complete_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    victim, changes, said = BROKEN[name]
    with pytest.raises(SubmissionError, match=said):
        GlueWriter().write([predicted("qnli"), predicted(victim, **changes)], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_zip_holds_all_eleven_files_at_its_root(tmp_path: Path) -> None:
    paths = GlueWriter().bundle(all_good(), tmp_path, {"note": "kept"})
    assert paths[0].name == "submission.zip"
    with zipfile.ZipFile(paths[0]) as archive:
        assert archive.namelist() == NAMES
        assert archive.testzip() is None
        for name in NAMES:
            assert archive.read(name) == (tmp_path / name).read_bytes()
    manifest = json.loads((tmp_path / "submission.manifest.json").read_text(encoding="utf-8"))
    assert manifest["note"] == "kept"
    for path in paths:
        if path.name != "submission.manifest.json":
            assert manifest["sha256"][path.name] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(p.name for p in paths)


def test_equal_files_make_equal_zips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = [item for item in all_good() if item.task.name != "qqp"]
    first = GlueWriter().bundle(small, tmp_path / "a", {})[0].read_bytes()
    monkeypatch.setattr("time.time", lambda: 2e9)
    second = GlueWriter().bundle(small[::-1], tmp_path / "b", {})[0].read_bytes()
    assert first == second


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_name_that_is_taken_leaves_the_old_submission(tmp_path: Path) -> None:
    GlueWriter().bundle([predicted("wnli")], tmp_path, {"run": "old"})
    old = snapshot(tmp_path)
    (tmp_path / "STS-B.tsv").mkdir()
    fresh = [predicted("stsb"), predicted("wnli", values=["entailment"] * 146)]
    with pytest.raises(SubmissionError, match="a folder has this name") as caught:
        GlueWriter().bundle(fresh, tmp_path, {"run": "new"})
    assert str(tmp_path / "STS-B.tsv") in str(caught.value)
    assert snapshot(tmp_path) == old


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Files cannot grow beyond 10,000 bytes."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_leaves_the_old_submission(tmp_path: Path) -> None:
    GlueWriter().bundle([predicted("wnli")], tmp_path, {"run": "old"})
    old = snapshot(tmp_path)
    fresh = [predicted("wnli", values=["entailment"] * 146), predicted("rte")]
    with pytest.raises(SubmissionError, match="cannot be written"):
        GlueWriter().bundle(fresh, tmp_path, {"run": "new"})
    assert snapshot(tmp_path) == old


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SubmissionError, match="cannot be written") as caught:
        GlueWriter().write([predicted("wnli")], tmp_path / "file")
    assert str(tmp_path / "file") in str(caught.value)


@pytest.mark.parametrize("name", ["../WNLI.tsv", "a/WNLI.tsv", "a\\WNLI.tsv"])
def test_a_file_name_that_is_a_path_is_refused(tmp_path: Path, name: str) -> None:
    spec = task("wnli")
    file = dataclasses.replace(spec.submission[0], name=name)
    with pytest.raises(SubmissionError, match="not a plain file name"):
        GlueWriter().write(
            [dataclasses.replace(good(spec, spec.submission[0]), file=file)], tmp_path
        )


def test_there_are_eleven_files() -> None:
    assert len(NAMES) == 11
    assert [spec.name for spec in all_tasks()] == list(FACTS)


def test_the_installed_tasks_say_the_same_as_the_table() -> None:
    installed = {spec.name: spec for spec in Registry().tasks if spec.group == "glue"}
    assert set(installed) == set(FACTS)
    for name, mine in ((name, task(name)) for name in FACTS):
        theirs = installed[name]
        assert theirs.labels == mine.labels
        assert theirs.score_range == mine.score_range
        assert theirs.trained_on == mine.trained_on
        assert theirs.writer == "glue"
        assert [
            (file.name, dict(file.values), file.decimals, theirs.split(file.split).rows)
            for file in theirs.submission
        ] == [
            (file.name, dict(file.values), 3, mine.split(file.split).rows)
            for file in mine.submission
        ]
    assert set(installed["qnli"].submission[0].superseded) == {5740}


def test_fillers_of_all_eleven_files_are_accepted(tmp_path: Path) -> None:
    tasks = [spec for spec in Registry().tasks if spec.group == "glue"]
    fillers = [filler(spec, file) for spec in tasks for file in spec.submission]
    assert {prediction.run for prediction in fillers} == {""}
    archive = GlueWriter().bundle(fillers, tmp_path, {})[0]
    report = GlueWriter().check(archive, tasks)
    assert report.clean
    assert [file.rows for file in report.files] == [file.expected for file in report.files]
