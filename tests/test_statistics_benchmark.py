"""``python -m benchmarks.statistics``: does it measure, and would it notice?"""

from __future__ import annotations

import pytest

from benchmarks import statistics
from benchmarks.statistics_figures import Figure


def test_a_section_prints_what_it_measured_and_what_is_allowed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert statistics.main(["few-rows", "--repetitions", "400"]) == 0
    out = capsys.readouterr().out
    assert "false positives" in out
    assert "3 – 6.5" in out
    assert "all figures hold" in out
    assert statistics.main(["few-rows", "--repetitions", "400"]) == 0
    assert capsys.readouterr().out == out


def test_a_figure_outside_of_what_is_allowed_is_told_and_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.statistics_pairs.p_of", lambda *_: 0.01)
    assert statistics.main(["few-rows", "--repetitions", "50"]) == 1
    assert "OUT" in capsys.readouterr().out


def test_twice_the_standard_error_is_let_pass() -> None:
    near = Figure(what="", value=6.9, low=3, high=6.5, repetitions=1000)
    assert near.holds
    assert "within two standard errors" in str(near)
    assert not Figure(what="", value=6.9, low=3, high=6.5, repetitions=100_000).holds


def test_an_unknown_section_is_refused() -> None:
    with pytest.raises(SystemExit):
        statistics.main(["nothing"])
