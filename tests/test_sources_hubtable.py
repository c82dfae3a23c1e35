"""Rows of the hub's Parquet files that are not what they should be: told with row and column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from glueharness import DataError, HubLayout
from glueharness_glue.mrpc import MRPC
from glueharness_glue.qnli import QNLI
from glueharness_glue.qqp import QQP
from glueharness_glue.sources.hubtable import table_from
from glueharness_glue.stsb import STSB
from tests.hub_glue import hub_form

if TYPE_CHECKING:
    from glueharness import Table, TaskSpec


def read(task: TaskSpec, columns: dict[str, list[Any]], split: str = "train") -> Table:
    import datasets
    import pyarrow as pa

    layout = task.location(HubLayout)
    assert layout is not None
    table = datasets.Dataset(pa.table({name: pa.array(v) for name, v in columns.items()}))
    return table_from(table, split, task, layout, "here")


ODD = [
    (QNLI, "label", None, "row 2: label is missing"),
    (QNLI, "label", 7, "row 2: the label 7 has no name"),
    (QNLI, "label", -1, "row 2: the label -1 has no name"),
    (QNLI, "question", None, "row 2: question is missing"),
    (QNLI, "idx", None, "row 2: idx is missing"),
    (MRPC, "label", None, "row 2: label is missing"),
    (QQP, "question1", None, "row 2: question1 is missing"),
    (STSB, "label", None, "row 2: label is missing"),
    (STSB, "label", float("nan"), "row 2: the score is nan, which is no number from 0 to 5"),
    (STSB, "label", 5.5, "row 2: the score is 5.5, which is no number from 0 to 5"),
    (STSB, "label", float("inf"), "row 2: the score is inf"),
]


@pytest.mark.parametrize(
    ("task", "column", "value", "words"), ODD, ids=[f"{c[0].name}-{c[1]}-{c[2]}" for c in ODD]
)
def test_one_odd_value(task: TaskSpec, column: str, value: Any, words: str) -> None:
    columns = hub_form(task)["train"]
    read(task, columns)
    columns[column][2] = value
    with pytest.raises(DataError) as caught:
        read(task, columns)
    assert words in caught.value.what
    assert caught.value.where == "here"


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("label", ["entailment", "not_entailment"], "label is 'entailment'"),
        ("label", [True, False], "label is 'True'"),
        ("label", [None, None], "label is missing"),
        ("label", [0.0, 1.0], "label is '0.0'"),
        ("question", [1, 2], "question is '1'"),
        ("question", [["a"], ["b"]], "question is"),
        ("idx", ["0", "1"], "idx is '0'"),
    ],
)
def test_a_column_of_another_kind(column: str, values: list[Any], words: str) -> None:
    columns = hub_form(QNLI)["train"]
    columns[column] = values * (len(columns[column]) // 2)
    with pytest.raises(DataError) as caught:
        read(QNLI, columns)
    assert f"row 0: {words}" in caught.value.what


def test_labels_of_a_test_split_are_not_looked_at() -> None:
    columns = hub_form(QNLI)["test"]
    columns["label"] = [None] * len(columns["label"])
    assert "label" not in read(QNLI, columns, "test").column_names
