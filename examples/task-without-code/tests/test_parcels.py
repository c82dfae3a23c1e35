"""What every task must keep, and what is this task's own."""

from collections.abc import Callable

from glueharness.plugin.registry import Registry
from glueharness.record.record import RunRecord
from glueharness.testing import TaskConformance


class TestParcels(TaskConformance):
    task = Registry().task("parcels")


def test_a_baseline_learns_it(glueharness_run: Callable[..., RunRecord]) -> None:
    assert glueharness_run("parcels", model="tfidf").primary > 0.8
