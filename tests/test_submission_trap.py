"""Labels travel by name: dev predictions through the writer score what the record says."""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING

import pytest

from glueharness import Prediction
from glueharness.data.table import row_numbers
from glueharness.plugin.registry import Registry
from glueharness.record.store import RunStore
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.run.one_run import run
from glueharness.run.predictions import read_predictions
from glueharness.run.trained_model import load_trained, predict
from glueharness.scoring.scorer import decide
from glueharness.settings.fields import Layer
from glueharness.specs import DataOptions
from glueharness.submission.plan import SubmitOptions
from glueharness.submission.submit import submit
from glueharness_submission.writer import GlueWriter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glueharness import TaskSpec
    from glueharness.record.record import RunRecord

WORDS = ("river", "engine", "parliament", "violin", "glacier", "senator", "copper", "orchard")


def make_folder(folder: Path) -> Path:
    """QNLI's files with made-up pairs: the sentence has the question's word, or it has not."""
    dice = random.Random(3)
    (folder / "QNLI").mkdir(parents=True)
    for name, count in (("train", 300), ("dev", 101), ("test", 40)):
        lines = ["index\tquestion\tsentence" + ("" if name == "test" else "\tlabel")]
        for row in range(count):
            asked, other = dice.sample(WORDS, 2)
            fits = dice.random() < 0.6
            said = "the" if fits else "a"  # what a bag of words can learn
            line = f"{row}\twhere is {asked}\t{said} {asked if fits else other} is there"
            label = "entailment" if fits else "not_entailment"
            lines.append(line if name == "test" else f"{line}\t{label}")
        (folder / "QNLI" / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def true_labels(path: Path) -> dict[str, str]:
    """Index to label as they stand in the TSV, read without any of our code."""
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    place = lines[0].split("\t").index("label")
    return {line.split("\t")[0]: line.split("\t")[place] for line in lines[1:]}


def share_right(submission: bytes, truth: dict[str, str], values: dict[str, str]) -> float:
    """Accuracy of a written file against the TSV's own labels."""
    names = {text: label for label, text in values.items()}
    rows = [line.split("\t") for line in submission.decode().rstrip("\n").split("\n")[1:]]
    assert len(rows) == len(truth)
    return sum(names[text] == truth[index] for index, text in rows) / len(rows)


def do_run(folder: Path, runs: Path, model: str, **values: str) -> RunRecord:
    registry = Registry()
    given = {"model": model, "data": "dir", "data_dir": str(folder), "runs_dir": str(runs)}
    layer = Layer(origin=COMMAND_LINE, values={**given, **values})
    return run(build_config("qnli", [layer], registry), registry).record


def dev_as_submission(spec: TaskSpec, rows: int, values: dict[str, str]) -> TaskSpec:
    """The task with a submission that is made from the dev split."""
    splits = tuple(
        dataclasses.replace(split, rows=rows) if split.name == "dev" else split
        for split in spec.splits
    )
    file = dataclasses.replace(spec.submission[0], split="dev", values=values)
    return dataclasses.replace(spec, splits=splits, submission=(file,))


def through_writer(spec: TaskSpec, index: Sequence[int], labels: Sequence[str], out: Path) -> bytes:
    prediction = Prediction(task=spec, file=spec.submission[0], index=index, values=labels)
    (path,) = GlueWriter().write([prediction], out)
    return path.read_bytes()


SPELLINGS = [
    {"entailment": "entailment", "not_entailment": "not_entailment"},
    {"entailment": "0", "not_entailment": "1"},
    {"entailment": "1", "not_entailment": "0"},
]


def check_dev(record: RunRecord, folder: Path, runs: Path, out: Path) -> None:
    """Kept predictions and fresh ones, in every spelling, score what the record says."""
    registry = Registry()
    spec = registry.task("qnli")
    truth = true_labels(folder / "QNLI" / "dev.tsv")
    kept = read_predictions(runs / record.id, record, "dev")
    source = registry.sources.get("dir").factory()
    split = source.open(spec, DataOptions(source="dir", folder=folder)).load("dev")
    model = load_trained(RunStore(runs), record, registry)
    fresh = decide(predict(model, spec, spec, split), spec)
    for values in SPELLINGS:
        task = dev_as_submission(spec, len(truth), values)
        for index, labels in ((kept.index, kept.values), (row_numbers(split), fresh)):
            written = through_writer(task, index, labels, out)
            assert share_right(written, truth, values) == record.metrics["dev"]["accuracy"]


@pytest.mark.parametrize("model", ["majority", "tfidf"])
def test_dev_predictions_score_what_the_record_says(tmp_path: Path, model: str) -> None:
    folder = make_folder(tmp_path / "data")
    record = do_run(folder, tmp_path / "runs", model)
    check_dev(record, folder, tmp_path / "runs", tmp_path / "out")
    # Were the labels swapped on the way, this would tell.
    assert abs(record.metrics["dev"]["accuracy"] - 0.5) > 0.05


@pytest.mark.real_data
def test_real_dev_predictions_score_what_the_record_says(tmp_path: Path, glue_data: Path) -> None:
    record = do_run(glue_data, tmp_path / "runs", "tfidf", limit_train="1000", ngram_max="1")
    assert record.data.splits["dev"].rows == 5463
    check_dev(record, glue_data, tmp_path / "runs", tmp_path / "out")
    assert record.metrics["dev"]["accuracy"] != 0.5


MNLI_HEADER = (
    "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"
    "sentence1_parse\tsentence2_parse\tsentence1\tsentence2"
)


def make_mnli(folder: Path) -> Path:
    """MNLI and the diagnostic set in the official layout, with test files of their full length."""
    (folder / "MNLI").mkdir(parents=True)
    (folder / "AX").mkdir()
    words = {"entailment": "yes", "neutral": "perhaps", "contradiction": "never"}
    for name, rows, labelled in (
        ("train", 90, "\tlabel1\tgold_label"),
        ("dev_matched", 30, "\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\tgold_label"),
        ("dev_mismatched", 30, "\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\tgold_label"),
        ("test_matched", 9796, ""),
        ("test_mismatched", 9847, ""),
    ):
        lines = [MNLI_HEADER + labelled]
        for row in range(rows):
            label, word = list(words.items())[row * 5 % 3]
            text = f"{row}\tp\tq\tg\t-\t-\t-\t-\tthey say so\t{word} indeed"
            lines.append(text + f"\t{label}" * labelled.count("\t"))
        (folder / "MNLI" / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    lines = ["index\tsentence1\tsentence2"]
    lines += [f"{row}\tthey say so\t{list(words.values())[row % 3]}" for row in range(1104)]
    (folder / "AX" / "AX.tsv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_the_mnli_run_writes_both_test_sets_and_the_diagnostic_one(tmp_path: Path) -> None:
    folder, runs, registry = make_mnli(tmp_path / "data"), tmp_path / "runs", Registry()
    given = {"model": "tfidf", "data": "dir", "data_dir": str(folder), "runs_dir": str(runs)}
    layer = Layer(origin=COMMAND_LINE, values=given)
    record = run(build_config("mnli", [layer], registry), registry).record
    assert set(record.metrics) == {"dev_matched", "dev_mismatched"}
    options = SubmitOptions(targets=("mnli",), output=tmp_path / "out", runs_dir=runs)
    submission = submit(options, registry, lambda _: None)
    order = ["entailment", "contradiction", "neutral"]  # row * 5 % 3
    for path in submission.paths:
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        cycle = ["entailment", "neutral", "contradiction"] if path.name == "AX.tsv" else order
        assert [line.split("\t")[1] for line in lines[:6]] == cycle * 2
    names = {path.name: len(path.read_bytes().splitlines()) - 1 for path in submission.paths}
    assert names == {"MNLI-m.tsv": 9796, "MNLI-mm.tsv": 9847, "AX.tsv": 1104}
    assert {file.choice.record.id for file in submission.files if file.choice} == {record.id}
