"""The benchmark of accuracy: its table, and that what was interrupted goes on with the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks import accuracy

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PEER, HALF, OURS, OURS_HALF = accuracy.CONTENDERS[:4]


def test_the_difference_and_its_interval() -> None:
    scores = {PEER: (0.60, 0.62, 0.64), HALF: (0.5,), OURS: (0.61, 0.63, 0.65)}
    found = {(name, seed): v for name, values in scores.items() for seed, v in enumerate(values)}
    lines = accuracy.report(found).splitlines()[2:]
    assert lines[0] == f"| {PEER} | 3 | 0.6200 ± 0.0200 | – | – |"
    assert lines[1] == f"| {HALF} | 1 | 0.5000 | – | – |"
    # Two means of three with a deviation of 0.02: 2.776 · 0.02 · √(2/3) to either side.
    assert lines[2] == f"| {OURS} | 3 | 0.6300 ± 0.0200 | +0.0100 | -0.0353 to +0.0553 |"


def test_what_is_known_is_not_trained_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results.jsonl"
    known = [{"name": name, "seed": 1, "score": 0.5} for name in (PEER, OURS)]
    results.write_text("".join(json.dumps(each) + "\n" for each in known))
    asked: list[tuple[str, int]] = []

    def train(_: object, name: str, seed: int) -> dict[str, object]:
        asked.append((name, seed))
        return {"name": name, "seed": seed, "score": 0.25}

    monkeypatch.setattr(accuracy, "_in_a_process", train)
    words = ["--data-dir", "x", "--model", "y", "--seeds", "2", "--results", str(results)]
    accuracy.main([*words, "--contenders", PEER, OURS])
    assert asked == [(PEER, 2), (OURS, 2)]
    assert f"| {OURS} | 2 | 0.3750 ± 0.1768 | +0.0000 |" in capsys.readouterr().out
    assert len(results.read_text().splitlines()) == 4
