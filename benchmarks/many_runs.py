"""How long board, comparison, list and report take in a large store, each as a user's process.

    python -m benchmarks.many_runs [--runs 10000] [--rounds 3] [--store FOLDER] [--output FILE]

The runs are made first (:mod:`benchmarks.made_runs`), or are those of ``--store`` if it is there.
"Cold" is without anything of ours in the cache; the files themselves may be in the system's. Exits
with 1 if a command takes longer than it may, imports torch, or finds another number of runs.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.made_runs import make_patterns, make_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

_RUNS, _OF_REPORT = 10_000, 500
_PROGRAM = "from glueharness.cli import main; main()"
_IMPORTS = """
import sys
from glueharness.cli import main
try:
    main(sys.argv[1:])  # with words of its own it leaves the end of the process to us
finally:
    heavy = sorted({"torch", "transformers", "datasets"} & {*sys.modules})
    print("\\nheavy:", *heavy, file=sys.stderr)
"""


@dataclass(slots=True, kw_only=True)
class Figure:
    """What a command took.

    Attributes:
        name: What was done.
        most: Seconds that it may take; None where nothing is promised.
        seconds: By the clock, each time.
        processor: Seconds of all processors, each time.
        problems: What else is not as it should be.
    """

    name: str
    most: float | None = None
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether all is as promised."""
        slow = self.most is not None and statistics.median(self.seconds) > self.most
        return not slow and not self.problems

    def __str__(self) -> str:
        """A row of the table."""
        low, high = min(self.seconds), max(self.seconds)
        clock = f"{statistics.median(self.seconds):.2f} [{low:.2f}–{high:.2f}]"
        bound = "" if self.most is None else f"{self.most:g}"
        verdict = "; ".join(self.problems) or ("" if self.most is None else "holds")
        if not self.holds and not self.problems:
            verdict = "TOO SLOW"
        spent = f"{statistics.median(self.processor):.2f}"
        return f"| {self.name} | {clock} | {bound} | {spent} | {verdict} |"


class Bench:
    """Runs commands on a store, with a cache of their own.

    Args:
        work: A folder for what is needed on the way.
        rounds: How often each command is timed.
    """

    def __init__(self, work: Path, rounds: int) -> None:
        self._work, self._rounds = work, rounds
        self._environment = {
            **os.environ,
            "GLUEHARNESS_CACHE": str(work / "cache"),
            "GLUEHARNESS_CONFIG_DIR": str(work / "config"),
            "PYTHONPYCACHEPREFIX": str(work / "compiled"),  # as installed: with compiled modules
            "COLUMNS": "160",
        }
        for name in ("PYTHONDONTWRITEBYTECODE", "GLUEHARNESS_STORE", "GLUEHARNESS_RUNS"):
            self._environment.pop(name, None)

    def time(
        self, name: str, words: Sequence[str], most: float | None = None, *, cold: bool = False
    ) -> Figure:
        """Time a command, after one time that does not count.

        Args:
            name: What it does.
            words: The command line.
            most: Seconds that it may take.
            cold: Whether the cache is emptied before each time.
        """
        figure = Figure(name=name, most=most)
        program = [sys.executable, "-c", _PROGRAM, *words]
        told = self._run([sys.executable, "-c", _IMPORTS, *words]).stderr
        _, mark, heavy = told.rpartition("heavy:")
        if not mark or heavy.strip():
            figure.problems.append(f"imports {heavy.strip() or 'nobody knows what'}")
        for _ in range(self._rounds):
            if cold:
                shutil.rmtree(self._work / "cache", ignore_errors=True)
            before, spent = time.perf_counter(), sum(os.times()[2:4])
            self._run(program)
            figure.seconds.append(time.perf_counter() - before)
            figure.processor.append(sum(os.times()[2:4]) - spent)
        print(figure, file=sys.stderr)
        return figure

    def json(self, words: Sequence[str]) -> object:
        """What a command prints as JSON."""
        return json.loads(self._run([sys.executable, "-c", _PROGRAM, *words, "--json"]).stdout)

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(command[2:])} failed:\n{done.stderr}")
        return done


def measure(store: Path, work: Path, rounds: int) -> list[Figure]:
    """Time the commands."""
    bench, runs = Bench(work, rounds), ["--runs-dir", str(store)]
    names = sorted(path.name for path in store.iterdir() if not path.name.startswith("."))
    few, page = work / "few", work / "report.html"
    few.mkdir()
    for name in names[:: max(1, len(names) // _OF_REPORT)][:_OF_REPORT]:
        shutil.copytree(store / name, few / name)
    task = names[0].partition("-")[0]
    one, other = [name for name in names if name.startswith(f"{task}-")][:2]
    found = [
        bench.time("`leaderboard`, cold", ["leaderboard", *runs], 3.0, cold=True),
        bench.time("`leaderboard`, warm", ["leaderboard", *runs], 0.7),
        bench.time("`compare RUN RUN`, warm", ["compare", one, other, *runs], 1.0),
        bench.time("`runs`, warm", ["runs", *runs]),
        bench.time(
            f"`report`, {len([*few.iterdir()])} runs, cold",
            ["report", "--runs-dir", str(few), "-o", str(page)], 20.0, cold=True,
        ),
    ]  # fmt: skip
    size = page.stat().st_size
    found[-1].name += f", {size / 1e6:.2f} MB"
    if size > 3_000_000:
        found[-1].problems.append("LARGER THAN 3 MB")
    listed = bench.json(["runs", "--columns", "id", *runs])
    if not isinstance(listed, list) or len(listed) != len(names):
        found[3].problems.append("DOES NOT LIST ALL RUNS")
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Make the runs, time the commands, print the table; 0 if all holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=_RUNS, help="how many runs are made")
    parser.add_argument("--rounds", type=int, default=3, help="how often each command is timed")
    parser.add_argument("--store", type=Path, help="folder for the runs, or with them")
    parser.add_argument("--output", type=Path, help="Markdown file to write")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        store = options.store or work / "runs"
        if not store.exists():
            make_patterns(work / "patterns")
            make_runs(work / "patterns", store, options.runs)
        found = measure(store, work, options.rounds)
        count = sum(not path.name.startswith(".") for path in store.iterdir())
    text = _table(found, count, options.rounds)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    return 0 if all(figure.holds for figure in found) else 1


def _table(found: Sequence[Figure], count: int, rounds: int) -> str:
    import platform

    from glueharness.run.environment import core_count, cpu_name

    measured = (
        f"Measured {dt.datetime.now(dt.UTC):%Y-%m-%d} on {cpu_name()}, {core_count()} processors, "
        f"{platform.system()}, Python {platform.python_version()}: {count:,} runs; "
        f"{rounds} times each, from the start of the process to its end. "
        "Median [lowest–highest]."
    )
    lines = [
        measured,
        "",
        "| | seconds | at most | of all processors | |",
        "|---|---|---|---|---|",
        *map(str, found),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
