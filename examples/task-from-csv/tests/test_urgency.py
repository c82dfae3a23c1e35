"""What every task must keep, and what is this task's own."""

from collections.abc import Callable

from glueharness.plugin.registry import Registry
from glueharness.record.record import RunRecord
from glueharness.testing import TaskConformance


class TestUrgency(TaskConformance):
    task = Registry().task("urgency")


def test_a_baseline_learns_it(glueharness_run: Callable[..., RunRecord]) -> None:
    assert glueharness_run("urgency", model="tfidf").primary > 0.8


def test_the_labels_are_balanced() -> None:
    data = TestUrgency().open_data()
    labels = list(data.load("train")["label"])
    assert labels.count("urgent") == labels.count("routine")
