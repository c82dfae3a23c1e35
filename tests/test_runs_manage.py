"""Tags, notes, archived and removed runs; archives that are passed on, and those made to harm."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from glueharness.cli import main
from glueharness.errors import RunFolderError
from glueharness.record.annotations import ANNOTATIONS_FILE, Annotations
from glueharness.record.archive import LIST_NAME, decode_list, export_runs
from glueharness.record.archive_import import import_runs
from glueharness.record.managing import annotate, remove_run
from glueharness.record.run_file import read_record, write_record
from glueharness.record.seals import seal
from glueharness.record.store import RunStore
from tests.leaderboard_runs import Making, make_runs

if TYPE_CHECKING:
    from collections.abc import Callable


class Terminal:
    """Calls commands on a folder of runs."""

    def __init__(self, capsys: pytest.CaptureFixture[str], runs: Path) -> None:
        self.capsys, self.runs = capsys, runs

    def __call__(self, *words: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as end:
            main([*words, "--runs-dir", str(self.runs)])
        captured = self.capsys.readouterr()
        assert end.value.code == code, captured.err
        return captured.out if code == 0 else captured.err


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three sealed runs; the first has a model."""
    folder = tmp_path / "runs"
    makings = [Making(model=name, rows=30) for name in ("bert-tiny", "bert-mini", "tfidf")]
    for place, record in enumerate(make_runs(folder, makings)):
        if place == 0:
            (folder / record.id / "model" / "deep").mkdir(parents=True)
            (folder / record.id / "model" / "deep" / "weights").write_bytes(b"weights" * 1000)
        write_record(folder / record.id, replace(record, seals=seal(folder / record.id)))
    return folder


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], runs: Path) -> Terminal:
    return Terminal(capsys, runs)


def ids(folder: Path) -> list[str]:
    return [record.id for record in RunStore(folder).all()]


def state_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with content and time of change."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_tags_and_notes_are_no_part_of_the_run(terminal: Terminal, runs: Path) -> None:
    before = {name: (runs / name / "run.json").read_bytes() for name in ids(runs)}
    first = ids(runs)[0]
    assert terminal("runs", "tag", first, "good", "zoë") == f"{first}: good, zoë\n"
    assert terminal("runs", "tag", first, "good", "--remove") == f"{first}: zoë\n"
    assert terminal("runs", "tag", first) == f"{first}: zoë\n"
    terminal("runs", "note", first, "warm-up \x1b[31mtoo short")
    assert terminal("runs", "note", first) == "warm-up \\x1b[31mtoo short\n"
    shown = terminal("runs", "show", first)
    assert "zoë" in shown
    assert "too short" in shown
    assert json.loads(terminal("runs", "show", first, "--json"))["annotations"]["tags"] == ["zoë"]
    assert terminal("runs", "verify", first).startswith(f"{first}: sealed, unchanged\n")
    assert {name: (runs / name / "run.json").read_bytes() for name in ids(runs)} == before
    terminal("runs", "tag", first, "zoë", "--remove")
    terminal("runs", "note", first, "")
    assert not (runs / first / ANNOTATIONS_FILE).exists()


@pytest.mark.parametrize("odd", ["", " a", "a,b", "a\x1b", "a" * 101])
def test_what_is_no_tag_is_refused(terminal: Terminal, runs: Path, odd: str) -> None:
    assert "tag" in terminal("runs", "tag", ids(runs)[0], odd, code=1)
    assert "has no tag" in terminal("runs", "tag", ids(runs)[0], "none", "--remove", code=1)


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"tags": "x"}', '{"tags": [1]}', '{"archived": 1}', '{"schema": 2}', "[" * 10**6],
)
def test_damaged_annotations_are_told_and_stop_nothing(
    terminal: Terminal, runs: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = ids(runs)[0]
    (runs / first / ANNOTATIONS_FILE).write_text(content)
    with pytest.raises(SystemExit) as end:
        main(["leaderboard", "--runs-dir", str(runs)])
    assert end.value.code == 0
    captured = capsys.readouterr()
    assert "annotations of a run cannot be read" in captured.err
    assert "bert-tiny" in captured.out
    assert "cannot be read" in terminal("runs", "tag", first, "x", code=1)
    assert first in terminal("runs", "show", first)


def test_annotations_through_a_link_are_not_read_or_followed(runs: Path, tmp_path: Path) -> None:
    first = ids(runs)[0]
    (tmp_path / "mine.json").write_text('{"tags": ["mine"]}')
    (runs / first / ANNOTATIONS_FILE).symlink_to(tmp_path / "mine.json")
    store = RunStore(runs)
    assert store.annotations(store.all()[0]) == Annotations()
    assert "symbolic link" in str(store.problems[0])


def test_an_archived_run_is_hidden_and_comes_back(terminal: Terminal, runs: Path) -> None:
    first, *_ = ids(runs)
    whole = terminal("leaderboard", "--format", "csv")
    terminal("runs", "archive", first)
    assert "bert-tiny" not in terminal("leaderboard", "--format", "csv")
    assert "bert-tiny" not in terminal("leaderboard")
    assert first in terminal("runs", "--json")
    assert "archived" in terminal("runs", "show", first)
    assert (runs / first / "model").is_dir()
    store = RunStore(runs)
    assert first not in {record.id for record in store.listed()}
    terminal("runs", "restore", first)
    assert terminal("leaderboard", "--format", "csv") == whole


def test_an_archived_run_is_not_submitted_unless_it_is_named(runs: Path) -> None:
    from glueharness.record.best import Wanted

    store = RunStore(runs)
    first = store.all()[0]
    assert store.best(Wanted(task="qnli", purpose="show")).record.id == first.id
    annotate(store, first, lambda said: replace(said, archived=True))
    with pytest.raises(RunFolderError, match="no run of qnli"):
        store.best(Wanted(task="qnli", purpose="show"))
    assert store.find(first.id).id == first.id


def test_rm_asks_and_deletes(
    terminal: Terminal, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = ids(runs)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    terminal("runs", "rm", first)
    assert len(ids(runs)) == 3
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    terminal("runs", "rm", first)
    assert ids(runs) == [second, third]
    terminal("runs", "rm", second, "unknown", "--yes", code=1)
    assert ids(runs) == [second, third]
    terminal("runs", "rm", second, third, "--yes")
    assert ids(runs) == []
    assert not [path for path in runs.iterdir() if path.name.startswith(".removed")]


def test_rm_follows_no_link(terminal: Terminal, runs: Path, tmp_path: Path) -> None:
    first, second, _ = ids(runs)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "thesis").write_text("mine")
    (runs / first / "model" / "link").symlink_to(outside)
    (runs / first / "predictions" / "file").symlink_to(outside / "thesis")
    terminal("runs", "rm", first, "--yes")
    assert (outside / "thesis").read_text() == "mine"
    shutil.move(runs / second, outside / second)
    (runs / second).symlink_to(outside / second)
    assert "link" in terminal("runs", "rm", second, "--yes", code=1)
    assert (outside / second / "run.json").is_file()


def test_a_run_in_use_is_not_removed_or_exported(
    terminal: Terminal, runs: Path, tmp_path: Path
) -> None:
    first, second, _ = ids(runs)
    store = RunStore(runs)
    with store.working_on(store.find(first)):
        assert "in use" in terminal("runs", "rm", first, second, "--yes", code=1)
        message = terminal("runs", "export", first, "-o", str(tmp_path / "a.tar"), code=1)
        assert "in use" in message
        terminal("runs", "tag", first, "while-training")
    assert first in ids(runs)
    assert second not in ids(runs)
    assert not (tmp_path / "a.tar").exists()
    remove_run(store, store.find(first))
    assert first not in ids(runs)


def exported(runs: Path, path: Path, *places: int) -> str:
    store = RunStore(runs)
    records = store.all()
    return export_runs(store, [records[place] for place in places or (0, 1)], path).seal


def test_runs_come_out_as_they_went_in(terminal: Terminal, runs: Path, tmp_path: Path) -> None:
    first, second, _ = ids(runs)
    terminal("runs", "tag", first, "good")
    (runs / first / "checkpoint").mkdir()
    (runs / first / "checkpoint" / "state").write_text("not passed on")
    archive = tmp_path / "two.tar"
    printed = terminal("runs", "export", first, second, first, "-o", str(archive))
    other = tmp_path / "other"
    terminal.runs = other
    imported = terminal("runs", "import", str(archive))
    assert imported.count(": imported") == 2
    assert printed.split()[-1] == imported.split()[-1]
    assert ids(other) == [first, second]
    for name in (first, second):
        for path in (runs / name).rglob("*"):
            inside = path.relative_to(runs)
            if path.is_file() and inside.parts[1] in {"run.json", "predictions", "model"}:
                assert (other / inside).read_bytes() == path.read_bytes()
    assert not (other / first / "checkpoint").exists()
    store = RunStore(other)
    said = store.annotations(store.find(first))
    assert said.tags == ("good",)
    assert said.imported
    assert "imported" in terminal("runs", "show", first)
    assert "2 of 2 runs were imported" in terminal("leaderboard", "--format", "markdown")
    # Importing twice changes nothing.
    before = state_of(other)
    assert terminal("runs", "import", str(archive)).count("there already") == 2
    assert state_of(other) == before
    assert sorted(path.name for path in other.iterdir()) == sorted([first, second])
    # Nor into the store that it is from, nor where it has another name.
    (other / first).rename(other / "renamed")
    assert "called renamed" in terminal("runs", "import", str(archive))
    terminal.runs = runs
    before = state_of(runs)
    terminal("runs", "import", str(archive))
    assert state_of(runs) == before


def test_what_was_imported_does_not_stand_for_a_computation(runs: Path, tmp_path: Path) -> None:
    exported(runs, tmp_path / "a.tar")
    import_runs(RunStore(tmp_path / "other"), tmp_path / "a.tar")
    here, there = RunStore(runs), RunStore(tmp_path / "other")
    identity = here.all()[0].identity
    assert here.completed(identity) is not None
    assert there.completed(identity) is None


def test_only_whole_runs_with_whole_seals_are_exported(
    terminal: Terminal, runs: Path, tmp_path: Path
) -> None:
    first, second, third = ids(runs)
    out = str(tmp_path / "a.tar")
    next((runs / first / "predictions").iterdir()).write_bytes(b"other")
    assert "seal is broken" in terminal("runs", "export", first, "-o", out, code=1)
    write_record(runs / second, replace(read_record(runs / second), status="interrupted"))
    assert "not over" in terminal("runs", "export", second, "-o", out, code=1)
    Path(out).write_text("mine")
    assert "file of that name" in terminal("runs", "export", third, "-o", out, code=1)
    assert Path(out).read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_another_run_of_the_same_name_is_not_overwritten(runs: Path, tmp_path: Path) -> None:
    exported(runs, tmp_path / "a.tar")
    other = tmp_path / "other"
    shutil.copytree(runs, other)
    first = ids(runs)[0]
    write_record(other / first, replace(read_record(other / first), seed=99))
    before = state_of(other)
    with pytest.raises(RunFolderError, match="another run called"):
        import_runs(RunStore(other), tmp_path / "a.tar")
    assert state_of(other) == before


def test_every_changed_byte_is_refused(runs: Path, tmp_path: Path) -> None:
    """Of content that is sealed; the headers of tar have unused bytes."""
    archive, other = tmp_path / "a.tar", tmp_path / "other"
    exported(runs, archive)
    content = archive.read_bytes()
    with tarfile.open(archive) as tar:
        members = [member for member in tar if member.name != LIST_NAME]
    for member in members:
        changed = bytearray(content)
        changed[member.offset_data + member.size // 2] ^= 1
        archive.write_bytes(changed)
        with pytest.raises(RunFolderError) as caught:
            import_runs(RunStore(other), archive)
        assert member.name in str(caught.value)
        assert "seal" in str(caught.value)
    for end in range(0, len(content) - 10_240, 701):
        archive.write_bytes(content[:end])
        with pytest.raises(RunFolderError):
            import_runs(RunStore(other), archive)
    assert list(other.iterdir()) == []


def rewritten(archive: Path, change: Callable[[Any, Any], None], form: str = "w") -> None:
    """Write an archive again, its list and members changed as ``change`` does."""
    with tarfile.open(archive) as tar:
        found = []
        for member in tar:
            stream = tar.extractfile(member)
            assert stream is not None
            found.append((member, stream.read()))
    listed = json.loads(found[0][1])
    members = found[1:]
    change(listed, members)
    content = json.dumps(listed).encode()
    with tarfile.open(archive, form, format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
        for member, data in [(tarfile.TarInfo(LIST_NAME), content), *members]:
            member.size = len(data) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(data) if member.isreg() else None)


def entry(path: str, data: bytes) -> dict[str, object]:
    return {"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def smuggled(run: str, path: str) -> Callable[[Any, Any], None]:
    """A file that the list names as well, with its right hash."""

    def change(listed: Any, members: Any) -> None:
        first = listed["runs"][0]
        if run:
            for member, _ in members[: len(first["files"])]:
                member.name = member.name.replace(first["id"], run, 1)
            first["id"] = run
        if path:
            first["files"].append(entry(path, b"x"))
            place = len(first["files"]) - 1
            members.insert(place, (tarfile.TarInfo(f"{first['id']}/{path}"), b"x"))

    return change


@pytest.mark.parametrize(
    ("run", "path"),
    [
        ("", "../victim"), ("", "model/../../victim"), ("", "/etc/victim"), ("", "model//x"),
        ("", "model/./x"), ("", "model\\..\\x"), ("", "C:/x"), ("", "victim"), ("", ".lock"),
        ("", "checkpoint/state"), ("", "model/.hidden"), ("", "model/a\nb"), ("", "model/\x1b[31m"),
        ("", "model/a:stream"), ("", "model/" + "x" * 300), ("", "model/" + "a/" * 20 + "x"),
        ("", "model"), ("", "model/ends."), ("", "MODEL/x"), ("..", ""), (".", ""), ("a/b", ""),
        (".hidden", ""), ("/etc/x", ""),
    ],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(
    runs: Path, tmp_path: Path, run: str, path: str
) -> None:
    archive, other = tmp_path / "a.tar", tmp_path / "deep" / "other"
    exported(runs, archive)
    rewritten(archive, smuggled(run, path))
    with pytest.raises(RunFolderError) as caught:
        import_runs(RunStore(other), archive)
    assert "\x1b" not in str(caught.value)
    assert list(other.iterdir()) == []
    assert [each.name for each in other.parent.iterdir()] == ["other"]


def test_an_allowed_file_is_taken(runs: Path, tmp_path: Path) -> None:
    """So that the test above fails for the path, and not for what it does besides."""
    exported(runs, tmp_path / "a.tar", 1)
    rewritten(tmp_path / "a.tar", smuggled("", "predictions/test.parquet"))
    done = import_runs(RunStore(tmp_path / "other"), tmp_path / "a.tar")
    assert (tmp_path / "other" / done.added[0] / "predictions" / "test.parquet").exists()


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE,
        tarfile.DIRTYPE, tarfile.CONTTYPE, b"Z",
    ],
)  # fmt: skip
def test_links_and_devices_are_refused(runs: Path, tmp_path: Path, kind: bytes) -> None:
    archive, other = tmp_path / "a.tar", tmp_path / "other"
    exported(runs, archive)

    def change(_: Any, members: Any) -> None:
        member = tarfile.TarInfo(members[0][0].name)
        member.type, member.linkname = kind, "/etc/passwd"
        members[0] = (member, b"")

    rewritten(archive, change)
    with pytest.raises(RunFolderError):
        import_runs(RunStore(other), archive)
    assert list(other.iterdir()) == []


def drop(_: Any, members: Any) -> None:
    del members[0]


def repeat(_: Any, members: Any) -> None:
    members.append(members[0])


def list_twice(listed: Any, _: Any) -> None:
    listed["runs"].append(listed["runs"][0])


def in_other_letters(listed: Any, _: Any) -> None:
    files = listed["runs"][0]["files"]
    files.append({**files[-1], "path": files[-1]["path"].upper()})


def without_record(listed: Any, members: Any) -> None:
    del listed["runs"][0]["files"][0], members[0]


def of_tomorrow(listed: Any, _: Any) -> None:
    listed["format"] = 2


def odd_size(listed: Any, _: Any) -> None:
    listed["runs"][0]["files"][0]["bytes"] = 10**14


def other_score(listed: Any, members: Any) -> None:
    """With the right hash in the list: what the run's record says of itself does not agree."""
    member, data = members[0]
    values = json.loads(data)
    values["primary"] = 0.99
    data = json.dumps(values).encode()
    members[0] = (member, data)
    listed["runs"][0]["files"][0] = entry("run.json", data)


def other_predictions(listed: Any, members: Any) -> None:
    """With the right hash in the list: the run's own seal is broken."""
    member, data = members[1]
    members[1] = (member, data + b"x")
    listed["runs"][0]["files"][1] = entry(listed["runs"][0]["files"][1]["path"], data + b"x")


def odd_annotations(listed: Any, members: Any) -> None:
    files = listed["runs"][0]["files"]
    files.insert(1, entry(ANNOTATIONS_FILE, b'{"tags": 3}'))
    name = f"{listed['runs'][0]['id']}/{ANNOTATIONS_FILE}"
    members.insert(1, (tarfile.TarInfo(name), b'{"tags": 3}'))


def interrupted(listed: Any, members: Any) -> None:
    member, data = members[0]
    values = {**json.loads(data), "status": "interrupted"}
    data = json.dumps(values).encode()
    members[0] = (member, data)
    listed["runs"][0]["files"][0] = entry("run.json", data)


@pytest.mark.parametrize(
    "change",
    [
        drop, repeat, list_twice, in_other_letters, without_record, of_tomorrow, odd_size,
        other_score, other_predictions, odd_annotations, interrupted,
    ],
)  # fmt: skip
def test_an_altered_archive_is_refused_whole(
    runs: Path, tmp_path: Path, change: Callable[[Any, Any], None]
) -> None:
    archive, other = tmp_path / "a.tar", tmp_path / "other"
    exported(runs, archive)
    rewritten(archive, change)
    with pytest.raises(RunFolderError) as caught:
        import_runs(RunStore(other), archive)
    assert str(archive) in str(caught.value)
    assert list(other.iterdir()) == []


def test_a_compressed_archive_is_not_unpacked(runs: Path, tmp_path: Path) -> None:
    """A bomb is small and unpacks to more than there is room for."""
    archive = tmp_path / "a.tar"
    exported(runs, archive)
    rewritten(archive, lambda *_: None, "w:gz")
    with pytest.raises(RunFolderError, match="no whole archive"):
        import_runs(RunStore(tmp_path / "other"), archive)


def test_a_sparse_file_is_refused(runs: Path, tmp_path: Path) -> None:
    """A kilobyte of archive would become a terabyte on the disk."""
    archive, other = tmp_path / "a.tar", tmp_path / "other"
    exported(runs, archive)

    def change(listed: Any, members: Any) -> None:
        member = tarfile.TarInfo(members[0][0].name)
        member.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(2**40)}
        members[0] = (member, b"x")
        listed["runs"][0]["files"][0]["bytes"] = 2**40

    rewritten(archive, change)
    with pytest.raises(RunFolderError, match="not the file that its list says"):
        import_runs(RunStore(other), archive)


@pytest.mark.parametrize("content", [b"", b"x" * 20_000, b"\0" * 10_240])
def test_what_is_no_archive_is_told(runs: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(RunFolderError, match="no whole archive"):
        import_runs(RunStore(runs), tmp_path / "a.tar")
    with pytest.raises(RunFolderError, match="no such file"):
        import_runs(RunStore(runs), tmp_path / "none.tar")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RunFolderError, match="it is no regular file"):
        import_runs(RunStore(runs), tmp_path / "pipe")


def test_of_several_archives_those_before_a_bad_one_are_told(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported(runs, tmp_path / "a.tar", 0)
    (tmp_path / "b.tar").write_bytes(b"")
    for form in ([], ["--json"]):
        other = tmp_path / f"other{len(form)}"
        words = [str(tmp_path / name) for name in ("a.tar", "b.tar")]
        with pytest.raises(SystemExit) as end:
            main(["runs", "import", *words, "--runs-dir", str(other), *form])
        out, err = capsys.readouterr()
        assert end.value.code == 1
        assert ids(other) == ids(runs)[:1]
        assert ids(other)[0] in out
        assert "b.tar" in err
        assert "Nothing of it was imported." in err


def test_a_store_that_cannot_be_written_to_is_named(runs: Path, tmp_path: Path) -> None:
    exported(runs, tmp_path / "a.tar")
    (tmp_path / "file").write_text("in the place of a folder", encoding="utf-8")
    store = RunStore(tmp_path / "file" / "runs")
    with pytest.raises(RunFolderError, match=r"cannot be imported into .*file/runs: Not a dir"):
        import_runs(store, tmp_path / "a.tar")


def test_a_newer_form_is_told_as_one() -> None:
    with pytest.raises(ValueError, match="it has format 2; this version reads 1"):
        decode_list(b'{"format": 2, "sealed": []}')
