"""The benchmark of whole commands: its table, and what it reads from a run's record."""

from __future__ import annotations

import pytest

from benchmarks import commands
from benchmarks.commands import Result


def test_ratios_are_taken_within_a_turn() -> None:
    options = commands._options(["--data-dir", "x", "--rounds", "3"])
    slow, quick = [10.0, 20.0, 40.0], [30.0, 80.0, 80.0]
    found = {
        "HF Trainer": [Result(train=v, evaluate=v, seconds=9.0) for v in slow],
        "glueharness": [Result(train=v, evaluate=2 * v, seconds=3.0) for v in quick],
    }
    text = commands.report(options, found)
    assert "| HF Trainer | 20 [10–40] | 1 | 20 [10–40] | 1 | 9.0 [9.0–9.0] |" in text
    assert (
        "| glueharness | 80 [30–80] | 3.00 [2.00–4.00] | 160 [60–160] | 6.00 [4.00–8.00] |" in text
    )
    assert "BERT-tiny, QNLI" in text


def test_training_is_counted_without_scoring_and_scoring_with_tokenizing() -> None:
    notes = {
        "speed": {"rows": 100, "seconds": 12.0, "rows_scored": 60, "seconds_of_scoring": 2.0},
        "seconds_of_encoding": {"train": 5.0, "dev": 1.0},
    }
    found = commands._told(notes, 20.0)
    assert (found.train, found.evaluate, found.seconds) == pytest.approx((10, 20, 20))
