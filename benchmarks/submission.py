"""How long checking and writing a submission takes: whole processes and the parts of them.

    python benchmarks/submission.py [--rounds N]

Each round starts the command anew, so that start-up and imports count. The files are made here:
QQP's is the largest of GLUE (390,965 rows). Processor time does not grow when others use the
machine too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness import Prediction
from glueharness.plugin.registry import Registry
from glueharness.submission.check import submitted_tasks
from glueharness.submission.submit import filler
from glueharness_submission.writer import GlueWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueharness import SubmissionFile, TaskSpec

_PROGRAM = "import sys; from glueharness.cli import main; main(sys.argv[1:])"


def varied(task: TaskSpec, file: SubmissionFile) -> Prediction:
    """A complete prediction in which every value occurs."""
    rows = task.split(file.split).rows or 0
    if task.regression:
        return Prediction(
            task=task, file=file, index=range(rows), values=[row % 500 / 100 for row in range(rows)]
        )
    labels = [task.labels[row * 7 % 11 % len(task.labels)] for row in range(rows)]
    return Prediction(task=task, file=file, index=range(rows), values=labels)


def measure(title: str, rounds: int, work: Callable[[], object]) -> None:
    """Print median and range of some rounds, in seconds by the clock and of processor time."""
    clock, processor = [], []
    for _ in range(rounds):
        start, before = time.perf_counter(), sum(os.times()[:4])
        work()
        clock.append(time.perf_counter() - start)
        processor.append(sum(os.times()[:4]) - before)
    median, spent = statistics.median(clock), statistics.median(processor)
    span = f"[{min(clock):.2f}-{max(clock):.2f}]"
    print(f"{title:<46} {median:6.2f} s {span:>13}   processor {spent:5.2f} s")


def process(*words: str, code: int = 0) -> Callable[[], object]:
    """Run the command line in a fresh process."""

    def work() -> None:
        command = [sys.executable, "-c", _PROGRAM, *words]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode != code:
            raise SystemExit(done.stdout.decode() + done.stderr.decode())

    return work


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    tasks = [task for task in submitted_tasks(Registry()) if task.group == "glue"]
    good = [varied(task, file) for task in tasks for file in task.submission]
    fillers = [filler(task, file) for task in tasks for file in task.submission]
    writer = GlueWriter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = str(writer.bundle(good, folder, {})[0])
        largest = max(folder.glob("*.tsv"), key=lambda path: path.stat().st_size)
        print(f"{len(good)} files; the largest is {largest.name}")
        measure("submit --help, whole process", rounds, process("submit", "--help"))
        single = process("submit", "--check", str(largest))
        measure(f"submit --check {largest.name}, whole process", rounds, single)
        packed = process("submit", "--check", archive)
        measure("submit --check submission.zip, whole process", rounds, packed)
        measure(f"checking {largest.name}", rounds, lambda: writer.check(largest, tasks))
        measure("checking submission.zip", rounds, lambda: writer.check(Path(archive), tasks))
        measure("writing all files and the zip", rounds, lambda: writer.bundle(good, folder, {}))
        measure("the same, fillers only", rounds, lambda: writer.bundle(fillers, folder, {}))
        data = largest.read_bytes().replace(b"\n", b"\r\n")
        largest.write_bytes(data)
        bad = process("submit", "--check", str(largest), code=1)
        measure(f"a bad {largest.name} (CR LF), whole process", rounds, bad)


if __name__ == "__main__":
    main()
