"""`run --search N`: settings are chosen by how others did, and a search goes on where it was."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import random
import re
import signal
import subprocess
import time
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import SearchRange, SearchSpace
from glueharness.errors import ConfigError
from glueharness.run.grid import read_space
from glueharness.run.search import parse_search
from tests.executor_tools import Command, results, workers_of

if TYPE_CHECKING:
    from pathlib import Path

needs_optuna = pytest.mark.skipif(
    importlib.util.find_spec("optuna") is None, reason="optuna is not installed"
)
SKILL = ("run", "numbers", "--model", "slow", "--grid", "skill=0..1")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def points(command: Command, runs: str = "runs") -> list[float]:
    """The values that were tried, in their order."""
    records = sorted(command.records(runs), key=lambda record: str(record["started"]))
    return [record["settings"]["skill"]["value"] for record in records]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1e-5..1e-3", SearchRange(1e-5, 1e-3, whole=False, logarithmic=True)),
        ("1e-5..9e-5", SearchRange(1e-5, 9e-5)),
        ("0..1", SearchRange(0, 1, whole=True)),
        ("0.0..0.5", SearchRange(0, 0.5)),
        ("2..6", SearchRange(2, 6, whole=True)),
        ("8..128", SearchRange(8, 128, whole=True, logarithmic=True)),
        ("-2..100", SearchRange(-2, 100, whole=True)),
        ("1,2", ("1", "2")),
    ],
)
def test_ranges_and_values(text: str, meant: Any) -> None:
    assert read_space([f"rate={text}"], {}) == {"rate": meant}
    if isinstance(meant, SearchRange):
        assert read_space([], {"rate": text}) == {"rate": meant}
        assert meant.holds(meant.low if not meant.whole else int(meant.low))
        assert not meant.holds(meant.high * 2 + 1)
        assert not meant.holds("1")


@pytest.mark.parametrize("text", ["2..1", "1..1", "1e-4..1e-5", "1..1e999"])
def test_a_range_begins_with_its_lower_end(text: str) -> None:
    with pytest.raises(ConfigError, match="The lower end comes first"):
        read_space([f"rate={text}"], {})


@pytest.mark.parametrize("text", ["0", "-1", "1001", "", "x", "3.5", "tpe:", "tpe:0", "9" * 5000])
def test_how_many_settings_must_be_a_number(text: str) -> None:
    with pytest.raises(ConfigError, match="how many settings to try, 1 to 1000"):
        parse_search(text)
    assert parse_search("tpe:20") == ("tpe", 20)
    assert parse_search("6") == ("", 6)


@needs_optuna
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("numbers", "digits", "--search", "2"), "is for one task, and this command names 2"),
        (("numbers", "--search", "2"), "has nothing to choose from"),
        (("numbers", "--model", "majority", "--search", "2"), "has no settings to choose"),
        (("numbers", "--search", "2", "--rerun", "--grid", "skill=0..1"), "Leave --rerun out"),
        (("numbers", "--search", "2", "--resume", "--grid", "skill=0..1"), "Leave --resume out"),
        (("numbers", "--search", "9", "--grid", "skill=0,1"), "only 2 settings to choose from"),
        (("numbers", "--search", "2", "--grid", "skil=0..1"), "did you mean 'skill'"),
        (("numbers", "--search", "2", "--grid", "skill=0.5..7.0"), "--skill must be a number"),
        (("numbers", "--search", "2", "--grid", "steps=1..3", "--steps", "2"), "given twice"),
        (("numbers", "--search", "2", "--grid", "steps=1.5..3.0"), "must be a whole number"),
        (("numbers", "--search", "2", "--grid", "seed=1..5"), "does not choose the seed"),
        (("numbers", "--search", "1", "--grid", "skill=0.5,0.1,0.50"), "skill=0.50 and skill=0.5"),
        (("numbers", "--search", "2", "--grid", "skill=0.5,7,0.6"), "--skill must be a number"),
        (
            ("numbers", "--search", "nobody:2", "--grid", "skill=0..1"),
            "no searcher called 'nobody'",
        ),
    ],
)
def test_a_search_that_cannot_be_is_refused(
    command: Command, words: tuple[str, ...], told: str
) -> None:
    model = () if "--model" in words else ("--model", "slow")
    done = command.run("run", *words, *model)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert command.records() == []


@needs_optuna
def test_settings_are_searched_and_the_same_command_goes_on(command: Command) -> None:
    words = (*SKILL, "--steps", "1")  # of which none can be stopped early
    done = command.run(*words, "--search", "7")
    assert done.returncode == 0, done.stderr
    assert "Numbers: 7 settings tried" in done.stdout
    assert "points instead of" in done.stdout  # what the choice is worth
    first = points(command)
    assert len(set(first)) == 7
    assert all(value == float(f"{value:.3g}") for value in first)
    settings = command.records()[0]["settings"]["skill"]
    assert settings["origin"] == "--search"

    again = command.run(*words, "--search", "7")
    assert again.returncode == 0, again.stderr
    assert again.stdout == done.stdout
    assert "7 of 7 runs were there already" in again.stderr
    more = command.run(*words, "--search", "9")
    assert more.returncode == 0, more.stderr
    assert "Numbers: 9 settings tried" in more.stdout
    assert points(command)[:7] == first

    # Elsewhere the same command asks for the same settings; another seed for others.
    alike = command.run(*words, "--search", "9", "--runs-dir", "other")
    assert alike.returncode == 0, alike.stderr
    assert points(command, "other") == points(command)
    assert results(command.records("other")) == results(command.records())
    command.run(*words, "--search", "2", "--seed", "1", "--runs-dir", "third")
    assert not set(points(command, "third")) & set(first)


@needs_optuna
def test_each_setting_is_scored_by_the_mean_of_its_seeds_under_several_workers(
    command: Command,
) -> None:
    done = command.run(*SKILL[:-1], "skill=0,0.5,0.9", "--grid", "steps=1,2", "--search", "5",
                       "--seeds", "2", "--jobs", "2", "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    records = json.loads(done.stdout)
    assert len(records) == 10
    assert {record["seed"] for record in records} == {42, 43}
    tried = [(r["settings"]["skill"]["value"], r["settings"]["steps"]["value"]) for r in records]
    assert len(set(tried)) == 5


@needs_optuna
def test_a_setting_that_is_resumed_is_stopped_as_if_it_had_gone_on(tmp_path: Path) -> None:
    from glueharness_optuna.study import OptunaSearcher

    space = SearchSpace(
        choices={"skill": SearchRange(0.0, 1.0)}, file=tmp_path / "study.log", seed=1
    )
    searcher = OptunaSearcher(space, "tpe")
    for _ in range(5):
        number = searcher.ask().number
        assert not any(searcher.report(number, epoch, 0.9) for epoch in (1, 2, 3))
        searcher.tell(number, 0.9)
    poor = searcher.ask().number
    assert not searcher.report(poor, 1, 0.1)

    resumed = OptunaSearcher(space, "tpe")
    assert [trial.number for trial in resumed.earlier() if trial.open] == [poor]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not resumed.report(poor, 1, 0.1)  # as a model does that resumes
        assert resumed.report(poor, 2, 0.1)
        killed_upon_it = OptunaSearcher(space, "tpe")
        killed_upon_it.earlier()
        assert not killed_upon_it.report(poor, 1, 0.1)
        assert killed_upon_it.report(poor, 2, 0.1)
    resumed.tell(poor, None, stopped=True)
    assert [trial.stopped for trial in OptunaSearcher(space, "tpe").earlier()][-1]


@needs_optuna
def test_a_poor_setting_is_stopped_early_and_is_no_completed_run(command: Command) -> None:
    # Five are drawn and run to their end; those after them that know nothing are stopped.
    values = ",".join(f"{skill:.2f}" for skill in (0.9, 0.92, 0.94, 0.96, 0, 0.02, 0.04, 0.06))
    words = ("run", "numbers", "--model", "slow", "--grid", f"skill={values}", "--steps", "4",
             "--nap", "0.3", "--search", "8", "--seed", "3")  # fmt: skip
    done = command.run(*words)
    assert done.returncode == 0, done.stderr
    records = command.records()
    stopped = [record for record in records if record["status"] != "completed"]
    assert stopped
    assert {record["status"] for record in stopped} == {"interrupted"}
    assert {record["settings"]["skill"]["value"] < 0.5 for record in stopped} == {True}
    told = " ".join(done.stdout.split())
    assert f"8 settings tried, {len(stopped)} of them stopped early" in told
    assert "its worker is gone" not in done.stderr
    assert "stopped early" in done.stderr
    board = command.run("leaderboard", "--by", "run", "--json")
    assert not [record for record in stopped if record["id"] in board.stdout]
    again = command.run(*words)
    assert again.stdout == done.stdout
    assert len(command.records()) == len(records)


@needs_optuna
def test_a_setting_that_fails_is_told_and_tried_again_by_the_same_command(
    command: Command,
) -> None:
    words = (*SKILL, "--search", "2", "--grid", "steps=1..3", "--seeds", "2")
    failed = command.run(*words, "--fail", "43")
    assert failed.returncode == 1
    assert "it broke, as it was told" in failed.stderr
    done = command.run(*words)
    assert done.returncode == 0, done.stderr
    assert {r["status"] for r in command.records()} <= {"completed", "failed"}
    assert "Numbers: 2 settings tried" in done.stdout


@needs_optuna
def test_what_a_search_knows_is_checked_before_it_is_believed(command: Command) -> None:
    assert command.run(*SKILL, "--search", "2").returncode == 0
    (journal,) = (command.folder / "runs/.search").glob("*.log")
    text = journal.read_text(encoding="utf-8")
    for spoilt in (
        text.replace('"op_code":5', '"op_code":99'),
        "{\n" + text,
        re.sub('"param_value_internal":', '"param_value_internal":7', text),
        "not JSON\n" + text,
        "\x00" * 100 + "\n",
    ):
        journal.write_text(spoilt, encoding="utf-8")
        done = command.run(*SKILL, "--search", "3")
        assert "Traceback" not in done.stderr
        assert done.returncode == 1, spoilt[:300]
        assert "what an earlier search found cannot be read" in done.stderr
        assert str(journal) in done.stderr
    journal.unlink()
    os.mkfifo(journal)
    assert "it is no regular file" in command.run(*SKILL, "--search", "3", timeout=60).stderr
    journal.unlink()
    journal.symlink_to(command.folder / "elsewhere")
    assert command.run(*SKILL, "--search", "3").returncode == 1
    journal.unlink()
    assert not (command.folder / "elsewhere").exists()
    assert command.run(*SKILL, "--search", "3").returncode == 0
    folder = command.folder / "runs/.search"
    for each in folder.iterdir():
        each.unlink()
    folder.rmdir()
    folder.symlink_to(command.folder)
    assert "symbolic link" in command.run(*SKILL, "--search", "3").stderr


def test_a_line_that_was_cut_costs_no_more_than_that_line(command: Command) -> None:
    assert command.run(*SKILL, "--search", "3").returncode == 0
    tried = points(command)
    (journal,) = (command.folder / "runs/.search").glob("*.log")
    for cut in (1, 30, 200):
        journal.write_bytes(journal.read_bytes()[:-cut])
        done = command.run(*SKILL, "--search", "3")
        assert done.returncode == 0, done.stderr
        assert points(command) == tried


@needs_optuna
def test_numbers_are_whole_or_not_as_the_setting_is(command: Command) -> None:
    words = ("run", "numbers", "--model", "slow", "--search", "3", "--grid", "steps=1e0..3e0")
    done = command.run(*words)
    assert done.returncode == 0, done.stderr
    assert sorted(record["settings"]["steps"]["value"] for record in command.records()) == [1, 2, 3]


def test_readable_numbers_stay_in_their_range_and_apart() -> None:
    near = SearchRange(0.5, 0.5001)
    assert near.rounded(0.500034) == 0.500034
    assert SearchRange(0.0, 0.9999).rounded(0.99985) == 0.9999
    assert SearchRange(1.2345e-5, 2e-5).rounded(1.2346e-5) == 1.2345e-5
    assert SearchRange(1e-5, 1e-4).rounded(3.14159e-5) == 3.14e-5
    assert SearchRange(-1.0, 1.0).rounded(0.123456) == 0.123
    assert SearchRange(1, 5, whole=True).rounded(3) == 3


@needs_optuna
def test_a_search_that_finds_no_more_settings_says_so(command: Command) -> None:
    words = ("run", "numbers", "--model", "slow", "--grid", "skill=0.5..0.5000000000000001")
    done = command.run(*words, "--search", "3")
    assert done.returncode == 0, done.stderr
    found = re.search(r"no other settings were found, so that (\d+) of 3 were tried", done.stderr)
    assert found is not None, done.stderr
    assert len(command.records()) == int(found[1])


@needs_optuna
def test_a_strangers_searcher_comes_in_by_the_same_door(command: Command) -> None:
    plugin = command.folder / "halving.py"
    plugin.write_text(
        "import glueharness as gh\n"
        "class Halves:\n"
        "    def __init__(self, space): self.space, self.asked = space, 0\n"
        "    def earlier(self): return []\n"
        "    def ask(self):\n"
        "        self.asked += 1\n"
        "        return gh.Trial(number=self.asked, point={'skill': 0.5 ** self.asked})\n"
        "    def report(self, number, epoch, score): return False\n"
        "    def tell(self, number, score, *, stopped=False):\n"
        "        with open('told.txt', 'a') as stream: stream.write(f'{number} {score}\\n')\n"
        "@gh.hookimpl\n"
        "def glueharness_searchers():\n"
        "    return [gh.SearcherSpec(name='halves', description='Halves.', factory=Halves)]\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        command.words("--plugin", str(plugin), *SKILL, "--search", "halves:3"),
        cwd=command.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert points(command) == [0.5, 0.25, 0.125]
    told = (command.folder / "told.txt").read_text(encoding="utf-8").split()
    scores = {str(r["primary"]) for r in command.records()}
    assert told[::2] == ["1", "2", "3"]
    assert set(told[1::2]) == scores


def test_a_missing_optuna_is_named_with_its_pip_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glueharness_optuna.study import OptunaSearcher

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    space = SearchSpace(choices={}, file=tmp_path / "study.log", seed=1)
    with pytest.raises(ConfigError, match="needs optuna") as caught:
        OptunaSearcher(space, "tpe")
    assert "pip install 'glueharness[search]'" in caught.value.remedy


@needs_optuna
@pytest.mark.slow
@pytest.mark.parametrize(("search", "jobs"), [("random:8", "1"), ("random:8", "2"), ("8", "2")])
def test_kills_at_any_moment_cost_no_setting_and_do_none_twice(
    command: Command, search: str, jobs: str
) -> None:
    words = ("run", "numbers", "--model", "slow", "--grid", "skill=0..1", "--steps", "6",
             "--nap", "0.05", "--search", search, "--jobs", jobs)  # fmt: skip
    moments = random.Random(f"{search} {jobs}")
    for _ in range(8):
        driver = command.start(*words)
        time.sleep(moments.uniform(0.3, 2.5))
        workers = workers_of(driver.pid)
        with contextlib.suppress(ProcessLookupError):
            if workers and moments.random() < 0.5:
                os.kill(workers[0], signal.SIGKILL)
                time.sleep(moments.uniform(0, 0.5))
                driver.send_signal(signal.SIGINT)
            else:
                driver.kill()
        driver.communicate()
    done = command.run(*words)
    assert done.returncode == 0, done.stderr
    assert "Numbers: 8 settings tried" in done.stdout
    records = command.records()
    completed = [record for record in records if record["status"] == "completed"]
    assert len({record["identity"] for record in completed}) == len(completed)
    assert len(records) == 8  # a killed run was resumed, and none began twice
    if search != "8":  # which stops some early; what is drawn is the same whoever is killed
        calm = command.run(*words, "--runs-dir", "calm")
        assert calm.returncode == 0, calm.stderr
        assert results(completed) == results(command.records("calm"))
