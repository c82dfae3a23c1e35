"""``python -m benchmarks.many_runs``: are its runs whole, and would it notice what is too slow?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import many_runs
from benchmarks.many_runs import Figure
from glueharness.plugin.registry import Registry
from glueharness.record.seals import broken_seals
from glueharness.record.store import RunStore
from glueharness.run.rescore import Rescorer

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_too_slow_or_otherwise_wrong_is_told() -> None:
    quick = Figure(name="board", most=3.0, seconds=[2.9, 2.0, 9.0], processor=[1, 1, 1])
    assert quick.holds
    assert "| 2.90 [2.00–9.00] | 3 | 1.00 | holds |" in str(quick)
    slow = Figure(name="board", most=3.0, seconds=[3.1], processor=[1])
    assert not slow.holds
    assert "TOO SLOW" in str(slow)
    heavy = Figure(name="board", seconds=[0.1], processor=[1], problems=["imports torch"])
    assert not heavy.holds
    assert "imports torch" in str(heavy)


@pytest.mark.slow
def test_its_runs_are_whole_and_its_table_tells_of_each_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    words = ["--runs", "60", "--rounds", "1", "--store", str(store)]
    many_runs.main(words)
    out = capsys.readouterr().out
    assert "60 runs" in out
    assert "imports" not in out
    assert out.count("| `") == 5
    runs = RunStore(store)
    records = runs.all()
    assert len(records) == 60
    assert not runs.problems
    assert len({record.identity for record in records}) == 60
    assert not any(broken_seals(runs.path(record), record) for record in records)
    rescorer = Rescorer(runs, Registry())
    assert not any(rescorer.check(record).problems for record in records)
