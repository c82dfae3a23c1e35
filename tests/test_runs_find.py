"""Finding and ordering runs by what they are."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from glueharness.cli import main, runs_list
from glueharness.errors import ConfigError, UnknownNameError
from glueharness.record.computation import Computation, ModelComputed, TaskComputed
from glueharness.record.managing import annotate
from glueharness.record.query import Condition, Fields
from glueharness.record.record import SettingRecord
from glueharness.record.run_file import write_record
from glueharness.record.store import RunStore
from tests.leaderboard_runs import Making, make_runs

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.record.record import RunRecord


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    folder = tmp_path / "runs"
    make_runs(
        folder,
        [
            Making(model="bert-tiny", seed=1, rows=40, accuracy=0.6),
            Making(model="bert-mini", seed=2, rows=40, accuracy=0.9, sample=True),
            Making(model="tfidf", seed=10, rows=40, settings={"ngrams": 2}),
            Making(model="majority", task="rte", seed=3, rows=40, status="failed"),
        ],
    )
    found = RunStore(folder)
    annotate(found, found.all()[0], lambda said: said.with_tags(["paper", "good one"]))
    return found


def found(store: RunStore, *conditions: str) -> list[str]:
    return [record.model for record in Fields(store).where(store.all(), conditions)]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (["model=bert-*"], ["bert-tiny", "bert-mini"]),
        (["model!=bert-*"], ["tfidf", "majority"]),
        (["model = bert-t?ny"], ["bert-tiny"]),
        (["model=BERT-*"], []),
        (["model='tfidf'"], ["tfidf"]),
        (['model = "bert-*"'], ["bert-tiny", "bert-mini"]),
        (["tag='good one'"], ["bert-tiny"]),
        (["model='tfidf"], []),
        (["tag=''"], ["bert-mini", "tfidf", "majority"]),
        (["seed=1"], ["bert-tiny"]),
        (["seed>=2", "seed<10"], ["bert-mini", "majority"]),
        (["seed<=2.0"], ["bert-tiny", "bert-mini"]),
        (["learning_rate=1e-4", "task=qnli"], ["bert-tiny", "bert-mini"]),
        (["learning-rate=0.0001"], ["bert-tiny", "bert-mini", "majority"]),
        (["ngrams="], ["bert-tiny", "bert-mini", "majority"]),
        (["ngrams!="], ["tfidf"]),
        (["ngrams>1"], ["tfidf"]),
        (["state=failed"], ["majority"]),
        (["score>0"], ["bert-tiny", "bert-mini", "tfidf"]),
        (["accuracy>85", "accuracy<=100"], ["bert-mini"]),
        (["tag=paper"], ["bert-tiny"]),
        (["tag=good*"], ["bert-tiny"]),
        (["tag!=paper"], ["bert-mini", "tfidf", "majority"]),
        (["tag="], ["bert-mini", "tfidf", "majority"]),
        (["marks=sample"], ["bert-mini"]),
        (["archived=no"], ["bert-tiny", "bert-mini", "tfidf", "majority"]),
        (["imported=yes"], []),
        (["date=2026-11-01"], ["bert-tiny", "bert-mini", "tfidf", "majority"]),
        (["date>2026-11-01"], []),
        (["date>=2026-11-01"], ["bert-tiny", "bert-mini", "tfidf", "majority"]),
        (["date<2026-11-01"], []),
        (["date<=2026-11-01"], ["bert-tiny", "bert-mini", "tfidf", "majority"]),
        (["date>2026-11-01T12:40:00+00:00"], ["tfidf", "majority"]),
        (["date<=2026-11-01T12:34:00+00:00"], ["bert-tiny", "bert-mini"]),
        (["date!=2026-11-01"], []),
        (["date=2026-11-01T12:17"], ["bert-tiny"]),
        (["date=2026-11-01 12:17"], ["bert-tiny"]),
        (["date>2026-11-01T12:17"], ["bert-mini", "tfidf", "majority"]),
        (["date<9999-12-31"], ["bert-tiny", "bert-mini", "tfidf", "majority"]),
        (["date>=0001-01-01"], ["bert-tiny", "bert-mini", "tfidf", "majority"]),
        (["date=9999-12-31"], []),
        (["date<0001-01-01T00:00:00+14:00"], []),
        (["model==tfidf"], ["tfidf"]),
        (["status=failed"], ["majority"]),
        (["run=*-0003"], ["tfidf"]),
        (["points>0"], ["bert-tiny", "bert-mini", "tfidf"]),
        (["Learning Rate=1e-4", "task=qnli"], ["bert-tiny", "bert-mini"]),
        (["ngrams=none"], ["bert-tiny", "bert-mini", "majority"]),
        (["tag=good one, paper"], ["bert-tiny"]),
        (["tag=paper, bad"], []),
    ],
)
def test_conditions(
    store: RunStore, conditions: list[str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert found(store, *conditions) == expected


def test_a_score_is_found_by_what_tables_show_of_it(store: RunStore) -> None:
    record = store.all()[0]
    record.primary = 0.583196
    record.metrics = {
        name: dict.fromkeys(scores, 0.583196) for name, scores in record.metrics.items()
    }
    write_record(store.path(record), record)
    store.refresh()
    assert found(store, "score=58.32") == ["bert-tiny"]
    assert found(store, "accuracy=58.3") == ["bert-tiny"]
    assert found(store, "score=58") == []
    assert found(store, "score=58.31") == []
    # Of settings every digit counts.
    assert found(store, "learning_rate=0.0") == []


def test_auto_is_found_by_what_it_came_to(store: RunStore) -> None:
    record = store.all()[0]
    record.settings["device"] = SettingRecord(value="auto", origin="default")
    record.computation = Computation(
        task=TaskComputed(name=record.task, version=record.task_version, metrics=("accuracy",)),
        data={name: split.fingerprint for name, split in record.data.splits.items()},
        model=ModelComputed(name=record.model, seed=record.seed),
        system={"device": "cuda:0"},
    )
    record.identity = record.computation.identity
    write_record(store.path(record), record)
    store.refresh()
    assert len(store.all()) == 4, store.problems
    assert found(store, "device=cuda") == ["bert-tiny"]


@pytest.mark.parametrize(
    "started",
    ["0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "later", ""],
)
def test_a_clock_that_is_far_off_stops_nothing(store: RunStore, started: str) -> None:
    record = store.all()[0]
    record.started = started
    write_record(store.path(record), record)
    store.refresh()
    assert len(Fields(store).sorted(store.all(), "date")) == 4
    assert "bert-mini" in found(store, "date>2026-01-01", "date<2027-01-01")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "model",
        "=x",
        "seed>much",
        "archived=perhaps",
        "tag>a",
        "date>soon",
        "date=2026-13",
        "score>nan",
    ],
)
def test_what_is_no_condition_is_refused(store: RunStore, text: str) -> None:
    with pytest.raises(ConfigError):
        found(store, text)


def test_an_unknown_field_names_the_nearest(store: RunStore) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'learning_rate'"):
        found(store, "lerning_rate=1")


def test_the_sign_is_the_first_one() -> None:
    assert Condition.of("note=a>b != c") == Condition("note", "=", "a>b != c")
    assert Condition.of("score >= 80") == Condition("score", ">=", "80")


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("score", ["bert-mini", "tfidf", "bert-tiny", "majority"]),
        ("-score", ["bert-tiny", "tfidf", "bert-mini", "majority"]),
        ("model", ["bert-mini", "bert-tiny", "majority", "tfidf"]),
        ("seed", ["tfidf", "majority", "bert-mini", "bert-tiny"]),
        ("date", ["majority", "tfidf", "bert-mini", "bert-tiny"]),
        ("-date", ["bert-tiny", "bert-mini", "tfidf", "majority"]),
        ("ngrams", ["tfidf", "bert-tiny", "bert-mini", "majority"]),
    ],
)
def test_order(store: RunStore, by: str, expected: list[str]) -> None:
    assert [record.model for record in Fields(store).sorted(store.all(), by)] == expected


def listing(store: RunStore, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    with pytest.raises(SystemExit) as end:
        main(["runs", "--runs-dir", str(store.folder), *words])
    assert end.value.code == 0
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_a_long_listing_shows_the_newest_and_how_to_see_all(
    store: RunStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_list, "NEWEST", 3)
    monkeypatch.setenv("COLUMNS", "160")
    shown, told = listing(store, capsys)
    assert "bert-tiny" not in shown
    assert shown.index("bert-mini") < shown.index("tfidf") < shown.index("majority")
    assert told == "1 more runs. All of them: --top 0\n"
    assert "bert-tiny" in listing(store, capsys, "--top", "0")[0]
    assert listing(store, capsys, "--top", "1")[0].count("qnli") == 0
    assert len(json.loads(listing(store, capsys, "--json")[0])) == 4
    found = json.loads(listing(store, capsys, "--json", "--sort", "score", "--top", "1")[0])
    assert [run["model"] for run in found] == ["bert-mini"]


def test_columns_are_those_that_were_asked_for(
    store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    shown, _ = listing(store, capsys, "--columns", "model, seed,ngrams,tag")
    assert shown.split()[:4] == ["model", "seed", "ngrams", "tag"]
    assert ["tfidf", "10", "2", "–"] in [line.split() for line in shown.splitlines()]
    values = json.loads(listing(store, capsys, "--columns", "model,score", "--json")[0])
    assert values[3] == {"model": "majority", "score": None}


def test_nothing_found_is_told(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    shown, _ = listing(store, capsys, "--where", "model=gpt*")
    assert shown.startswith("None of 4 runs")
    assert listing(store, capsys, "--where", "model=gpt*", "--json")[0] == "[]\n"


def test_a_date_lasts_a_day(store: RunStore) -> None:
    first: RunRecord = store.all()[0]
    from datetime import datetime

    day = datetime.fromisoformat(first.started).astimezone()
    assert len(found(store, f"date={day:%Y-%m-%d}")) >= 1
    before = (day - timedelta(days=2)).date()
    assert found(store, f"date={before}") == []


def board(store: RunStore, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as end:
        main(["leaderboard", "--runs-dir", str(store.folder), "--format", "markdown", *words])
    assert end.value.code == code
    captured = capsys.readouterr()
    return captured.out if code == 0 else captured.err


def row_of(model: str, text: str) -> list[str]:
    return [
        word
        for line in text.splitlines()
        if line.startswith("|") and model in line
        for word in line.split()
    ]


def test_the_leaderboard_ranks_what_was_asked_for(
    store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = board(store, capsys)
    assert "bert-mini" in whole
    some = board(store, capsys, "--where", "marks!=sample", "--where", "model!=bert-mini")
    assert row_of("bert-tiny", some)
    assert not row_of("bert-mini", some)
    assert "Only runs with marks!=sample and model!=bert-mini" in some
    assert "did you mean 'model'" in board(store, capsys, "--where", "modl=x", code=1)
    with pytest.raises(SystemExit):
        main(["leaderboard", "--runs-dir", str(store.folder), "--where", "model=gpt"])
    assert "with model=gpt" in capsys.readouterr().out


def test_a_cut_table_keeps_ranks_and_sentences(
    store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    task = ("qnli", "--where", "marks!=sample")
    whole, short = board(store, capsys, *task), board(store, capsys, *task, "--top", "1")
    assert "bert-tiny" in whole
    assert "bert-tiny" not in short
    assert "1 of 2 rows" in short
    assert row_of("tfidf", whole) == row_of("tfidf", short) != []
    narrow = board(store, capsys, *task, "--columns", "Accuracy,model")
    header = next(line for line in narrow.splitlines() if line.startswith("|"))
    assert [word.strip() for word in header.strip("|").split("|")] == ["Accuracy", "model"]
    assert "no column called" in board(store, capsys, "--columns", "acuracy", code=1)
