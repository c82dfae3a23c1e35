"""``glueharness compare``: is a difference real, and is its user told so plainly?"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats
from sklearn import metrics as sk

from glueharness.cli import main
from glueharness.data.table import Table
from glueharness.errors import RunFolderError
from glueharness.record.record import DataRecord, EpochRecord, RunRecord, SettingRecord
from glueharness.record.run_file import write_record
from glueharness.record.store import RunStore
from glueharness.run.predictions import read_predictions, write_predictions
from glueharness_leaderboard.compare.comparison import agreement
from glueharness_leaderboard.compare.numbers import p_text, signed_ends
from glueharness_leaderboard.evidence.measuring import Contest, measure
from glueharness_leaderboard.evidence.predictions import SplitValues
from glueharness_leaderboard.evidence.quantity import Quantity
from glueharness_leaderboard.evidence.stored_predictions import read_run
from glueharness_leaderboard.statistics.difference import Difference
from glueharness_leaderboard.statistics.variance import Components
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
    monkeypatch.setenv("GLUEHARNESS_CACHE", str(tmp_path / "cache"))
    return Terminal(capsys, tmp_path / "runs")


GOLDEN = """\
QNLI v2 · dev · n = 2,000
   model      Accuracy  95 % interval  seed  run
─────────────────────────────────────────────────
A  bert-mini     85.80  84.2 – 87.3    42    0001
B  bert-tiny     80.45  78.7 – 82.1    42    0002

Differences, in points
pair   metric    difference  95 % interval  p         tested for
────────────────────────────────────────────────────────────────
A − B  Accuracy       +5.35  +3.0 … +7.7    < 0.0001  rows

Rows, by who is right
pair    both  only the first  only the second  neither  McNemar's p
───────────────────────────────────────────────────────────────────
A − B  1,379             337              230       54  < 0.0001

What differs
               A     B
─────────────────────────
learning_rate  3e-4  1e-4

This run of bert-mini is better than that of bert-tiny: the difference of +5.35
points (95 % interval +3.0 … +7.7, p < 0.0001) is real at the 5 % level, tested
for the choice of rows.
One seed a side cannot carry that one model is better: another seed may turn it.
To compare models, run each with --seeds 3 and name the models: glueharness
compare MODEL MODEL --task TASK"""


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
    read = [read_predictions(terminal.runs / run.id, run, "dev") for run in (first, second)]
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
    # The engine's p is McNemar's but for a little; the latter stays as a note.
    assert difference["p"] == pytest.approx(counts["mcnemar_mid_p"], rel=0.2)
    assert difference["difference"] == pytest.approx(ours.mean() - theirs.mean())
    error = (ours.astype(float) - theirs).std() / len(ours) ** 0.5
    low, high = difference["interval"]
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.005)
    assert pair["verdict"] == "real"


def test_a_small_difference_is_called_what_it_is(terminal: Terminal) -> None:
    make_runs(terminal.runs, [Making(), Making(seed=7)])
    out, _ = terminal("0001", "0002")
    out = " ".join(out.split())
    assert "bert-tiny (A) and bert-tiny (B) are not distinguishable" in out
    assert "may well be chance, tested for the choice of rows" in out
    assert "points would show (power 80 %)" in out


def test_runs_that_err_alike_are_told_apart_from_equal_ones(terminal: Terminal) -> None:
    make_runs(terminal.runs, [Making(), Making(settings={"learning_rate": 5e-5})])
    out, _ = terminal("0001", "0002")
    words = " ".join(out.split())
    assert "(B) have the same Accuracy, and no row tells them apart." in words


def test_the_sentence_begins_with_the_better_one_and_its_lead(terminal: Terminal) -> None:
    two_runs(terminal)
    words = " ".join(terminal("0002", "0001")[0].split())
    assert "This run of bert-mini is better than that of bert-tiny" in words
    assert "the difference of +5.35 points (95 % interval +3.0 … +7.7, p < 0.0001) is" in words


def test_an_interval_ends_where_the_metric_does(terminal: Terminal) -> None:
    make_runs(
        terminal.runs,
        [Making(model="a", accuracy=1.0, rows=9), Making(model="b", accuracy=0.0, rows=9)],
    )
    (pair,) = terminal.json("a", "b")["comparisons"]
    assert pair["verdict"] == "real"
    assert pair["differences"][0]["interval"][1] == 1


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0499, "0.0499"),
        (0.049996, "0.049996"),
        (0.0501, "0.050"),
        (0.05, "0.050"),
        (0.04, "0.040"),
        (0.013, "0.013"),
        (0.00044, "0.0004"),
        (0.3, "0.30"),
        (1e-5, "< 0.0001"),
        (None, "–"),
    ],
)
def test_a_p_is_shown_on_its_side_of_the_level(p: float | None, text: str) -> None:
    assert p_text(p) == text


def test_an_interval_shows_on_which_side_of_nothing_it_ends() -> None:
    def shown(value: float, variance: float) -> str:
        components = Components(rows=variance, seeds=0.0, seed_degrees=0.0)
        return signed_ends(Difference(value=value, components=components, p=0.0))

    half = 1.959964 * 0.01
    assert shown(half + 0.0001, 1e-4) == "+0.01 … +3.93"
    assert shown(half - 0.00001, 1e-4) == "−0.001 … +3.919"
    assert shown(0.05, 1e-4) == "+3.0 … +7.0"
    assert shown(0.0, 0.0) == "0.0 … 0.0"


def test_two_that_always_say_the_same_are_not_called_right_on_the_same_rows(
    terminal: Terminal,
) -> None:
    for seed in (0, 1):
        task = TASK["cola"]
        (record,) = make_runs(
            terminal.runs, [Making(task="cola", model=f"always{seed}", rows=40, number=seed + 1)]
        )
        folder = terminal.runs / record.id
        table = Table(
            {"sentence": ["a"] * 40, "label": [task.labels[row % 2] for row in range(40)]}
        )
        scores = np.tile(np.eye(2, dtype=np.float32)[seed], (40, 1))
        write_predictions(folder, "dev", task, table, scores)
        record.metrics = {"dev": {"matthews_correlation": 0.0}}
        record.primary = 0.0
        write_record(folder, record)
    words = " ".join(terminal("always0", "always1")[0].split())
    assert "have the same Matthews corr., and no row tells them apart." in words
    assert "right and wrong" not in words


def test_the_order_of_the_words_turns_the_sign_and_nothing_else(terminal: Terminal) -> None:
    two_runs(terminal)
    (there,) = terminal.json("0001", "0002")["comparisons"][0]["differences"]
    (back,) = terminal.json("0002", "0001")["comparisons"][0]["differences"]
    assert there["difference"] == pytest.approx(-back["difference"])
    assert there["p"] == back["p"]
    out = " ".join(terminal("0002", "0001")[0].split())
    assert "This run of bert-mini is better than that of bert-tiny" in out


@pytest.mark.parametrize("task", ["mrpc", "cola", "stsb", "mnli"])
def test_every_metric_of_a_task_is_compared(terminal: Terminal, task: str) -> None:
    first, second = make_runs(
        terminal.runs,
        [Making(task=task, model=model, accuracy=a) for model, a in (("x", 0.9), ("y", 0.7))],
    )
    (pair,) = terminal.json("0001", "0002")["comparisons"]
    keys = [(each["split"], each["metric"]) for each in pair["differences"]]
    per_split = [(split, metric) for split, of in first.metrics.items() for metric in of]
    # First what ranks: of several metrics or splits, the mean that GLUE counts.
    mean: dict[str, list[tuple[str | None, str | None]]] = {
        "mnli": [(None, "accuracy")],
        "mrpc": [("dev", None)],
        "stsb": [("dev", None)],
    }
    assert keys == [*mean.get(task, []), *per_split]
    for each in pair["differences"]:
        if each["split"] and each["metric"]:
            gap = (
                first.metrics[each["split"]][each["metric"]]
                - second.metrics[each["split"]][each["metric"]]
            )
            assert each["difference"] == pytest.approx(gap)
        assert each["interval"][0] < each["difference"] < each["interval"][1]
        assert each["p"] < 0.01
        assert each["tested_for"] == "rows"


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
    assert difference["tested_for"] == "rows and seeds"
    sides = [np.array(scores[:3]), np.array(scores[3:])]
    pooled = np.mean([side.var(ddof=1) for side in sides]) * (1 / 3 + 1 / 3)
    assert difference["variance_seeds"] == pytest.approx(pooled)
    # Here seeds err on rows of their own, so that the rows are in the seeds' spread already:
    # counted twice, the interval would be wider by a half.
    assert difference["variance_rows"] < 0.2 * difference["variance_seeds"]
    error = (difference["variance_rows"] + difference["variance_seeds"]) ** 0.5
    degrees = difference["degrees_of_freedom"]
    assert 4 <= degrees < 7
    half = stats.t.ppf(0.975, degrees) * error
    assert difference["interval"][1] - difference["difference"] == pytest.approx(half)
    expected = 2 * stats.t.sf(difference["difference"] / error, degrees)
    assert difference["p"] == pytest.approx(expected)
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
    assert "There is one seed of mini: how much seeds spread is taken from the others." in " ".join(
        out.split()
    )
    (difference,) = terminal.json("0001", "tiny")["comparisons"][0]["differences"]
    scores = np.array([record.primary or 0 for record in records])
    # The other seeds of the first model do not take part, and help to know how seeds spread.
    pooled = (2 * scores[3:].var(ddof=1) + scores[1:3].var(ddof=1)) / 3
    assert difference["variance_seeds"] == pytest.approx(pooled * (1 + 1 / 3))
    assert "pooled with 1 further model" in " ".join(out.split())


def test_two_dev_splits_are_independent_of_each_other(terminal: Terminal) -> None:
    make_runs(terminal.runs, [Making(task="mnli"), Making(task="mnli", seed=7)])
    (pair,) = terminal.json("0001", "0002")["comparisons"]
    mean, *splits = pair["differences"]
    variances = [each["variance_rows"] for each in splits]
    assert mean["variance_rows"] == pytest.approx(sum(variances) / 4)


def test_settings_of_one_model_only_are_no_difference(terminal: Terminal) -> None:
    make_runs(terminal.runs, [Making(), Making(model="tfidf", settings={"words": 5})])
    out, _ = terminal("0001", "0002")
    assert "What differs" not in out


def test_a_model_without_a_score_is_not_compared(terminal: Terminal) -> None:
    first, second = make_runs(terminal.runs, [Making(task="stsb"), Making(task="stsb", seed=7)])
    constant = np.full(400, 2.5, dtype=np.float32)
    read = read_predictions(terminal.runs / first.id, first, "dev")
    split = Table({"label": read.references or []})
    write_predictions(terminal.runs / second.id, "dev", TASK["stsb"], split, constant)
    second.metrics = {"dev": {}}
    second.primary = None
    write_record(terminal.runs / second.id, second)
    assert "cannot be compared: one has no Pearson" in " ".join(terminal("0001", "0002")[0].split())
    (pair,) = terminal.json("0001", "0002")["comparisons"]
    assert pair["verdict"] == "undefined"
    assert pair["differences"][0]["difference"] is None


def test_a_run_has_its_task_whatever_the_option_says(terminal: Terminal) -> None:
    two_runs(terminal)
    _, message = terminal("0001", "0002", "--task", "rte", code=1)
    assert "is a run of qnli, and --task names rte" in message


def test_names_of_others_are_one_line_however_many_there_are(terminal: Terminal) -> None:
    makings = [Making(model=f"m{number:02}", rows=20, number=number) for number in range(1, 30)]
    records = make_runs(terminal.runs, makings)
    records[4].model = "m\nerror: forged"
    records[4].settings["model"] = SettingRecord(value=records[4].model, origin="default")
    write_record(terminal.runs / records[4].id, records[4])
    _, message = terminal("error: forgd", "m01", "--task", "qnli", code=1)
    assert len(message.splitlines()) == 3
    assert "\\nerror" in message
    assert "and 19 more" in message


def test_training_on_other_rows_is_pointed_out(terminal: Terminal) -> None:
    make_runs(terminal.runs, [Making(), Making(seed=7, train=(500, 500, 1000))])
    out, _ = terminal("0001", "0002")
    assert "data: train" in out
    assert "500 rows, train500500" in " ".join(out.split())


ERRORS: list[tuple[tuple[str, ...], str, str]] = [
    (("0001",), "takes 2 runs or models or more", "compare RUN RUN"),
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


def test_a_metric_of_ones_own_is_compared_by_its_own_definition(tmp_path: Path) -> None:
    # The task calls its macro F1 "f1": only its own definition may be used.
    task = TASK["mrpc"]
    runs = make_runs(tmp_path, [Making(task="mrpc"), Making(task="mrpc", seed=7)])
    plain = Contest(task=task, counted=("accuracy",), store=RunStore(tmp_path))
    (split,) = measure(runs, plain)[0].splits
    macro = [float(sk.f1_score(split.truth, row, average="macro")) for row in split.predictions]
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
    found, _ = measure(changed, Contest(task=own, counted=("f1",), store=RunStore(tmp_path)))
    jackknifed = found.quantities[Quantity("dev", "f1")]
    assert jackknifed.scores == pytest.approx(macro)
    assert jackknifed.influences[0].shape == (200,)
    # About the standard error of an accuracy on 400 rows; and nothing without the plugin.
    error = (jackknifed.influences[0] ** 2).sum() ** 0.5 / 200
    assert 0.01 < error < 0.03
    without, _ = measure(changed, Contest(task=None, counted=("f1",), store=RunStore(tmp_path)))
    assert without.without == ("f1",)
    assert not without.quantities
    # Scores that neither definition gives are somebody else's.
    with pytest.raises(RunFolderError, match="do not give the recorded f1"):
        measure(changed, Contest(task=task, counted=("f1",), store=RunStore(tmp_path)))


def test_matthews_of_three_labels_goes_by_the_jackknife(tmp_path: Path) -> None:
    matthews = TASK["cola"].metrics[0]
    task = replace(TASK["mnli"], metrics=(matthews,))
    runs = make_runs(tmp_path, [Making(task="mnli")])
    contest = Contest(task=TASK["mnli"], counted=("accuracy",), store=RunStore(tmp_path))
    splits = measure(runs, contest)[0].splits
    values = {
        each.name: float(sk.matthews_corrcoef(each.truth, each.predictions[0])) for each in splits
    }
    metrics = {name: {matthews.name: value} for name, value in values.items()}
    changed = [replace(runs[0], metrics=metrics, primary=float(np.mean([*values.values()])))]
    found, _ = measure(
        changed, Contest(task=task, counted=(matthews.name,), store=RunStore(tmp_path))
    )
    (quantity,) = found.quantities
    assert quantity == Quantity("", matthews.name)
    assert found.quantities[quantity].score == pytest.approx(np.mean([*values.values()]))
    assert [len(each) for each in found.quantities[quantity].influences] == [200, 200]


def test_rows_of_one_unit_count_as_one(tmp_path: Path) -> None:
    task = replace(
        TASK["qnli"], metrics=tuple(replace(m, unit="passage") for m in TASK["qnli"].metrics)
    )
    (run,) = make_runs(tmp_path, [Making()])
    contest = Contest(task=task, counted=("accuracy",), store=RunStore(tmp_path))
    with pytest.raises(RunFolderError, match="do not tell which rows belong together"):
        measure([run], contest)
    path = tmp_path / run.id / "predictions" / "dev.parquet"
    table = pq.read_table(path)
    passages = pa.array([f"p{row // 4}" for row in range(len(table))])
    pq.write_table(table.append_column("unit:passage", passages), path)
    (found,) = measure([run], contest)[0].quantities.values()
    assert len(found.influences[0]) == 100


def test_a_unit_column_is_kept_with_the_predictions(tmp_path: Path) -> None:
    task = replace(
        TASK["qnli"], metrics=tuple(replace(m, unit="passage") for m in TASK["qnli"].metrics)
    )
    rows = 6
    split = Table({"label": ["entailment"] * rows, "passage": [7, 7, 8, 8, 9, 9]})
    scores = np.zeros((rows, 2), dtype=np.float32)
    path = write_predictions(tmp_path, "dev", task, split, scores)
    assert pq.read_table(path)["unit:passage"].to_pylist() == ["7", "7", "8", "8", "9", "9"]
    record = RunRecord(
        id="x", identity="", task="qnli", model="m", seed=0, started="",
        data=DataRecord(source="made", location="here"),
    )  # fmt: skip
    assert len(read_predictions(tmp_path, record, "dev").values) == rows


def test_a_broken_seal_is_refused(terminal: Terminal) -> None:
    first, _ = two_runs(terminal)
    path = terminal.runs / first.id / "predictions" / "dev.parquet"
    seal = hashlib.sha256(path.read_bytes()).hexdigest()
    sealed = replace(first, seals={"predictions/dev.parquet": seal})
    assert set(read_run(sealed, RunStore(terminal.runs))) == {"dev"}
    sealed.seals = {"predictions/dev.parquet": "0" * 64}
    with pytest.raises(RunFolderError, match="seal is broken"):
        read_run(sealed, RunStore(terminal.runs))


def test_agreement_counts_every_row_once() -> None:
    ours, theirs = (
        SplitValues(
            name="dev", index=np.arange(4), truth=np.array([0, 1, 1, 0]),
            predictions=np.array([row]), labels=("a", "b"), units={},
        )
        for row in ([0, 1, 0, 1], [0, 0, 1, 1])
    )  # fmt: skip
    found = agreement(ours, theirs)
    assert (found.both, found.first, found.second, found.neither) == (1, 1, 1, 1)


def test_a_record_whose_rows_were_cut_is_refused(terminal: Terminal) -> None:
    first, second = two_runs(terminal)
    for record in (first, second):
        record.data.splits["dev"].rows = 1999
        write_record(terminal.runs / record.id, record)
    assert "not those of the record" in terminal("0001", "0002", code=1)[1]


def test_the_rows_where_they_differ_are_listed(terminal: Terminal) -> None:
    two_runs(terminal)
    counts = terminal.json("0001", "0002")["comparisons"][0]["rows"]["dev"]
    found = terminal.json("0001", "0002", "--rows")
    differing = counts["only_first_right"] + counts["only_second_right"]
    assert len(found["rows"]) == differing
    first = found["rows"][0]
    answers = first["answers"]
    assert {answers["A"]["right"], answers["B"]["right"]} == {0, 1}
    right = next(answer for answer in answers.values() if answer["right"])
    assert right["prediction"] == first["label"]
    assert right["margin"] == 1
    out, err = terminal("0001", "0002", "--rows", "--tsv")
    rows = list(csv.DictReader(io.StringIO(out), delimiter="\t"))
    assert [int(row["row"]) for row in rows] == [row["row"] for row in found["rows"]]
    assert "no texts" in err
    out, _ = terminal("0001", "0002", "--rows")
    assert f"{differing} rows on which they differ" in out
    assert f"The 20 with the largest gap of {differing}" in out


def test_texts_have_the_whole_width_and_who_is_who_is_said(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_runs(terminal)
    text = "Pennsylvania has the biggest community in the country. " * 10
    monkeypatch.setattr(
        "glueharness_leaderboard.compare.texts.texts_of",
        lambda run, *_: ({"dev": {"question": [text] * run.data.splits["dev"].rows}}, ""),
    )
    out, _ = terminal("0001", "0002", "--rows")
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("question  Pennsylvania has the biggest") for line in lines) == 20
    assert sum(line.endswith("…") for line in map(str.rstrip, lines)) == 20  # cut, and it is said
    who = [line for line in lines if line.startswith(("A: ", "B: "))]
    assert [line.rpartition(", ")[2] for line in who] == ["0001", "0002"]


def test_a_sentence_names_a_model_that_is_a_path_by_its_end(terminal: Terminal) -> None:
    make_runs(
        terminal.runs,
        [
            Making(model=model, accuracy=accuracy, rows=1000)
            for model, accuracy in (("hf:/home/me/deep/encoder", 0.9), ("tiny", 0.8))
        ],
    )
    (pair,) = terminal.json("0001", "0002")["comparisons"]
    assert pair["sentence"].startswith("This run of hf:…/encoder is better than that of tiny")
    for name in ("hf:/home/me/deep/encoder", "hf:…/encoder", "encoder"):
        assert terminal.json(name, "tiny")["comparisons"] == [pair]


def test_of_several_seeds_the_rows_tell_how_many_are_right(terminal: Terminal) -> None:
    seeds(terminal)
    found = terminal.json("mini", "tiny", "--task", "qnli", "--rows")
    shares = {answer["right"] for row in found["rows"] for answer in row["answers"].values()}
    assert {round(3 * share) for share in shares} == {0, 1, 2, 3}
    out, _ = terminal("mini", "tiny", "--task", "qnli", "--rows")
    assert "3 of 3 right" in out


def test_regressions_differ_where_one_is_clearly_closer(terminal: Terminal) -> None:
    make_runs(terminal.runs, [Making(task="stsb"), Making(task="stsb", seed=7)])
    rows = terminal.json("0001", "0002", "--rows")["rows"]
    assert rows
    for row in rows:
        errors = [answer["error"] for answer in row["answers"].values()]
        assert abs(errors[0] - errors[1]) > 0.25
        for answer in row["answers"].values():
            assert answer["error"] == pytest.approx(abs(answer["prediction"] - row["label"]))


def test_texts_are_shown_only_if_they_are_those_that_were_scored(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for model in ("majority", "tfidf"):
        with pytest.raises(SystemExit):
            main(["run", "rte", "--model", model, "--data", "sample", "--limit-dev", "60"])
    capsys.readouterr()
    terminal = Terminal(capsys, tmp_path / "runs")
    rows = terminal.json("majority", "tfidf", "--rows")["rows"]
    assert rows
    assert set(rows[0]["texts"]) == {"sentence1", "sentence2"}
    assert all(text.strip() for row in rows for text in row["texts"].values())
    monkeypatch.setattr(
        "glueharness.data.table.fingerprint", lambda *_args, **_options: "something else"
    )
    out, err = terminal("majority", "tfidf", "--rows", "--json")
    assert json.loads(out)["rows"][0]["texts"] == {}
    assert "not those that were scored" in err


def cola_of_seventeen(terminal: Terminal) -> None:
    """One run with each prediction flipped with chance 0.08, sixteen with 0.48."""
    make_runs(
        terminal.runs,
        [
            Making(task="cola", model=f"m{run}", accuracy=0.92 if run == 0 else 0.52, rows=1043)
            for run in range(17)
        ],
    )


def test_eighty_points_are_real_on_a_board_of_seventeen(terminal: Terminal) -> None:
    cola_of_seventeen(terminal)
    found = terminal.json(*(f"{run:04x}" for run in range(1, 18)), "--against-first")
    assert len(found["comparisons"]) == 16
    for pair in found["comparisons"]:
        assert pair["differences"][0]["difference"] > 0.6
        assert pair["differences"][0]["p_corrected"] < 1e-10
        assert pair["verdict"] == "real"
    everything = terminal.json(*(f"{run:04x}" for run in range(1, 18)))["comparisons"]
    assert len(everything) == 136
    assert all(pair["verdict"] == "real" for pair in everything[:16])
    for pair in everything:
        for each in pair["differences"]:
            low, high = each["interval"]
            assert (each["p_corrected"] < 0.05) == (low > 0 or high < 0)
    # 80 points among 136 pairs, one of them at a time.
    assert max(pair["differences"][0]["p_corrected"] for pair in everything[:16]) < 1e-10


def test_a_constant_model_is_told_from_three_others(terminal: Terminal) -> None:
    runs = make_runs(
        terminal.runs,
        [Making(task="stsb", model=f"m{run}", accuracy=0.85, rows=1500) for run in range(4)],
    )
    read = read_predictions(terminal.runs / runs[0].id, runs[0], "dev")
    split = Table({"label": read.references or []})
    same = np.full(1500, 2.5, dtype=np.float32)
    write_predictions(terminal.runs / runs[0].id, "dev", TASK["stsb"], split, same)
    runs[0].metrics = {"dev": {"pearson": 0.0, "spearman": 0.0}}
    runs[0].primary = 0.0
    write_record(terminal.runs / runs[0].id, runs[0])
    found = terminal.json("0001", "0002", "0003", "0004")
    for pair in found["comparisons"][:3]:
        (mean, *_) = pair["differences"]
        assert mean["difference"] == pytest.approx(-0.85, abs=0.04)
        assert mean["p_corrected"] < 1e-10
        assert pair["verdict"] == "real"
    assert "m0 says the same for every row." in found["remarks"]
    # The p of a constant model's difference is that of the other's score alone.
    (alone,) = (each for each in found["contestants"] if each["label"] == "B")
    assert alone["interval"][0] < alone["score"] < alone["interval"][1]


def test_the_best_of_more_epochs_pays_for_it(terminal: Terminal) -> None:
    first, _ = two_runs(terminal)
    before = terminal.json("0001", "0002")["comparisons"][0]["differences"][0]
    first.history = [
        EpochRecord(epoch=epoch, primary=score, metrics={})
        for epoch, score in enumerate((0.7, first.primary or 0, 0.8), start=1)
    ]
    first.settings["keep_best"] = SettingRecord(value=True, origin="default")
    write_record(terminal.runs / first.id, first)
    found = terminal.json("0001", "0002")
    after = found["comparisons"][0]["differences"][0]
    assert after["p"] == before["p"]
    assert after["p_corrected"] == pytest.approx(3 * before["p_corrected"])
    assert after["interval"][0] < before["interval"][0]
    assert "bert-mini is the best of 3 epochs" in " ".join(found["remarks"])
    # Where the side that picked is behind, the other one is ahead in spite of it.
    assert terminal.json("0002", "0001")["comparisons"][0]["selection_factor"] == 3


@pytest.mark.parametrize(
    ("suffix", "begins"),
    [("md", "### QNLI"), ("csv", "task,first"), ("tsv", "task\tfirst"), ("json", "{"),
     ("tex", "% Needs"), ("html", "<!doctype html>"), ("txt", "QNLI v2")],
)  # fmt: skip
def test_a_comparison_is_written_in_the_form_of_the_suffix(
    terminal: Terminal, tmp_path: Path, suffix: str, begins: str
) -> None:
    two_runs(terminal)
    target = tmp_path / f"found.{suffix}"
    terminal("0001", "0002", "-o", str(target))
    text = target.read_text(encoding="utf-8")
    assert text.startswith(begins)
    assert "bert-mini" in text


def test_what_differs_is_told_for_settings_data_weights_and_environment(
    terminal: Terminal,
) -> None:
    first, second = two_runs(terminal)
    second.notes = {"checkpoint": {"fresh": True}, "device": "cuda:1", "precision": "bf16"}
    second.environment = {"packages": {"torch": "2.7.0"}, "cpu": "other"}
    first.environment = {"packages": {"torch": "2.13.0"}, "cpu": "other"}
    second.data.source = "hub"
    for run in (first, second):
        write_record(terminal.runs / run.id, run)
    found = terminal.json("0001", "0002")["what_differs"]
    facts = {(fact["kind"], fact["name"]): fact["values"] for fact in found}
    assert facts["setting", "learning_rate"] == ["3e-4", "1e-4"]
    assert facts["weights", "weights"] == ["–", "fresh"]
    assert facts["data", "source"] == ["tsv", "hub"]
    assert facts["system", "device"] == ["–", "cuda"]
    assert facts["environment", "torch"] == ["2.13.0", "2.7.0"]
    assert ("environment", "processor") not in facts


def test_two_seeds_of_one_model_are_compared_as_runs(terminal: Terminal) -> None:
    seeds(terminal)
    found = terminal.json("0001", "0002")
    assert found["comparisons"][0]["differences"][0]["tested_for"] == "rows"


def test_a_comparison_borrows_the_spread_of_others_on_the_same_rows(terminal: Terminal) -> None:
    seeds(terminal)
    make_runs(
        terminal.runs,
        [
            Making(model=model, accuracy=0.85, rows=1000, number=n)
            for n, model in ((20, "x"), (21, "y"))
        ],
    )
    for _ in range(2):  # computed, and from the cache
        found = terminal.json("0014", "0015")
        (difference,) = found["comparisons"][0]["differences"]
        assert difference["tested_for"] == "rows and seeds"
        assert "pooled with 2 further models" in " ".join(found["remarks"])


def test_many_contestants_have_ranks_and_one_sentence_each(terminal: Terminal) -> None:
    cola_of_seventeen(terminal)
    words = [f"{run:04x}" for run in range(1, 18)]
    out = " ".join(terminal(*words)[0].split())
    assert "m0 is better than 16 others." in out
    assert "m1 is worse than m0; 15 cannot be told from it." in out
    more = [
        Making(task="cola", model=f"n{run}", accuracy=0.52, rows=1043, number=100 + run)
        for run in range(11)
    ]
    make_runs(terminal.runs, more)
    found = terminal.json(*words, *(f"{100 + run:04x}" for run in range(11)))
    assert [each["label"] for each in found["contestants"]][24:28] == ["Y", "Z", "AA", "AB"]
    assert len(found["comparisons"]) == 378
    out, _ = terminal(*words, *(f"{100 + run:04x}" for run in range(11)))
    assert "Differences, in points" not in out
    assert "2–28" in out


ODD_COLUMNS: dict[str, tuple[str, pa.Array]] = {
    "numbers in the place of labels": ("prediction", pa.array([0.5] * 400)),
    "not a number": ("prediction", pa.array([float("nan")] * 400)),
    "a label that the task does not have": ("prediction", pa.array(["maybe"] * 400)),
    "nothing": ("prediction", pa.array([None] * 400, pa.string())),
    "rows in another order": ("index", pa.array(range(399, -1, -1))),
    "lists": ("prediction", pa.array([[1]] * 400)),
    "row numbers that are texts": ("index", pa.array(["1"] * 400)),
}


@pytest.mark.parametrize("name", sorted(ODD_COLUMNS))
def test_a_file_that_holds_something_else_is_an_error_with_its_place(
    terminal: Terminal, name: str
) -> None:
    first, _ = make_runs(terminal.runs, [Making(model="a"), Making(model="b")])
    path = terminal.runs / first.id / "predictions" / "dev.parquet"
    column, values = ODD_COLUMNS[name]
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.column_names.index(column), column, values), path)
    _, err = terminal("0001", "0002", code=1)
    assert first.id in err or str(terminal.runs) in err
    assert "plugin's author" not in err
