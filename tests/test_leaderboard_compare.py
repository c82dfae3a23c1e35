"""``glueharness compare``: is a difference real, and is its user told so plainly?"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from glueharness.cli import main
from glueharness.data.table import Table
from glueharness.record.record import DataRecord, RunRecord, write_record
from glueharness.run.predictions import read_predictions, write_predictions
from glueharness_leaderboard.compare.comparison import Pair, agreement, compare
from glueharness_leaderboard.compare.predictions import Evidence, draw, load_evidence
from glueharness_leaderboard.statistics import bootstrap
from glueharness_leaderboard.statistics.bootstrap import SplitScores
from tests.leaderboard_runs import TASK, Making, make_run, make_runs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Terminal:
    """Compares runs in a folder."""

    def __init__(self, capsys: pytest.CaptureFixture[str], runs: Path) -> None:
        self.capsys = capsys
        self.runs = runs

    def __call__(self, *words: str, code: int = 0) -> tuple[str, str]:
        with pytest.raises(SystemExit) as end:
            main(["compare", *words, "--runs-dir", str(self.runs)])
        out, err = self.capsys.readouterr()
        assert (end.value.code or 0) == code, err
        assert "Traceback" not in err
        return out, err

    def json(self, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self(*words, "--json")[0])
        return found


@pytest.fixture
def terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    monkeypatch.setenv("COLUMNS", "80")
    # Enough for what is asserted here, and quick.
    monkeypatch.setattr(bootstrap, "RESAMPLES", 1000)
    return Terminal(capsys, tmp_path / "runs")


GOLDEN = """\
QNLI v2 · dev · n = 2,000
   model      Accuracy  95 % interval  seed  run
─────────────────────────────────────────────────
A  bert-mini     85.80  84.2 – 87.3    42    0001
B  bert-tiny     80.45  78.7 – 82.1    42    0002

Differences, in points
pair   metric    difference  95 % interval  p         test
───────────────────────────────────────────────────────────────────
A − B  Accuracy       +5.35  +3.0 … +7.7    < 0.0001  McNemar mid-p

Rows, by who is right
pair    both  only the first  only the second  neither
──────────────────────────────────────────────────────
A − B  1,379             337              230       54

Settings that differ
setting        A     B
─────────────────────────
learning_rate  3e-4  1e-4

A is better than B: the difference of +5.35 points (95 % interval +3.0 … +7.7, p
< 0.0001) is real at the 5 % level.
One seed each: this compares these trained models. Another seed may move either;
to compare several: glueharness compare MODEL MODEL --task TASK"""


def two_runs(terminal: Terminal) -> list[RunRecord]:
    fast = {"learning_rate": 3e-4, "epochs": 3}
    return make_runs(
        terminal.runs,
        [
            Making(model="bert-mini", accuracy=0.85, rows=2000, settings=fast),
            Making(model="bert-tiny", accuracy=0.81, rows=2000),
        ],
    )


def test_two_runs_on_a_screen_of_eighty_columns(terminal: Terminal) -> None:
    two_runs(terminal)
    out, _ = terminal("0001", "0002")
    assert "\n".join(line.rstrip() for line in out.splitlines()) == GOLDEN


def test_the_figures_are_those_of_the_predictions(terminal: Terminal) -> None:
    first, second = two_runs(terminal)
    found = terminal.json(first.id, second.id)
    read = [read_predictions(terminal.runs / run.id, "dev") for run in (first, second)]
    ours, theirs = (
        np.array(list(split.values)) == np.array(list(split.references or [])) for split in read
    )
    (pair,) = found["comparisons"]
    counts = pair["rows"]["dev"]
    assert counts["both_right"] == (ours & theirs).sum()
    assert counts["only_first_right"] == (ours & ~theirs).sum()
    assert counts["only_second_right"] == (~ours & theirs).sum()
    assert counts["neither_right"] == (~ours & ~theirs).sum()
    fewer = min(counts["only_first_right"], counts["only_second_right"])
    total = counts["only_first_right"] + counts["only_second_right"]
    assert counts["mcnemar_exact_p"] == pytest.approx(stats.binomtest(fewer, total).pvalue)
    (difference,) = pair["differences"]
    assert difference["p"] == counts["mcnemar_mid_p"]
    assert difference["difference"] == pytest.approx(ours.mean() - theirs.mean())
    # The paired standard error in closed form, against the bootstrapped interval.
    error = (ours.astype(float) - theirs).std() / len(ours) ** 0.5
    low, high = difference["interval"]
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.08)
    assert pair["verdict"] == "real"


def test_a_small_difference_is_called_what_it_is(terminal: Terminal) -> None:
    make_runs(terminal.runs, [Making(), Making(seed=7)])
    out, _ = terminal("0001", "0002")
    assert "A and B are not distinguishable" in out
    assert "may well be chance" in out


def test_runs_that_err_alike_are_told_apart_from_equal_ones(terminal: Terminal) -> None:
    make_runs(terminal.runs, [Making(), Making(settings={"learning_rate": 5e-5})])
    out, _ = terminal("0001", "0002")
    assert "A and B are right and wrong on the same rows." in out


def test_the_order_of_the_words_turns_the_sign_and_nothing_else(terminal: Terminal) -> None:
    two_runs(terminal)
    (there,) = terminal.json("0001", "0002")["comparisons"][0]["differences"]
    (back,) = terminal.json("0002", "0001")["comparisons"][0]["differences"]
    assert there["difference"] == pytest.approx(-back["difference"])
    assert there["p"] == back["p"]
    assert "B is better than A" in terminal("0002", "0001")[0]


@pytest.mark.parametrize("task", ["mrpc", "cola", "stsb", "mnli"])
def test_every_metric_of_a_task_is_compared(terminal: Terminal, task: str) -> None:
    first, second = make_runs(
        terminal.runs,
        [Making(task=task, model=model, accuracy=a) for model, a in (("x", 0.9), ("y", 0.7))],
    )
    (pair,) = terminal.json("0001", "0002")["comparisons"]
    keys = [(each["split"], each["metric"]) for each in pair["differences"]]
    per_split = [(split, metric) for split, of in first.metrics.items() for metric in of]
    expected = [(None, "accuracy"), *per_split] if task == "mnli" else per_split
    assert keys == expected
    for each in pair["differences"]:
        if each["split"]:
            gap = (
                first.metrics[each["split"]][each["metric"]]
                - second.metrics[each["split"]][each["metric"]]
            )
            assert each["difference"] == pytest.approx(gap)
        assert each["interval"][0] < each["difference"] < each["interval"][1]
        assert each["p"] < 0.01
    tests = {each["metric"]: each["test"] for each in pair["differences"] if each["split"]}
    assert tests.get("accuracy", "McNemar mid-p") == "McNemar mid-p"
    assert all(test == "paired bootstrap" for name, test in tests.items() if name != "accuracy")


def test_several_comparisons_are_corrected_for_their_number(terminal: Terminal) -> None:
    make_runs(terminal.runs, [Making(model=model) for model in "abcd"])
    found = terminal.json("0001", "0002", "0003", "0004")
    p = [pair["differences"][0]["p"] for pair in found["comparisons"]]
    corrected = [pair["differences"][0]["p_corrected"] for pair in found["comparisons"]]
    assert len(p) == 6
    assert min(corrected) == pytest.approx(min(1.0, 6 * min(p)))
    assert "6 comparisons" in " ".join(found["remarks"])
    against = terminal.json("0001", "0002", "0003", "0004", "--against-first")
    assert [pair["first"] for pair in against["comparisons"]] == ["A", "A", "A"]


def seeds(terminal: Terminal) -> list[RunRecord]:
    return make_runs(
        terminal.runs,
        [
            Making(model=model, seed=seed, accuracy=accuracy, rows=1000)
            for model, accuracy in (("mini", 0.9), ("tiny", 0.8))
            for seed in (1, 7, 42)
        ],
    )


def test_models_are_compared_over_their_seeds(terminal: Terminal) -> None:
    records = seeds(terminal)
    found = terminal.json("mini", "tiny", "--task", "qnli")
    assert [each["seeds"] for each in found["contestants"]] == [[1, 7, 42], [1, 7, 42]]
    (pair,) = found["comparisons"]
    (difference,) = pair["differences"]
    scores = [record.primary or 0 for record in records]
    assert difference["difference"] == pytest.approx(np.mean(scores[:3]) - np.mean(scores[3:]))
    assert difference["test"] == "t, rows+seeds"
    # Wider than Welch's interval over the seeds alone, which takes the rows for the world.
    welch = stats.ttest_ind(scores[:3], scores[3:], equal_var=False).confidence_interval(0.95)
    low, high = difference["interval"]
    rows = 1.96 * (0.9 * 0.1 / 1000 + 0.8 * 0.2 / 1000) ** 0.5 / 3**0.5
    assert high - low > 2 * rows * 0.9
    assert low < welch.low + 0.02
    assert pair["verdict"] == "real"
    joined = ",".join(record.id for record in records[:3])
    by_hand = terminal.json(joined, ",".join(record.id for record in records[3:]))
    assert by_hand["comparisons"] == found["comparisons"]


def test_the_task_of_models_is_found_where_there_is_only_one(terminal: Terminal) -> None:
    seeds(terminal)
    make_run(terminal.runs, Making(task="rte", model="tiny", number=90))
    assert terminal.json("mini", "tiny")["task"] == "qnli"


def test_one_seed_against_several_borrows_the_spread(terminal: Terminal) -> None:
    records = seeds(terminal)
    out, _ = terminal("0001", "tiny")
    assert "Of A there is one seed; its spread over seeds is taken" in out
    low, high = terminal.json("0001", "tiny")["comparisons"][0]["differences"][0]["interval"]
    spread = np.std([record.primary or 0 for record in records[3:]], ddof=1)
    seeds_alone = 1.96 * spread * (1 + 1 / 3) ** 0.5
    rows_alone = 1.96 * (0.9 * 0.1 / 1000 + 0.8 * 0.2 / 3000) ** 0.5
    assert (high - low) / 2 > 0.95 * np.hypot(seeds_alone, rows_alone)


def test_the_rows_of_two_dev_splits_are_drawn_independently(tmp_path: Path) -> None:
    # The same rows in both splits would otherwise be drawn alike, and the mean seem unsure.
    runs = make_runs(tmp_path, [Making(task="mnli"), Making(task="mnli", seed=7)])
    evidence = load_evidence(runs, tmp_path, TASK["mnli"])
    matched = evidence.splits[0]
    records = tuple(
        replace(run, metrics=dict.fromkeys(run.metrics, run.metrics["dev_matched"])) for run in runs
    )
    alike = (matched, replace(matched, name="dev_mismatched"))
    scores = draw(replace(evidence, records=records, splits=alike)).scores
    first, second = scores["dev_matched", "accuracy"], scores["dev_mismatched", "accuracy"]
    assert abs(np.corrcoef(first[0], second[0])[0, 1]) < 0.06
    # Runs, though, are compared on the same draws.
    twice = tuple(split.of([0, 0]) for split in evidence.splits)
    same = draw(replace(evidence, records=(runs[0],) * 2, splits=twice)).scores
    assert (same["dev_matched", "accuracy"][0] == same["dev_matched", "accuracy"][1]).all()


def test_settings_of_one_model_only_are_no_difference(terminal: Terminal) -> None:
    make_runs(terminal.runs, [Making(), Making(model="tfidf", settings={"words": 5})])
    out, _ = terminal("0001", "0002")
    assert "Settings that differ" not in out


def test_a_model_without_a_score_is_not_compared(terminal: Terminal) -> None:
    first, second = make_runs(terminal.runs, [Making(task="stsb"), Making(task="stsb", seed=7)])
    constant = np.full(400, 2.5, dtype=np.float32)
    split = Table({"label": read_predictions(terminal.runs / first.id, "dev").references or []})
    write_predictions(terminal.runs / second.id, "dev", TASK["stsb"], split, constant)
    second.metrics = {"dev": {"pearson": float("nan"), "spearman": float("nan")}}
    second.primary = float("nan")
    write_record(terminal.runs / second.id, second)
    assert "cannot be compared: one has no Pearson" in terminal("0001", "0002")[0]
    (pair,) = terminal.json("0001", "0002")["comparisons"]
    assert pair["verdict"] == "undefined"
    assert pair["differences"][0]["difference"] is None


def test_training_on_other_rows_is_pointed_out(terminal: Terminal) -> None:
    make_runs(terminal.runs, [Making(), Making(seed=7, train=(500, 500, 1000))])
    out, _ = terminal("0001", "0002")
    assert "trained on different rows" in out


ERRORS: list[tuple[tuple[str, ...], str, str]] = [
    (("0001",), "takes 2 to 26", "compare RUN RUN"),
    (("0001", "0001"), "named twice", ""),
    (("0001", "nothing"), "no run called 'nothing'", "bert-tiny"),
    (("0001", "0002"), "not scored on the same rows", "leaderboard"),
    (("0001", "0003"), "is a run of qnli", "one task"),
    (("0001", "0004"), "its status is failed", ""),
    (("bert-tiny", "mini"), "no runs", "leaderboard"),
    (("two-ways", "bert-tiny"), "several settings", "0005,0006"),
    (("0001", "0007", "--task", "qnil"), "did you mean 'qnli'?", ""),
]


@pytest.mark.parametrize(("words", "what", "remedy"), ERRORS)
def test_what_cannot_be_compared(
    terminal: Terminal, words: tuple[str, ...], what: str, remedy: str
) -> None:
    make_runs(
        terminal.runs,
        [
            Making(),
            Making(dev_seed=1),
            Making(task="rte"),
            Making(status="failed"),
            Making(model="two-ways", seed=1),
            Making(model="two-ways", seed=2),
            Making(model="two-ways", settings={"learning_rate": 3e-5}),
            Making(task="cola", model="mini"),
        ],
    )
    # A model's name must not hit two sets of dev rows.
    out, err = terminal(*words, code=1)
    assert out == ""
    assert what in err
    assert remedy in err


def test_missing_predictions_are_named_with_their_place(terminal: Terminal) -> None:
    _, second = two_runs(terminal)
    path = terminal.runs / second.id / "predictions" / "dev.parquet"
    path.unlink()
    assert str(path) in terminal("0001", "0002", code=1)[1]
    path.write_bytes(b"no parquet")
    assert str(path) in terminal("0001", "0002", code=1)[1]


def test_predictions_that_are_not_the_records_are_refused(terminal: Terminal) -> None:
    first, second = two_runs(terminal)
    other = make_run(terminal.runs, Making(rows=2000, dev_seed=5, number=9))
    theirs = terminal.runs / other.id / "predictions" / "dev.parquet"
    (terminal.runs / second.id / "predictions" / "dev.parquet").write_bytes(theirs.read_bytes())
    assert "other rows" in terminal(first.id, second.id, code=1)[1]


def test_a_metric_of_ones_own_is_compared_by_its_own_definition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "SLOW_RESAMPLES", 30)
    # The task calls its macro F1 "f1": only its own definition may be used.
    task = TASK["mrpc"]
    runs = make_runs(tmp_path, [Making(task="mrpc"), Making(task="mrpc", seed=7)])
    evidence = load_evidence(runs, tmp_path, task)
    macro = [
        float(sk.f1_score(evidence.splits[0].truth, row, average="macro"))
        for row in evidence.splits[0].predictions
    ]
    changed = [
        replace(run, metrics={"dev": {"f1": value}}, primary=value)
        for run, value in zip(runs, macro, strict=True)
    ]

    class Macro:
        def compute(
            self, *, predictions: Sequence[Any], references: Sequence[Any]
        ) -> dict[str, float]:
            return {"f1": float(sk.f1_score(references, predictions, average="macro"))}

    own = replace(task, metrics=(replace(task.metrics[0], factory=lambda _task: Macro()),))
    found = draw(replace(evidence, task=own, records=tuple(changed)))
    samples = found.scores["dev", "f1"]
    assert samples.shape == (2, bootstrap.SLOW_RESAMPLES)
    assert samples.mean(axis=1) == pytest.approx(macro, abs=0.02)
    assert draw(replace(evidence, task=None, records=tuple(changed))).without == ("f1",)


def _simulated(generator: np.random.Generator, rows: int, count: int) -> Evidence:
    """Two models with equal expected accuracy, each with seeds of its own."""
    base = generator.normal(1.2, 1.5, rows)
    right = []
    for _ in range(2):
        own = generator.normal(0, 0.7, rows)
        for _ in range(count):
            logit = base + own + generator.normal(0, 0.2) + generator.normal(0, 0.6, rows)
            right.append(generator.random(rows) < 1 / (1 + np.exp(-logit)))
    truth = np.zeros(rows, dtype=int)
    predictions = np.where(np.array(right), 0, 1)
    template = RunRecord(
        id="x", identity="", task="qnli", model="m", seed=0, started="",
        primary_metric="accuracy", data=DataRecord(source="", location=""),
    )  # fmt: skip
    records = [
        replace(template, primary=float(row.mean()), metrics={"dev": {"accuracy": row.mean()}})
        for row in right
    ]
    split = SplitScores(name="dev", truth=truth, predictions=predictions, labels=("a", "b"))
    return Evidence(task=TASK["qnli"], records=tuple(records), splits=(split,))


@pytest.mark.parametrize("count", [1, 3])
def test_of_equal_models_about_one_in_twenty_comparisons_is_called_real(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(bootstrap, "RESAMPLES", 300)
    generator = np.random.default_rng(17)
    rounds = 150
    groups = [range(count), range(count, 2 * count)]

    def difference(found: list[Pair]) -> Pair:
        (pair,) = found
        return pair

    pairs = [difference(compare(_simulated(generator, 300, count), groups)) for _ in range(rounds)]
    called_real = sum(pair.verdict == "real" for pair in pairs)
    missed = 0
    for pair in pairs:
        interval = pair.differences[0].interval
        assert interval is not None
        missed += not interval.low <= 0 <= interval.high
    if count > 1:
        # 7.5 expected; 16 or more come in one of 280 such tests.
        assert called_real <= 15
        assert missed <= 15
    else:
        # With one seed each, the models trained are compared, and they do differ.
        assert called_real > 15


def test_agreement_counts_every_row_once() -> None:
    split = SplitScores(
        name="dev", truth=np.array([0, 1, 1, 0]),
        predictions=np.array([[0, 1, 0, 1], [0, 0, 1, 1]]), labels=("a", "b"),
    )  # fmt: skip
    found = agreement(split)
    assert (found.both, found.first, found.second, found.neither) == (1, 1, 1, 1)


def test_a_record_whose_rows_were_cut_is_refused(terminal: Terminal) -> None:
    first, second = two_runs(terminal)
    for record in (first, second):
        record.data.splits["dev"].rows = 1999
        write_record(terminal.runs / record.id, record)
    assert "not those of the record" in terminal("0001", "0002", code=1)[1]
