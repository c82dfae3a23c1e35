"""Several folders of runs, read as one: ``--runs-dir A --runs-dir B``."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from glueharness.cli import main
from glueharness.errors import RunFolderError, UnknownNameError
from glueharness.record.joined_store import store_of
from glueharness.record.store import RunStore
from tests.leaderboard_runs import Making, make_run

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.record.record import RunRecord


class Folders:
    """Two folders of runs: three of model ``a`` in one, three of ``b`` in the other.

    Args:
        place: Where they are made.
        capsys: What is printed.
    """

    def __init__(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.one, self.other, self.capsys = place / "one", place / "other", capsys
        seeds = range(3)
        self.of_a = [self.make(self.one, "a", seed, seed) for seed in seeds]
        self.of_b = [self.make(self.other, "b", seed, 10 + seed) for seed in seeds]

    @staticmethod
    def make(folder: Path, model: str, seed: int, number: int) -> RunRecord:
        accuracy = 0.9 if model == "a" else 0.7
        return make_run(
            folder, Making(model=model, seed=seed, number=number + 1, accuracy=accuracy)
        )

    def __call__(self, *words: str, code: int = 0) -> tuple[str, str]:
        places = ["--runs-dir", str(self.one), "--runs-dir", str(self.other)]
        with pytest.raises(SystemExit) as end:
            main([*words, *places])
        out, err = self.capsys.readouterr()
        assert (end.value.code or 0) == code, err
        assert "Traceback" not in err
        return " ".join(out.split()), " ".join(err.split())

    def json(self, *words: str) -> Any:
        places = ["--runs-dir", str(self.one), "--runs-dir", str(self.other)]
        with pytest.raises(SystemExit):
            main([*words, "--json", *places])
        return json.loads(self.capsys.readouterr().out)


@pytest.fixture
def folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Folders:
    monkeypatch.setenv("COLUMNS", "120")
    return Folders(tmp_path, capsys)


def test_a_board_ranks_the_runs_of_both(folders: Folders) -> None:
    (table,) = folders.json("leaderboard", "qnli")["sections"]
    assert [(row["model"], len(row["seeds"])) for row in table["rows"]] == [("a", 3), ("b", 3)]
    assert all(row["interval"] for row in table["rows"])  # predictions of both were found
    out, err = folders("compare", "a", "b", "--task", "qnli")
    assert "is real at the 5 % level" in out
    assert not err


def test_list_show_and_verify_know_both(folders: Folders) -> None:
    ids = {run.id for run in (*folders.of_a, *folders.of_b)}
    assert {run["id"] for run in folders.json("runs")} == ids
    shown = folders.json("runs", "show", folders.of_b[0].id)
    assert shown["folder"] == str(folders.other / folders.of_b[0].id)
    # The newest of all, not of the first folder.
    assert folders.json("runs", "show", "latest")["id"] == folders.of_b[-1].id
    path = str(folders.other / folders.of_b[1].id)
    assert folders.json("runs", "show", path)["id"] == folders.of_b[1].id
    assert set(folders.json("runs", "verify", "--all")) == ids


def test_the_page_shows_both(folders: Folders, tmp_path: Path) -> None:
    page = tmp_path / "board.html"
    folders("report", "-o", str(page))
    text = page.read_text(encoding="utf-8")
    assert folders.of_a[0].id in text
    assert folders.of_b[0].id in text
    assert str(tmp_path) not in text


def test_a_run_that_is_in_both_counts_once(folders: Folders) -> None:
    copied = folders.of_a[0].id
    shutil.copytree(folders.one / copied, folders.other / copied)
    shutil.copytree(folders.one / copied, folders.other / "renamed")
    (table,) = folders.json("leaderboard", "qnli")["sections"]
    assert [len(row["seeds"]) for row in table["rows"]] == [3, 3]
    out, err = folders("runs")
    assert out.count(copied) == 1
    assert f"{folders.other / copied} is a copy of {copied} and is left out" in err
    assert f"{folders.other / 'renamed'} is a copy of {copied} and is left out" in err
    for name in (copied, "renamed", str(folders.other / copied)):
        assert folders.json("runs", "show", name)["folder"] == str(folders.one / copied)


def test_two_runs_of_one_id_are_told_and_neither_is_meant(folders: Folders) -> None:
    taken = folders.of_a[0].id
    shutil.copytree(folders.other / folders.of_b[0].id, folders.other / taken)
    shutil.rmtree(folders.other / folders.of_b[0].id)
    _, err = folders("leaderboard", "qnli")
    assert f"{folders.other / taken}: another run has this id, too" in err
    for name in (taken, taken.rpartition("-")[2], str(folders.other / taken)):
        _, err = folders("compare", name, folders.of_a[1].id, code=1)
        assert f"there are two runs '{taken}': {folders.one / taken} and" in err
    store = store_of([folders.one, folders.other])
    assert len(store.all()) == 5
    with pytest.raises(UnknownNameError, match="two runs"):
        store.find(taken)


def test_what_cannot_be_read_is_told_of_each(folders: Folders) -> None:
    for folder, run in ((folders.one, folders.of_a[0]), (folders.other, folders.of_b[0])):
        (folder / run.id / "run.json").write_text("{", encoding="utf-8")
    _, err = folders("leaderboard", "qnli")
    assert str(folders.one / folders.of_a[0].id) in err
    assert str(folders.other / folders.of_b[0].id) in err
    with pytest.raises(RunFolderError, match="damaged"):
        store_of([folders.one, folders.other]).find(folders.of_b[0].id)


def test_one_folder_named_twice_is_one(folders: Folders, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folders.one)
    for again in (folders.one, tmp_path / "other" / ".." / "one", link):
        store = store_of([folders.one, again])
        assert type(store) is RunStore
        assert store.folder == folders.one


def test_each_folder_has_its_own_index(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glueharness.record.index._FEWEST", 1)
    monkeypatch.setattr("glueharness.record.index._SECONDS_UNTIL_SETTLED", -1.0)
    (first,) = folders.json("leaderboard", "qnli")["sections"]
    read: list[Path] = []
    with monkeypatch.context() as patch:
        patch.setattr("glueharness.record.contents.read_stored", read.append)
        store = store_of([folders.one, folders.other])
        assert len(store.all()) == 6
    assert not read  # all of it was known
    assert store.all()[-1].settings == folders.of_b[-1].settings  # read when it is asked for
    (again,) = folders.json("leaderboard", "qnli")["sections"]
    assert again == first


@pytest.mark.parametrize(
    "words",
    [["runs", "tag", "latest", "good"], ["runs", "rm", "-y", "latest"], ["runs", "archive", "x"],
     ["runs", "export", "latest", "-o", "x.tar"], ["runs", "import", "x.tar"],
     ["run", "qnli"], ["evaluate", "qnli"], ["submit", "qnli"], ["reproduce", "latest"],
     ["rescore", "latest"]],
)  # fmt: skip
def test_what_writes_takes_one_folder(words: list[str], folders: Folders) -> None:
    _, err = folders(*words, code=2)
    assert "--runs-dir is given twice, and this command works in one folder" in err
    assert all((folders.other / run.id).is_dir() for run in folders.of_b)
