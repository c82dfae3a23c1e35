"""The command as its user meets it."""

import json
import subprocess
import sys

from glueharness_lengths.command import summary


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "glueharness", *words], capture_output=True, text=True, check=False
    )


def test_it_is_listed_and_answers() -> None:
    assert "lengths" in call("--help").stdout
    done = call("lengths", "qnli", "--data", "sample", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {line["column"] for line in found} == {"question", "sentence"}
    assert all(0 < line["median"] <= line["longest"] for line in found)


def test_an_unknown_task_is_answered_with_the_nearest() -> None:
    done = call("lengths", "qnlli", "--data", "sample")
    assert done.returncode == 1
    assert "did you mean 'qnli'" in done.stderr


def test_the_summary() -> None:
    assert summary([7]) == {"median": 7, "percentile_95": 7, "longest": 7}
    assert summary(list(range(101))) == {"median": 50, "percentile_95": 95, "longest": 100}
