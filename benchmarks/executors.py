"""The same plans under each executor: the same identities and predictions, and how long each took.

    python -m benchmarks.executors [--data-dir DIR] [--rounds N] [--output FILE]

Two plans: `run rte qnli --seeds 4 --model tfidf`, and eight seeds of BERT-tiny on some rows of RTE,
from fresh weights where its own are not on this machine. Each place begins with an empty folder of
runs and an empty cache; the places take turns, round by round. Places for which something is not
installed are left out and said.
Needs ``pip install 'glueharness[ray,slurm]'``, and for Slurm munge, slurmctld and slurmd, as root.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.run.environment import core_count, cpu_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PLANS: Mapping[str, tuple[str, ...]] = {
    "tfidf": ("rte", "qnli", "--seeds", "4", "--model", "tfidf"),
    "bert-tiny": (
        "rte", "--seeds", "8", "--model", "bert-tiny", "--offline",
        "--limit-train", "1000", "--limit-dev", "200", "--epochs", "10",
    ),
}  # fmt: skip
ALONE, ONE = "one after another", "one worker of one thread"
TWO = "local ×2, one thread each"
PLACES: Mapping[str, tuple[str, ...]] = {
    ALONE: (),
    ONE: (),
    TWO: ("--executor", "local", "--jobs", "2"),
    "ray ×2": ("--executor", "ray", "--jobs", "2"),
    "slurm ×2": ("--executor", "slurm", "--jobs", "2"),
}
_ONE_THREAD = {"OMP_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a plan came to at one place.

    Attributes:
        seconds: From the command to its end.
        runs: Of each identity the hashes of its predictions.
        engine: What computed them.
    """

    seconds: float
    runs: Mapping[str, Mapping[str, str]]
    engine: str = "native"


def main(words: Sequence[str]) -> None:
    """Measure, print the table, and write it where ``--output`` says."""
    options = _options(words)
    found: dict[tuple[str, str], list[Result]] = {}
    with contextlib.ExitStack() as stack:
        environment = stack.enter_context(_slurm())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for number in range(options.rounds):
            for plan in options.plans:
                for place in _places(environment):
                    result = _run(plan, place, folder / f"{number}-{len(found)}", options)
                    found.setdefault((plan, place), []).append(result)
                    print(f"{plan}, {place}: {result.seconds:.1f} s", file=sys.stderr)
    text = report(found)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, help="folder of GLUE files; else the sample")
    parser.add_argument("--plans", nargs="+", default=list(PLANS), choices=PLANS)
    parser.add_argument("--rounds", type=int, default=1, help="turns that each place takes")
    parser.add_argument("--output", type=Path, help="write the table here too")
    return parser.parse_args(words)


@contextlib.contextmanager
def _slurm() -> Iterator[Mapping[str, str] | None]:
    """A Slurm cluster on this machine, by its environment; None if there can be none."""
    from tests.slurm_cluster import SlurmCluster, missing

    if missing() or importlib.util.find_spec("submitit") is None:
        print(f"slurm left out: {missing() or 'submitit is not installed'}", file=sys.stderr)
        yield None
        return
    cluster = SlurmCluster()
    try:
        os.environ["SLURM_CONF"] = cluster.environment["SLURM_CONF"]
        yield cluster.environment
    finally:
        cluster.close()


def _places(slurm: Mapping[str, str] | None) -> Iterator[str]:
    for place in PLACES:
        if place.startswith("ray") and importlib.util.find_spec("ray") is None:
            continue
        if place.startswith("slurm") and slurm is None:
            continue
        yield place


def _run(plan: str, place: str, folder: Path, options: argparse.Namespace) -> Result:
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        runs = Path(name) / "runs"
        words = [sys.executable, "-m", "glueharness", "run", *PLANS[plan], *PLACES[place]]
        words += ["--runs-dir", str(runs)]
        words += ["--data-dir", str(options.data_dir.absolute())] if options.data_dir else []
        words += [] if options.data_dir else ["--data", "sample"]
        environment = {**os.environ, "GLUEHARNESS_CACHE": str(Path(name) / "cache")}
        environment |= _ONE_THREAD if place == ONE else {}
        began = time.perf_counter()
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        if done.returncode:
            raise SystemExit(f"{plan}, {place}: {done.stderr}")
        return Result(seconds=seconds, runs=_predictions(runs), engine=_engine(runs))


def _predictions(runs: Path) -> dict[str, dict[str, str]]:
    """Of each completed run's identity the hashes of its predictions."""
    found: dict[str, dict[str, str]] = {}
    for path in runs.glob("*/run.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["status"] != "completed" or record["identity"] in found:
            raise SystemExit(f"{path}: {record['status']}, or computed twice")
        seals = record["seals"].items()
        found[record["identity"]] = {
            name: seal for name, seal in seals if name.startswith("predictions/")
        }
    return found


def _engine(runs: Path) -> str:
    path = next(runs.glob("*/run.json"))
    system = json.loads(path.read_text(encoding="utf-8"))["computation"]["system"]
    return str(system.get("engine", ""))


def report(found: Mapping[tuple[str, str], Sequence[Result]]) -> str:
    """The table in Markdown, with whether everything is the same."""
    lines = [
        f"{cpu_name()}, {core_count()} processors, load {os.getloadavg()[0]:.1f} at the end", "",
        "| plan | place | seconds | identities and predictions |", "|---|---|---:|---|",
    ]  # fmt: skip
    for (plan, place), results in found.items():
        words = _compared(results, found[plan, ONE][0].runs, place)
        middle = statistics.median(result.seconds for result in results)
        lines.append(f"| {plan} | {place} | {middle:.1f} | {words} |")
    for plan in dict.fromkeys(plan for plan, _ in found):
        pairs = zip(found[plan, ONE], found[plan, TWO], strict=True)
        ratio = statistics.median(one.seconds / two.seconds for one, two in pairs)
        lines.append(f"\n{plan}: two workers are {ratio:.2f} times as fast as one of one thread.")
    return "\n".join(lines)


def _compared(
    results: Sequence[Result], expected: Mapping[str, Mapping[str, str]], place: str
) -> str:
    """Whether the runs are those of one worker of one thread."""
    count = f"{len(expected)} runs"
    if all(result.runs == expected for result in results):
        return f"{count}, the same"
    identities = all(result.runs.keys() == expected.keys() for result in results)
    if identities and place == ALONE and results[0].engine == "torch":
        return f"{count}, the same but for the last bits: PyTorch has more threads here"
    return f"{count}, DIFFERENT"


if __name__ == "__main__":
    main(sys.argv[1:])
