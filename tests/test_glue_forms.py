"""The same data from the official files and from the hub: same texts, same label names."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import DataError, HubLayout
from glueharness.data.table import check, fingerprint
from glueharness.specs import DataOptions
from glueharness_glue.sample import generate
from glueharness_glue.sources.hubtable import table_from
from glueharness_glue.sources.tsv import TsvSource
from glueharness_glue.tasks import TASKS
from tests.glue_official import HEADS, write_official
from tests.hub_glue import hub_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glueharness import Split, Table, TaskSpec

TASK = {task.name: task for task in TASKS}
SPLITS = [(task.name, split.name) for task in TASKS for split in task.splits]
LABEL_HEADS = ("label", "gold_label", "score", "is_duplicate", "Quality")
TEXT_HEADS = {"premise": "sentence1", "hypothesis": "sentence2"}


def dataset(columns: Mapping[str, Sequence[Any]], task: TaskSpec) -> Any:
    """Columns as a data set of the hub, with its types."""
    from datasets import ClassLabel, Dataset, Features, Value

    label = Value("float32") if task.regression else ClassLabel(names=list(task.labels))
    types = {"label": label, "idx": Value("int32")}
    features = Features({name: types.get(name, Value("string")) for name in columns})
    return Dataset.from_dict(dict(columns), features=features)


def from_hub(task: TaskSpec, split: str, data: Any) -> Table:
    layout = task.location(HubLayout)
    assert layout is not None
    return table_from(data, split, task, layout, "here")


def as_rows(table: Split) -> dict[str, list[Any]]:
    return {name: list(table[name]) for name in sorted(table.column_names)}


@pytest.mark.parametrize(("name", "split"), SPLITS)
def test_made_up_rows_of_every_file(tmp_path: Path, name: str, split: str) -> None:
    """All of them, AX too, through both forms; sources of the same rows have one fingerprint."""
    task = TASK[name]
    layout = task.location(HubLayout)
    assert layout is not None
    columns = hub_form(task)[layout.splits[split]]
    rows = [dict(row) for row in generate(name)[split][: len(columns["idx"])]]
    if (name, split) == ("qqp", "train"):
        rows[0]["question1"] = 'Who said "yes"?'
        columns["idx"] = list(range(len(rows)))
    write_official(tmp_path, task, split, rows)
    read = TsvSource().open(task, DataOptions(folder=tmp_path)).load(split)
    hub = from_hub(task, split, dataset(columns, task))
    check(read, task, name=split, where="files")
    check(hub, task, name=split, where="hub")
    assert as_rows(read) == as_rows(hub)
    assert fingerprint(read, task) == fingerprint(hub, task)
    for column in task.columns:
        assert list(read[column]) == [row[column] for row in rows]
    if task.split(split).role == "test":
        assert "label" not in read.column_names
    else:
        assert list(read["label"]) == [row["label"] for row in rows]


def hub_reading(path: Path, task: TaskSpec, *, header: bool) -> dict[str, list[Any]]:
    """A file as the hub's own conversion read it: Python's csv reader with quoting off."""
    with path.open(encoding="utf-8-sig") as stream:
        if header:
            lines: Any = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        else:
            fields = csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
            lines = ({"label": row[1], "sentence": row[3]} for row in fields)
        rows = list(lines)
    label = next((head for head in LABEL_HEADS if head in rows[0]), None)
    columns: dict[str, list[Any]] = {
        column: [row[TEXT_HEADS.get(column, column)] for row in rows] for column in task.columns
    }
    columns["label"] = [_number(row[label], task) if label else -1 for row in rows]
    columns["idx"] = list(range(len(rows)))
    return columns


def _number(text: str, task: TaskSpec) -> float | int:
    if task.regression:
        return float(text)
    return task.labels.index(text) if text in task.labels else int(text)


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "split"), SPLITS)
def test_the_real_files(glue_data: Path, name: str, split: str) -> None:
    task = TASK[name]
    path, head = HEADS[name, split]
    if not (glue_data / path).is_file():
        pytest.skip(f"{path} is not there")
    read = TsvSource().open(task, DataOptions(folder=glue_data)).load(split)
    columns = hub_reading(glue_data / path, task, header=bool(head))
    hub = from_hub(task, split, dataset(columns, task))
    for column in [*task.columns, "index"]:
        assert list(read[column]) == list(hub[column])
    if task.regression and "label" in read.column_names:
        # The hub keeps float32.
        assert list(read["label"]) == pytest.approx(list(hub["label"]), abs=1e-6)
    else:
        assert as_rows(read) == as_rows(hub)
    assert fingerprint(read, task) == fingerprint(hub, task)
    assert ("label" in read.column_names) is (task.split(split).role != "test")


COMPLETE = ["QNLI/dev", "QNLI/test", "RTE/train", "RTE/dev", "RTE/test", "CoLA/train", "CoLA/dev"]
COMPLETE += ["CoLA/test", "STS-B/train", "STS-B/dev", "STS-B/test"]


@pytest.mark.real_data
@pytest.mark.parametrize("place", COMPLETE)
def test_complete_files_have_the_rows_that_the_task_says(glue_data: Path, place: str) -> None:
    """A reader with quoting on finds 5268 records in QNLI dev and 1120 in STS-B test."""
    name, split = next(key for key, (path, _) in HEADS.items() if path == f"{place}.tsv")
    task = TASK[name]
    read = TsvSource().open(task, DataOptions(folder=glue_data)).load(split)
    assert len(read) == task.split(split).rows


# The hub's side alone ---------------------------------------------------------------------


def test_label_names_in_another_order_are_refused() -> None:
    task = TASK["rte"]
    other = replace(task, labels=task.labels[::-1], submission=())
    with pytest.raises(DataError, match="labels are not_entailment, entailment"):
        from_hub(task, "train", dataset(hub_form(task)["train"], other))


def test_an_unlabelled_split_has_no_label_column() -> None:
    task = TASK["rte"]
    columns = {**hub_form(task)["train"]}
    columns["label"] = [-1] * len(columns["idx"])
    assert "label" not in from_hub(task, "train", dataset(columns, task)).column_names


def test_a_single_missing_label_is_an_error() -> None:
    task = TASK["rte"]
    columns = {**hub_form(task)["train"]}
    columns["label"] = [-1, *columns["label"][1:]]
    with pytest.raises(DataError, match="row 0: the label -1"):
        from_hub(task, "train", dataset(columns, task))


def test_the_real_labels_of_mrpcs_test_split_are_dropped() -> None:
    task = TASK["mrpc"]
    columns = hub_form(task)["test"]
    assert -1 not in columns["label"]
    assert "label" not in from_hub(task, "test", dataset(columns, task)).column_names


def test_test_rows_come_in_the_order_of_their_numbers() -> None:
    task = TASK["rte"]
    columns = hub_form(task)["test"]
    assert columns["idx"][0] != 0
    table = from_hub(task, "test", dataset(columns, task))
    assert list(table["index"]) == list(range(len(table)))
    assert list(table["sentence1"]) == columns["sentence1"][::-1]


def test_test_rows_whose_numbers_have_gaps_are_refused() -> None:
    task = TASK["rte"]
    columns = {**hub_form(task)["test"]}
    columns["idx"] = [2 * number for number in range(len(columns["idx"]))]
    with pytest.raises(DataError, match="row numbers"):
        from_hub(task, "test", dataset(columns, task))


def test_gaps_in_qqps_training_split_are_kept() -> None:
    task = TASK["qqp"]
    table = from_hub(task, "train", dataset(hub_form(task)["train"], task))
    assert list(table["index"])[:3] == [0, 2, 4]


def test_a_missing_column_is_named() -> None:
    task = TASK["rte"]
    columns = {**hub_form(task)["train"]}
    del columns["sentence2"]
    with pytest.raises(DataError, match="sentence2 are missing"):
        from_hub(task, "train", dataset(columns, task))
