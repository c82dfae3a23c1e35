"""Reports for tests: written by the command itself, and read back from the page."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from glueharness.cli import cli
from glueharness.record.record import EpochRecord, MeasuredRecord
from glueharness.record.run_file import write_record
from tests.leaderboard_runs import Making, make_run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glueharness.record.record import RunRecord

HOSTILE = "hf:evil/</script><script>document.title='taken'</script>\x1b[31m\u202egnp.exe"


def write_report(runs: Path, *words: str) -> str:
    """The page that the command writes for a folder of runs."""
    output = runs.parent / "board.html"
    result = CliRunner().invoke(cli, ["report", *words, "--runs-dir", str(runs), "-o", str(output)])
    assert result.exit_code == 0, result.output
    return output.read_text(encoding="utf-8")


def data_of(page: str) -> dict[str, Any]:
    """The data that a page holds."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert found
    values: dict[str, Any] = json.loads(found[1])
    return values


def with_history(runs: Path, record: RunRecord, seconds: float = 1.5) -> None:
    """Give a run epochs, the last of them the one that is scored, and a speed."""
    score = record.primary or 0.0
    record.history = [
        EpochRecord(
            epoch=epoch,
            primary=score - 0.02 * (3 - epoch),
            metrics={},
            values={"loss": 1 / epoch},
            losses={"dev": 1 / epoch + 0.1},
        )
        for epoch in (1, 2, 3)
    ]
    record.timings = {"fit": 60.0, "evaluate": seconds}
    rows = sum(split.rows for split in record.data.splits.values() if split.role == "dev")
    record.measured = MeasuredRecord(predict_rows_per_second=rows / seconds)
    record.environment = {"cpu": "a processor", "cores": 2}
    write_record(runs / record.id, record)


def make_board(
    runs: Path,
    models: Sequence[tuple[str, float]],
    *,
    task: str = "qnli",
    seeds: int = 3,
    rows: int = 300,
) -> list[RunRecord]:
    """Runs of models, each with an accuracy and several seeds."""
    found = []
    for place, (model, accuracy) in enumerate(models):
        for seed in range(1, seeds + 1):
            number = len(list(runs.iterdir())) + 1 if runs.is_dir() else 1
            making = Making(
                task=task, model=model, seed=seed, accuracy=accuracy, rows=rows, number=number
            )
            record = make_run(runs, making)
            with_history(runs, record, seconds=1.0 + place)
            found.append(record)
    return found
