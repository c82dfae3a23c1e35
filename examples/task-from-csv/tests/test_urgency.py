"""What every task must keep, and one thing that is this task's own."""

from glueharness.registry import Registry
from glueharness.testing import TaskConformance


class TestUrgency(TaskConformance):
    task = Registry().task("urgency")


def test_the_labels_are_balanced() -> None:
    data = TestUrgency().open_data()
    labels = list(data.load("train")["label"])
    assert labels.count("urgent") == labels.count("routine")
