"""Rankings: who may stand beside whom, ranks, intervals, and how it all looks."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from rich.console import Console

from glueharness.cli import cli
from glueharness.record.names import short_names
from glueharness.record.record import EpochRecord, MeasuredRecord, SettingRecord
from glueharness.record.run_file import write_record
from glueharness.record.store import RunStore
from glueharness.system.printable import printable
from glueharness_glue.score import GLUE
from glueharness_leaderboard.ranking.advice import advise
from glueharness_leaderboard.ranking.sections import sections_of, with_standings
from glueharness_leaderboard.ranking.settings import configuration
from glueharness_leaderboard.ranking.short_paths import full_name, short_paths
from glueharness_leaderboard.ranking.standings import known_standings, standings_of
from glueharness_leaderboard.statistics.intervals import wilson
from glueharness_leaderboard.tables import export, markup
from glueharness_leaderboard.tables.columns import View, legends, model_column, rank_text, sheet_of
from glueharness_leaderboard.tables.heading import notes
from glueharness_leaderboard.tables.remarks import marks_explained, marks_of
from glueharness_leaderboard.tables.sheet import Column
from glueharness_leaderboard.tables.terminal import fit, print_sheets, print_table
from glueharness_leaderboard.tables.texts import duration, plain, value_text
from tests.leaderboard_runs import TASK, Making, make_run, make_runs

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.errors import GlueharnessError
    from glueharness_leaderboard.ranking.sections import By, Section
    from glueharness_leaderboard.ranking.standing import Standings


GROUPS = (GLUE,)


def sections(runs: Path, by: By = "run") -> list[Section]:
    return sections_of(RunStore(runs).all(), TASK, by)


def board(runs: Path, by: By = "model") -> list[Section]:
    """Sections with what the statistics say of their rows."""

    def refuse(problem: GlueharnessError) -> None:
        raise AssertionError(problem)

    found = sections_of(RunStore(runs).all(), TASK, by, GROUPS)
    return [with_standings(each, standings_of(each, RunStore(runs), refuse)) for each in found]


def screen(found: list[Section], width: int, by: By = "run") -> str:
    """What a terminal of that width without colours shows."""
    ids = [run.id for section in found for row in section.rows for run in row.runs]
    view = View(by=by, names=short_names(ids))
    stream = io.StringIO()
    console = Console(file=stream, width=width, color_system=None)
    print_sheets([sheet_of(section, view) for section in found], legends(found), console)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


GOLDEN_80 = """\
QNLI v2 · dev · n = 400
#    model           Accuracy  95 % interval  seed    lr  rows/s    time  run
──────────────────────────────────────────────────────────────────────────────
1–2  bert-mini          87.00  83.3 – 89.9      42  3e-4     267  1m 04s  0002
1–2  hf:…/minilm[1]     82.50  78.5 – 85.9       7  1e-4     267  1m 04s  0003
3    bert-tiny          70.25  65.6 – 74.5      42  1e-4     267  1m 02s  0001

2 runs may be the best. Ranks of single runs allow for the choice of rows only;
a model's seeds are compared by model.
Differences from about 7.6 points would show (power 80 %).
The first of 2 that may be the best is lucky by about 1.0 points if all are
equal.

QNLI v2 · dev · n = 400
PARTIAL · train has 23,061 of 104,743 rows
#  model      Accuracy  95 % interval  seed  rows/s    time  run
─────────────────────────────────────────────────────────────────
1  bert-tiny     79.25  75.0 – 82.9      42     267  1m 06s  0004

QNLI v2 · dev · n = 400
SAMPLE · made-up data: these scores say nothing about the real task
#  model  Accuracy  95 % interval  seed  rows/s    time  run
─────────────────────────────────────────────────────────────
1  tfidf     59.50  54.6 – 64.2      42     267  1m 06s  0005

Made-up sample data: they cannot choose a model.

# the ranks that a row may have (95 %); bold: from 1, it may be the best.
`glueharness compare A B` tests two row by row."""


def three_kinds(runs: Path) -> None:
    fast = {"learning_rate": 3e-4, "epochs": 3}
    make_runs(
        runs,
        [
            Making(accuracy=0.7),
            Making(model="bert-mini", accuracy=0.85, settings=fast),
            Making(model="hf:/data/encoders/of/mine/minilm[1]", seed=7, accuracy=0.82),
            Making(accuracy=0.77, train=(23_061, 23_061, 104_743)),
            Making(model="tfidf", accuracy=0.6, sample=True, dev_seed=4, settings={"words": 5}),
        ],
    )


def test_a_screen_of_eighty_columns(tmp_path: Path) -> None:
    three_kinds(tmp_path)
    assert screen(board(tmp_path, "run"), 80, "run") == GOLDEN_80


def test_a_wide_screen_shows_whole_names_and_ids(tmp_path: Path) -> None:
    three_kinds(tmp_path)
    text = screen(sections(tmp_path), 160)
    assert "hf:/data/encoders/of/mine/minilm[1]" in text
    for record in RunStore(tmp_path).all():
        assert record.id in text


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 160, 250])
@pytest.mark.parametrize("by", ["run", "model"])
def test_no_number_is_ever_cut(tmp_path: Path, width: int, by: By) -> None:
    runs = [
        Making(task="mnli", seed=seed, model=model, accuracy=0.7,
               settings={"learning_rate": rate, "epochs": seed, "weight_decay": rate * 100})
        for seed in (1, 7) for model, rate in (("bert-mini", 3e-4), ("hf:" + "x" * 60, 2e-5))
    ]  # fmt: skip
    make_runs(tmp_path, runs)
    found = sections(tmp_path, by)
    text = screen(found, width, by)
    for row in found[0].rows:
        assert row.interval is not None
        for number in (f"{100 * (row.primary or 0):.2f}", f"{100 * row.interval.low:.1f} – "):
            assert number in text
    widest = max(len(line) for line in text.splitlines())
    assert widest <= max(width, 82)


def test_names_are_shown_as_they_are_and_cannot_steer_the_terminal(tmp_path: Path) -> None:
    make_run(tmp_path, Making(model="[red]x[/red]\x1b[31m\u202eevil", number=1))
    text = screen(sections(tmp_path), 160)
    assert r"[red]x[/red]\x1b[31m\u202eevil" in text


CONDITIONS = {
    "another split": Making(dev_seed=1),
    "fewer rows": Making(rows=300),
    "the sample": Making(sample=True),
    "partial training data": Making(train=(900, 900, 1000)),
    "limited training data": Making(train=(900, 1000, 1000)),
    "other training data": Making(train=(1100, 1100, 1100)),
    "another task": Making(task="rte"),
}


@pytest.mark.parametrize("name", sorted(CONDITIONS))
def test_runs_that_differ_in_their_data_are_never_ranked_together(
    tmp_path: Path, name: str
) -> None:
    make_run(tmp_path, Making(number=1))
    make_run(tmp_path, replace(CONDITIONS[name], number=2))
    found = sections(tmp_path)
    assert len(found) == 2
    assert all([row.rank for row in section.rows] == [1] for section in found)


def test_another_version_of_the_data_is_another_table(tmp_path: Path) -> None:
    first = make_run(tmp_path, Making(number=1))
    old = replace(first, task_version="v1")
    assert len(sections_of([first, old], TASK)) == 2


def test_tables_that_look_alike_name_their_fingerprints(tmp_path: Path) -> None:
    make_runs(tmp_path, [Making(), Making(dev_seed=1)])
    first, second = sections(tmp_path)
    assert [*notes(first), *notes(second)] == [
        f"other rows than the tables like it: train train10001000, "
        f"dev {section.conditions.dev[0].fingerprint}"
        for section in (first, second)
    ]


def test_complete_data_come_first_and_the_sample_last(tmp_path: Path) -> None:
    make_runs(
        tmp_path,
        [
            Making(sample=True),
            Making(train=(900, 1000, 1000)),
            Making(train=(900, 900, 1000)),
            Making(),
        ],
    )
    marks = [section.conditions.marks for section in sections(tmp_path)]
    assert marks == [(), ("partial",), ("limited",), ("sample",)]


def test_equal_scores_share_a_rank(tmp_path: Path) -> None:
    first, second, third = make_runs(tmp_path, [Making(), Making(), Making(seed=7, accuracy=0.5)])
    assert first.primary == second.primary
    (section,) = sections(tmp_path)
    assert [row.rank for row in section.rows] == [1, 1, 3]
    assert section.rows[2].runs[0].id == third.id


def test_accuracy_has_wilsons_interval_and_f1_none(tmp_path: Path) -> None:
    make_runs(tmp_path, [Making(), Making(task="mrpc")])
    mrpc, qnli = sections(tmp_path)
    row = qnli.rows[0]
    assert row.interval == pytest.approx(wilson(row.primary or 0, 400))
    assert mrpc.rows[0].interval is None


def test_an_accuracy_that_is_no_share_of_the_rows_gets_no_interval(tmp_path: Path) -> None:
    record = make_run(tmp_path, Making(number=1))
    record.metrics = {"dev": {"accuracy": 0.80131}}
    record.primary = 0.80131
    (section,) = sections_of([record], TASK)
    assert section.rows[0].interval is None


def test_several_dev_splits_are_ranked_by_their_mean(tmp_path: Path) -> None:
    make_run(tmp_path, Making(task="mnli", number=1))
    (section,) = sections(tmp_path)
    text = screen([section], 120)
    lines = text.splitlines()
    assert lines[0] == "MNLI · dev_matched + dev_mismatched · n = 400 + 400"
    assert lines[1].split() == ["Accuracy", "Accuracy", "Accuracy"]
    assert lines[2].split()[:6] == ["#", "model", "mean", "95", "%", "interval"]
    assert lines[2].split()[6:8] == ["matched", "mismatched"]
    interval = section.rows[0].interval
    assert interval is not None
    alone = wilson(section.rows[0].primary or 0, 400)
    assert interval.high - interval.low < alone.high - alone.low


def test_by_model_takes_the_mean_over_seeds_and_a_run_done_twice_once(tmp_path: Path) -> None:
    runs = make_runs(
        tmp_path,
        [Making(seed=1), Making(seed=7), Making(seed=7), Making(model="bert-mini", seed=1)],
    )
    (section,) = sections(tmp_path, "model")
    row = next(row for row in section.rows if row.model == "bert-tiny")
    assert row.seeds == (1, 7)
    assert row.runs[1].id == runs[2].id
    scores = [runs[0].primary or 0, runs[2].primary or 0]
    assert row.primary == pytest.approx(sum(scores) / 2)
    assert row.deviation() == pytest.approx(abs(scores[0] - scores[1]) / 2**0.5)
    text = screen([section], 80, "model")
    assert f"{100 * sum(scores) / 2:.2f} ± " in text
    assert "2: 1, 7" in text
    assert "± standard deviation over the seeds" in text


def test_by_model_keeps_settings_apart(tmp_path: Path) -> None:
    make_runs(tmp_path, [Making(seed=1), Making(seed=1, settings={"learning_rate": 3e-5})])
    (section,) = sections(tmp_path, "model")
    assert len(section.rows) == 2
    text = screen([section], 80, "model")
    assert "3e-5" in text
    assert "1e-4" in text


def test_only_settings_that_differ_have_a_column(tmp_path: Path) -> None:
    make_runs(
        tmp_path,
        [
            Making(settings={"learning_rate": 1e-4, "epochs": 3, "batch_size": 32}),
            Making(settings={"learning_rate": 1e-4, "epochs": 5, "batch_size": 32}, seed=2),
            Making(model="tfidf", settings={"words": 5}),
        ],
    )
    (section,) = sections(tmp_path)
    names = [column.name for column in sheet_of(section, View(by="run", names={})).columns]
    assert names == [
        "rank",
        "model",
        "Accuracy",
        "95 % interval",
        "seed",
        "epochs",
        "rows a second",
        "time",
        "run",
    ]


def test_a_task_that_no_plugin_knows_is_still_shown(tmp_path: Path) -> None:
    record = make_run(tmp_path, Making(number=1))
    record.task = "parity"
    (section,) = sections_of([record], TASK)
    assert notes(section) == ["no installed plugin knows the task 'parity'"]
    assert "accuracy" in screen([section], 80)


def test_a_run_without_a_score_has_no_rank(tmp_path: Path) -> None:
    make_runs(tmp_path, [Making(), Making(status="failed")])
    (section,) = sections(tmp_path)
    assert [row.rank for row in section.rows] == [1, 0]
    assert "–" in screen([section], 80).splitlines()[-1]


def test_columns_are_left_out_whole_and_named() -> None:
    columns = [
        Column(name="model", heading="model", cells=["m" * 10]),
        Column(name="warmup", heading="warmup", cells=["1"], spare=11),
        Column(name="lr", heading="lr", cells=["1"], spare=10),
        Column(name="time", heading="time", cells=["1"], spare=1000),
    ]
    assert [column.name for column in fit(columns, 28)[0]] == ["model", "warmup", "lr", "time"]
    shown, dropped = fit(columns, 14)
    assert [column.name for column in shown] == ["model", "lr"]
    assert [column.name for column in dropped] == ["warmup", "time"]
    stream = io.StringIO()
    print_table(columns, Console(file=stream, width=14, color_system=None))
    assert "warmup, time" in " ".join(stream.getvalue().split())


def test_markdown_shows_any_name_as_it_is(tmp_path: Path) -> None:
    make_run(tmp_path, Making(model="a|b*c_<i>`d`", number=1))
    (section,) = sections(tmp_path)
    text = markup.markdown([sheet_of(section, View(by="run", names={}))], [])
    line = text.splitlines()[-1]
    assert r"a\|b\*c\_\<i\>\`d\`" in line
    assert line.replace(r"\|", "").count("|") == text.splitlines()[-3].count("|")


def test_markdown_renders_as_a_table_of_the_same_texts(tmp_path: Path) -> None:
    from markdown_it import MarkdownIt

    models(tmp_path / "runs", (HOSTILE, 0.9, 2), ("a|b*c_<i>`d`", 0.8, 2))
    (section,) = board(tmp_path / "runs")
    sheet = sheet_of(section, View(by="model", names={}))
    tokens = MarkdownIt("commonmark").enable("table").parse(markup.markdown([sheet], []))
    cells = [
        "".join(part.content for part in after.children or [])
        for token, after in itertools.pairwise(tokens)
        if token.type == "td_open"
    ]
    expected = [
        " ".join(printable(cell, lines=True).split())
        for row in zip(*(column.wide or column.cells for column in sheet.columns), strict=True)
        for cell in row
    ]
    assert cells == expected
    assert not any(part.type == "html_inline" for each in tokens for part in each.children or [])


@pytest.mark.parametrize(
    "name",
    [
        "# the ranks",
        "#",
        "- a",
        "+ a",
        "1. a",
        "12) a",
        "=",
        "---",
        "a & b",
        "&copy; &#42;",
        "$x$",
        "#tag",
        "-1",
        "1.5 a",
    ],
)
def test_a_line_of_markdown_is_a_line_whatever_it_begins_with(name: str) -> None:
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").parse(f"before\n\n{markup.escape_markdown(name)}\n")
    assert [token.type for token in tokens[3:]] == ["paragraph_open", "inline", "paragraph_close"]
    assert "".join(part.content for part in tokens[4].children or []) == name


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@x", "\uff1d1+1", "\uff20x"])
def test_csv_never_starts_a_formula(name: str) -> None:
    text = export.write_csv([{"model": name, "score": -0.5, "none": None}])
    assert "\n'" in text or "\n\"'" in text
    assert "-0.5" in text
    assert "'-0.5" not in text


def test_csv_has_a_column_for_whatever_any_row_has() -> None:
    text = export.write_csv([{"a": 1}, {"b": 'say "x", y', "a": None}])
    assert text == 'a,b\n1,\n,"say ""x"", y"\n'


def test_csv_holds_nothing_that_steers_a_terminal_or_a_spreadsheet() -> None:
    text = export.write_csv([{"model": name} for name in ("\tx", "\rx", "a\x1b[2J", "\u202eb")])
    assert text == "model\n\\tx\n\\rx\na\\x1b[2J\n\\u202eb\n"


def test_small_texts() -> None:
    assert [duration(value) for value in (4.21, 9.99, 59.6, 61, 3599.6, 3720)] == [
        "4.2s", "10s", "1m 00s", "1m 01s", "1h 00m", "1h 02m",
    ]  # fmt: skip
    assert [value_text(value) for value in (3e-5, 0.01, 1.5e-5, 32, True, None, "x", 2.0)] == [
        "3e-5", "0.01", "1.5e-5", "32", "yes", "–", "x", "2",
    ]  # fmt: skip
    assert plain("a\nb\x1b") == r"a\nb\x1b"
    assert short_paths(["hf:/a/x", "hf:b/y", "z"]) == ["hf:…/x", "hf:…/y", "z"]
    assert short_paths(["hf:/a/x", "hf:/b/x"]) == ["hf:/a/x", "hf:/b/x"]


def test_a_name_is_shortened_before_its_signs_are_spelt_out() -> None:
    column = model_column(["tiny\u202ename", "hf:/a/\x1bx", "plain"])
    assert column.cells == ["tiny\\u202ename", "hf:/a/\\x1bx", "plain"]
    assert column.narrow == ["tiny\\u202ename", "hf:…/\\x1bx", "plain"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("hf:/a/x", "hf:/a/x"), ("hf:…/x", "hf:/a/x"), ("x", "hf:/a/x"), ("tiny", "tiny"),
        ("y", "y"), ("hf:…/y", "hf:b/y"), ("z", "z"), ("", ""), ("a/x", "a/x"),
    ],
)  # fmt: skip
def test_a_model_that_is_a_path_is_meant_by_its_end(given: str, meant: str) -> None:
    names = ["hf:/a/x", "hf:b/y", "y", "tiny", "hf:/a/z", "hf:/b/z/"]
    assert full_name(given, names) == meant


def test_a_short_name_finds_its_run(tmp_path: Path) -> None:
    records = make_runs(tmp_path, [Making(), Making(model="bert-mini"), Making(task="rte")])
    names = short_names([record.id for record in records])
    assert list(names.values()) == ["0001", "0002", "0003"]
    for record in records:
        assert RunStore(tmp_path).find(names[record.id]).id == record.id


def test_ids_with_one_ending_get_longer_names() -> None:
    ids = ["a-1-beef", "b-2-beef", "cafe-1-feed", "x-cafe"]
    assert short_names(ids) == {
        "a-1-beef": "1-beef", "b-2-beef": "2-beef", "cafe-1-feed": "feed", "x-cafe": "x-cafe",
    }  # fmt: skip


def models(runs: Path, *shapes: tuple[str, float, int], rows: int = 1000) -> None:
    """Runs of models: name, accuracy, seeds."""
    makings = [
        Making(model=model, accuracy=accuracy, rows=rows, seed=seed)
        for model, accuracy, count in shapes
        for seed in range(count)
    ]
    make_runs(runs, makings)


def ranges(section: Section) -> list[str]:
    return [rank_text(row) for row in section.rows]


def test_ranks_are_ranges_and_say_who_may_be_best(tmp_path: Path) -> None:
    models(tmp_path, ("a", 0.9, 3), ("b", 0.89, 3), ("c", 0.7, 3))
    (section,) = board(tmp_path)
    assert ranges(section) == ["1–2", "1–2", "3"]
    standings = [row.standing for row in section.rows]
    assert [each.may_be_best for each in standings if each] == [True, True, False]
    assert {each.seeds for each in standings if each} <= {"pool", "own"}
    for row in section.rows:
        assert row.interval is not None
        assert row.interval.low < (row.value or 0) < row.interval.high


def test_of_those_that_cannot_be_told_apart_the_quickest_is_recommended(tmp_path: Path) -> None:
    models(tmp_path, ("slow", 0.9, 3), ("quick", 0.9, 3), ("b", 0.7, 3), ("c", 0.7, 3))
    for record in RunStore(tmp_path).all():
        record.measured = None
        write_record(tmp_path / record.id, record)
    (section,) = board(tmp_path)
    assert "it is the first (how quick they are is not known)" in advise(section).answer
    for record in RunStore(tmp_path).all():
        speed = 2000 if record.model == "quick" else 500
        # Of earlier versions: of some models with tokenizing, of others without.
        record.measured = MeasuredRecord(dev_rows_per_second=9e6 / speed)
        if record.model != "slow":
            record.measured.predict_rows_per_second = speed
        write_record(tmp_path / record.id, record)
    (section,) = board(tmp_path)
    assert "it is the quickest whose speed is known (2,000 rows" in advise(section).answer
    for record in RunStore(tmp_path).all():
        speed = 2000 if record.model == "quick" else 500
        record.measured = MeasuredRecord(predict_rows_per_second=speed)
        write_record(tmp_path / record.id, record)
    (section,) = board(tmp_path)
    advice = advise(section)
    assert advice.answer == (
        "Take quick: of the 2 that may be the best it is the quickest (2,000 rows a second)."
    )
    assert advice.pick is not None
    assert section.rows[advice.pick].model == "quick"
    assert "points would show (power 80 %)" in advice.reasons[0]
    # Another machine's speed is no speed to compare with.
    for record in RunStore(tmp_path).all():
        record.environment["cpu"] = "fast" if record.model == "quick" else "usual"
        write_record(tmp_path / record.id, record)
    assert advise(board(tmp_path)[0]).answer.startswith("Take slow:")


def test_two_settings_of_a_model_are_not_called_two_models(tmp_path: Path) -> None:
    makings = [
        Making(accuracy=0.8, rows=200, seed=seed, settings={"epochs": epochs})
        for epochs in (2, 3)
        for seed in (1, 2, 3)
    ]
    make_runs(tmp_path, makings)
    answer = advise(board(tmp_path)[0]).answer
    assert "2 of 2 models and settings may be the best" in answer


def test_equal_ones_share_the_first_place_and_few_rows_show_nothing(tmp_path: Path) -> None:
    models(tmp_path, ("a", 1.0, 1), ("b", 1.0, 1), ("c", 0.0, 1), rows=2)
    advice = advise(board(tmp_path)[0])
    assert advice.answer.startswith("a shares the first place, and 2 others may be as good")
    assert advice.reasons == (
        "Even the largest difference would hardly show: there are too few rows.",
    )


def test_a_board_says_what_more_seeds_would_show(tmp_path: Path) -> None:
    models(tmp_path, ("a", 0.8, 2), ("b", 0.8, 2), ("c", 0.8, 2), rows=200)
    (section,) = board(tmp_path)
    standings = section.standings
    assert standings is not None
    assert standings.detectable is not None
    assert standings.more_seeds is not None
    seeds, less = standings.more_seeds
    assert seeds == 5
    assert less < 0.7 * standings.detectable
    assert f"; with 5 seeds each, from about {100 * less:.1f}." in advise(section).reasons[0]


def test_one_that_is_better_than_all_is_told_so(tmp_path: Path) -> None:
    models(tmp_path, ("a", 0.95, 3), ("b", 0.8, 3), ("c", 0.7, 3))
    assert (
        advise(board(tmp_path)[0]).answer
        == "a is the best: the other 2 are worse at the 5 % level."
    )


def test_a_table_that_cannot_choose_says_so(tmp_path: Path) -> None:
    models(tmp_path, ("a", 0.8, 3), ("b", 0.8, 3), ("c", 0.8, 3), rows=200)
    answer = advise(board(tmp_path)[0]).answer
    assert answer.startswith("These rows and seeds cannot choose: 3 of 3 models may be the best.")


def test_a_score_that_the_predictions_do_not_give_is_marked(tmp_path: Path) -> None:
    """Whoever owns a run can write into its record; the predictions tell."""
    models(tmp_path, ("honest", 0.8, 3), ("forged", 0.7, 3))
    for record in RunStore(tmp_path).all():
        if record.model == "forged":
            record.metrics["dev"]["accuracy"] = record.primary = 0.99
            write_record(tmp_path / record.id, record)
    (plain,) = sections_of(RunStore(tmp_path).all(), TASK, "model", GROUPS)
    told: list[str] = []
    standings = standings_of(plain, RunStore(tmp_path), lambda problem: told.append(str(problem)))
    kept = type(standings).of_document(json.loads(json.dumps(standings.document())))
    for found in (standings, kept):
        section = with_standings(plain, found)
        first, second = section.rows
        assert (first.model, first.refused, second.refused) == ("forged", True, False)
        assert first.interval is None
        assert "not confirmed" in marks_of(first)
        assert "not confirmed" not in marks_of(second)
        assert "its predictions do not give that score" in " ".join(marks_explained(section.rows))
    assert "do not give the recorded accuracy" in told[0]


def test_a_constant_model_is_not_recommended_however_quick(tmp_path: Path) -> None:
    models(tmp_path, ("a", 0.8, 3), ("b", 0.8, 3), rows=200)
    (section,) = board(tmp_path)
    standing = section.rows[0].standing
    assert standing is not None
    first = replace(section.rows[0], standing=replace(standing, constant=3))
    for run in first.runs:
        run.measured = MeasuredRecord(predict_rows_per_second=1e6)
    advice = advise(replace(section, rows=(first, *section.rows[1:])))
    other = section.rows[1].model
    assert f"The quickest to be recommended of them is {other}" in advice.answer
    assert advice.pick == 1


def test_one_seed_each_says_nothing_of_models(tmp_path: Path) -> None:
    models(tmp_path, ("a", 0.95, 1), ("b", 0.7, 1))
    (section,) = board(tmp_path)
    assert "The run of a is the best on rows like these, at the 5 % level" in advise(section).answer
    assert "--seeds 3" in advise(section).answer
    assert "Nobody has a second seed" in screen([section], 100, "model")


def test_who_has_one_seed_is_not_recommended_for_want_of_evidence(tmp_path: Path) -> None:
    models(tmp_path, ("a", 0.85, 2), ("b", 0.84, 1))
    (section,) = board(tmp_path)
    assert advise(section).pick is None
    assert "none of them has 3 seeds yet" in advise(section).answer
    text = screen([section], 120, "model")
    assert "seed spread borrowed: it has one run; how much seeds spread is taken from" in text
    assert "seeds agree: " not in text


def test_the_sample_chooses_nothing(tmp_path: Path) -> None:
    make_runs(tmp_path, [Making(sample=True), Making(sample=True, model="b", accuracy=0.6)])
    assert advise(board(tmp_path)[0]).answer == "Made-up sample data: they cannot choose a model."


def test_the_first_of_a_models_runs_is_marked_as_the_luckiest(tmp_path: Path) -> None:
    models(tmp_path, ("a", 0.8, 4))
    (section,) = board(tmp_path, "run")
    assert [row.siblings for row in section.rows] == [4, 1, 1, 1]
    assert "best of 4 seeds" in screen([section], 120, "run")
    assert all(row.standing is not None and row.standing.seeds == "" for row in section.rows)


def test_the_best_of_several_settings_is_marked(tmp_path: Path) -> None:
    models(tmp_path, ("a", 0.8, 2), ("b", 0.6, 2))
    for place, rate in enumerate((1e-3, 2e-3)):
        settings = {"learning_rate": rate, "epochs": 3}
        making = Making(model="a", settings=settings, accuracy=0.5, rows=1000, number=50 + place)
        make_runs(tmp_path, [making])
    (section,) = board(tmp_path)
    assert [(row.model, row.settings_tried) for row in section.rows] == [
        ("a", 3),
        ("b", 1),
        ("a", 1),
        ("a", 1),
    ]
    text = " ".join(screen([section], 160, "model").split())
    assert text.count("best of 3 settings") == 1
    assert "settings: the best row of its model was picked on these same rows" in text
    (by_run,) = board(tmp_path, "run")
    assert {row.settings_tried for row in by_run.rows} == {1}


def test_the_last_epoch_stands_beside_the_best_one(tmp_path: Path) -> None:
    models(tmp_path, ("a", 0.8, 2), ("b", 0.6, 2))
    for record in RunStore(tmp_path).all():
        scores = [0.5, record.primary or 0, 0.55][: 3 if record.model == "a" else 1]
        record.history = [
            EpochRecord(epoch=place, primary=score, metrics={})
            for place, score in enumerate(scores, start=1)
        ]
        record.settings["keep_best"] = SettingRecord(value=True, origin="default")
        write_record(tmp_path / record.id, record)
    (section,) = board(tmp_path)
    first = section.rows[0]
    assert first.epochs_tried == 3
    assert first.last_epoch == pytest.approx(0.55)
    assert first.standing is not None
    assert first.standing.optimism is not None
    assert 0 < first.standing.optimism < 0.03
    text = screen([section], 120, "model")
    assert "best of 3 epochs" in text
    assert "55.00" in text
    assert "points too high if all are equal" in " ".join(text.split())


def test_a_configuration_is_what_decides_and_threads_do_not(tmp_path: Path) -> None:
    base = {"learning_rate": 1e-4, "precision": "auto", "device": "auto"}
    for number, threads in enumerate((1, 2), start=1):
        make_run(
            tmp_path, Making(number=number, seed=number, settings={**base, "threads": threads})
        )
    records = RunStore(tmp_path).all()
    assert configuration(records[0]) == configuration(records[1])
    for key, value in (
        ("precision", "bf16"),
        ("device", "cuda:0"),
        ("checkpoint", {"fresh": True}),
    ):
        records[0].notes = {key: value}
        assert configuration(records[0]) != configuration(records[1])
    records[0].notes, records[1].notes = {"device": "cuda:0"}, {"device": "cuda:1"}
    assert configuration(records[0]) == configuration(records[1])


def test_mixed_environments_are_marked(tmp_path: Path) -> None:
    models(tmp_path, ("a", 0.8, 2), ("b", 0.6, 2))
    for record in RunStore(tmp_path).all():
        record.environment = {"packages": {"torch": f"2.{record.seed}"}}
        write_record(tmp_path / record.id, record)
    text = screen(board(tmp_path), 120, "model")
    assert "mixed environments" in text
    assert "Mixed environments: torch: 2.0, 2.1." in text


def test_mrpc_is_ranked_by_the_mean_that_glue_counts(tmp_path: Path) -> None:
    makings = [Making(task="mrpc", model=model, seed=seed) for model in "ab" for seed in (1, 2)]
    make_runs(tmp_path, makings)
    for record in RunStore(tmp_path).all():
        f1, accuracy = (0.9, 0.70) if record.model == "a" else (0.8, 0.85)
        record.metrics = {"dev": {"f1": f1, "accuracy": accuracy}}
        record.primary = f1
        write_record(tmp_path / record.id, record)
    (section,) = sections_of(RunStore(tmp_path).all(), TASK, "model", GROUPS)
    assert section.counted == ("f1", "accuracy")
    assert [row.model for row in section.rows] == ["b", "a"]
    assert section.rows[0].value == pytest.approx(0.825)
    text = screen([section], 120, "model")
    assert "F1 + Accuracy" in text
    assert "The metrics disagree: by F1 alone a is first." in text
    (alone,) = sections_of(RunStore(tmp_path).all(), TASK, "model")
    assert [row.model for row in alone.rows] == ["a", "b"]


def test_a_row_without_predictions_has_no_rank_and_widens_the_others(tmp_path: Path) -> None:
    models(tmp_path, ("a", 0.9, 2), ("b", 0.6, 2), ("gone", 0.8, 2))
    for record in RunStore(tmp_path).all():
        if record.model == "gone":
            shutil.rmtree(tmp_path / record.id / "predictions")
    (section,) = board(tmp_path)
    found = {row.model: rank_text(row) for row in section.rows}
    assert found == {"a": "1–2", "b": "2–3", "gone": "–"}
    assert "1 without predictions" in screen([section], 120, "model")


def test_a_seed_without_a_score_leaves_the_model_without_one(tmp_path: Path) -> None:
    models(tmp_path, ("a", 0.9, 2), ("b", 0.8, 3))
    lost = next(record for record in RunStore(tmp_path).all() if record.model == "b")
    lost.metrics, lost.primary = {"dev": {"accuracy": float("nan")}}, None
    (section,) = sections_of(
        [lost if each.id == lost.id else each for each in RunStore(tmp_path).all()], TASK, "model"
    )
    assert [(row.model, row.value is None) for row in section.rows] == [("a", False), ("b", True)]
    assert "1 of 3 seeds undefined" in screen([section], 120, "model")


def test_what_was_computed_is_known_again_until_a_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models(tmp_path, ("a", 0.9, 2), ("b", 0.6, 2))
    (section,) = sections(tmp_path, "model")
    calls = []

    def counting(*given: object, **options: object) -> Standings:
        calls.append(given)
        return standings_of(*given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("glueharness_leaderboard.ranking.standings.standings_of", counting)
    first = known_standings([section], RunStore(tmp_path), print, False)
    again = known_standings([section], RunStore(tmp_path), print, False)
    assert len(calls) == 1
    assert again == first
    path = next(tmp_path.glob("*/predictions/dev.parquet"))
    path.touch()
    known_standings([section], RunStore(tmp_path), print, False)
    known_standings([section], RunStore(tmp_path), print, True)
    assert len(calls) == 3


def test_a_metric_that_fails_is_told_and_stops_nothing_else(tmp_path: Path) -> None:
    models(tmp_path, ("a", 0.9, 2), ("b", 0.6, 2))

    class Odd:
        def compute(self, **_given: object) -> dict[str, float]:
            raise ZeroDivisionError

    task = TASK["qnli"]
    odd = replace(task.primary, name="odd", factory=lambda _task: Odd())
    records = [
        replace(record, metrics={"dev": {"odd": 0.5}}, primary=0.5, primary_metric="odd")
        for record in RunStore(tmp_path).all()
    ]
    tasks = {task.name: replace(task, metrics=(odd,))}
    (section,) = sections_of(records, tasks, "model")
    problems: list[GlueharnessError] = []
    found = standings_of(section, RunStore(tmp_path), problems.append)
    assert found.rows == (None, None)
    assert all("'odd'" in problem.what for problem in problems)


HOSTILE = "a&b_%$#{}~^\\<script>alert(1)</script>|x"


def test_latex_and_html_show_any_name_as_it_is(tmp_path: Path) -> None:
    make_run(tmp_path, Making(model=HOSTILE, number=1))
    sheets = [sheet_of(section, View(by="model", names={})) for section in board(tmp_path)]
    text = markup.latex(sheets, ["50 % of _all_"])
    assert r"a\&b\_\%\$\#\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}" in text
    assert "% 50 \\% of \\_all\\_" in text
    assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    assert r"run it with -{}-seeds 3" in markup.latex([], ["run it with --seeds 3"])
    assert "1--3" in markup.escape_latex("1–3")
    page = markup.html(sheets, [])
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page


def booktabs_is_there() -> bool:
    if shutil.which("pdflatex") is None or shutil.which("kpsewhich") is None:
        return False
    found = subprocess.run(["kpsewhich", "booktabs.sty"], capture_output=True, check=False)
    return found.returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not booktabs_is_there(), reason="needs pdflatex and booktabs")
def test_latex_compiles(tmp_path: Path) -> None:
    models(
        tmp_path / "runs",
        (HOSTILE, 0.9, 2),
        ('модель Ω 模型 é "quoted"', 0.8, 2),
        ("[3pt] `a", 0.7, 2),
        ("* b", 0.6, 2),
    )
    makings = [Making(task=task, seed=seed) for task in ("mrpc", "mnli") for seed in (1, 2)]
    make_runs(tmp_path / "runs", makings)
    found = board(tmp_path / "runs")
    sheets = [sheet_of(section, View(by="model", names={})) for section in found]
    names = [column for column in sheets[0].columns if column.name == "model"]
    sheets.append(replace(sheets[0], columns=names, best=frozenset()))
    words = ["compare", HOSTILE, 'модель Ω 模型 é "quoted"', "--task", "qnli", "--format", "latex"]
    result = CliRunner().invoke(cli, [*words, "--runs-dir", str(tmp_path / "runs")])
    assert result.exit_code == 0, result.output
    compared = result.stdout
    paper = (
        r"\documentclass{article}\usepackage{booktabs}\begin{document}"
        f"\n{markup.latex(sheets, legends(found))}\n{compared}\n"
        r"\end{document}"
    )
    (tmp_path / "paper.tex").write_text(paper, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 1000
