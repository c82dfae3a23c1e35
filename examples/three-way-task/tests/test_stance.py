"""The suites, and the metric against examples worked by hand."""

from pathlib import Path

import pytest
from glueharness_stance import ordinal_agreement

from glueharness.plugin.registry import Registry
from glueharness.testing import TaskConformance, WriterConformance

REGISTRY = Registry()


class TestStance(TaskConformance):
    task = REGISTRY.task("stance")


class TestStanceCsv(WriterConformance):
    writer = REGISTRY.writers.get("stance-csv")
    tasks = (REGISTRY.task("stance"),)


@pytest.mark.parametrize(
    ("truth", "predicted", "score"),
    [
        (["against"], ["in favour"], 0.0),
        (["against"], ["neutral"], 0.5),
        (["against", "neutral"], ["against", "in favour"], 0.75),
    ],
)
def test_far_misses_cost_more(truth: list[str], predicted: list[str], score: float) -> None:
    assert ordinal_agreement(truth, predicted) == score


def test_the_file_says_the_stance_in_signs(tmp_path: Path) -> None:
    suite = TestStanceCsv()
    (path,) = suite.write(suite.predictions(suite.tasks[0]), tmp_path)
    assert path.read_text(encoding="utf-8").splitlines()[:4] == ["id,stance", "0,-1", "1,0", "2,+1"]
