"""The benchmark of executors: what its table says of runs that are the same, and of others."""

from __future__ import annotations

import pytest

from benchmarks.executors import ALONE, ONE, TWO, Result, main, report


def test_the_table_says_what_differs_and_how_much_faster_two_are() -> None:
    same = {"a": {"predictions/dev.parquet": "1"}, "b": {"predictions/dev.parquet": "2"}}
    other = {**same, "b": {"predictions/dev.parquet": "3"}}
    text = report(
        {
            ("tfidf", ALONE): [Result(seconds=9.0, runs=same)],
            ("tfidf", ONE): [Result(seconds=12.0, runs=same)],
            ("tfidf", TWO): [Result(seconds=6.0, runs=other)],
        }
    )
    assert f"| tfidf | {ONE} | 12.0 | 2 runs, the same |" in text
    assert f"| tfidf | {TWO} | 6.0 | 2 runs, DIFFERENT |" in text
    assert "two workers are 2.00 times as fast" in text


@pytest.mark.slow
def test_every_place_computes_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--plans", "tfidf"])
    said = capsys.readouterr().out
    assert "DIFFERENT" not in said
    assert said.count("8 runs, the same") >= 3
