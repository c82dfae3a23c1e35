"""A task whose spec could not work is refused when it is made, in one sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from glueharness import SpecError, SplitSpec
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry
from glueharness.specs.file_names import file_name_problem
from tests.small_task import parity

DEV = SplitSpec(name="dev", role="dev")
METRIC = parity().metrics[0]
FILE = parity().submission[0]
TEST = parity().splits[2]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"splits": (SplitSpec(name="dev", role="dev", rows=-1),)}, "cannot have -1 rows"),
        ({"splits": (SplitSpec(name="dev", role="dev", rows=0),)}, "cannot have 0 rows"),
        ({"splits": (SplitSpec(name="dev", role="dev", rows=True),)}, "cannot have True rows"),
        ({"splits": (SplitSpec(name="../dev", role="dev"),)}, "'../dev', which is also a file's, "),
        ({"splits": (SplitSpec(name="NUL", role="dev"),)}, "is reserved by Windows"),
        ({"metrics": (METRIC, METRIC)}, "two metrics are called 'accuracy'"),
        ({"metrics": (replace(METRIC, name=" "),)}, "a metric cannot be called ' '"),
        ({"metrics": (replace(METRIC, bounds=(1.0, 0.0)),)}, "must be its worst and its best"),
        ({"metrics": (replace(METRIC, bounds=(0.0, float("nan"))),)}, "must be its worst and its"),
        ({"metrics": ()}, "at least one metric is needed"),
        ({"labels": ("even", "")}, "a label cannot be ''"),
        ({"labels": ("even", "  ")}, "a label cannot be '  '"),
        ({"labels": ("even", "o\tdd")}, "a label cannot be 'o\\tdd'"),
        ({"labels": ("even", "even")}, "labels must be at least two different names"),
        ({"submission": (replace(FILE, name="a/b.tsv"),)}, "has a path separator"),
        ({"submission": (replace(FILE, name="a\nb.tsv"),)}, "has a control character"),
        (
            {"submission": (FILE, replace(FILE, name="PARITY.TSV"))},
            "two submission files have the same name",
        ),
    ],
)
def test_a_spec_that_could_not_work_is_refused(changes: dict[str, Any], said: str) -> None:
    if "splits" in changes:
        changes = {**changes, "submission": ()}
    with pytest.raises(SpecError) as caught:
        parity(**changes)
    assert caught.value.what.startswith("task 'parity': ")
    assert said in caught.value.what


@pytest.mark.parametrize(
    "name",
    ["QNLI.tsv", "dev_matched", "MNLI-m.tsv", "données.csv", "console", "common.tsv", "a b.tsv"],
)
def test_usual_file_names_are_taken(name: str) -> None:
    assert file_name_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "is empty"),
        ("..", "begins with a dot"),
        (".hidden", "begins with a dot"),
        ("end.", "ends with a dot"),
        ("a\\b", "path separator"),
        ("a\x00b", "control character"),
        ("a:b", "the character :"),
        ("con", "reserved"),
        ("Com1.tsv", "reserved"),
        ("x" * 201, "longer than 200 bytes"),
    ],
)
def test_odd_file_names_are_told(name: str, said: str) -> None:
    assert said in file_name_problem(name)


def test_all_tasks_that_come_with_it_pass() -> None:
    assert len(list(Registry(load_plugins()).tasks)) >= 10
